package history

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

// kinds returns every kind that can be decoded, in order.
func kinds() []Kind {
	var all []Kind
	for k := range readers {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func zeroBody(k Kind) Body { return readers[k](&coder{buf: emptyBody}) }

func mustEncode(t testing.TB, events ...Event) Encoded {
	t.Helper()
	e, err := Encode(events...)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return e
}

func mustDecode(t testing.TB, e Encoded, first int64) []Event {
	t.Helper()
	events, err := e.Decode(first)
	if err != nil {
		t.Fatalf("decode %s: %v", e, err)
	}
	return events
}

func TestEveryKindIsKnown(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "body.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Kind" {
			declared++
			name, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if readers[Kind(name)] == nil {
				t.Errorf("%s can't be decoded", name)
			}
		}
		return true
	})
	if declared != len(readers) {
		t.Errorf("%d kinds are declared, %d are decoded", declared, len(readers))
	}
	for _, k := range kinds() {
		body := zeroBody(k)
		if body.Kind() != k || reflect.TypeOf(body).Name() != string(k) {
			t.Errorf("%s decodes to %T of kind %s", k, body, body.Kind())
		}
	}
}

// filler sets every field to something that is not its zero value. With rnd, it
// leaves some out and draws the others.
type filler struct {
	n   int
	rnd *rand.Rand
}

var (
	typeTime     = reflect.TypeFor[time.Time]()
	typeDuration = reflect.TypeFor[time.Duration]()
	typePayload  = reflect.TypeFor[engine.Payload]()
	typeEncoded  = reflect.TypeFor[Encoded]()
)

func (f *filler) fill(v reflect.Value, depth int) {
	f.n++
	if f.rnd != nil && f.rnd.IntN(4) == 0 {
		return
	}
	switch v.Type() {
	case typeTime:
		v.Set(reflect.ValueOf(f.time()))
		return
	case typeDuration:
		v.SetInt(f.int())
		return
	case typePayload, typeEncoded:
		v.SetBytes(f.payload())
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.string())
	case reflect.Int, reflect.Int64:
		v.SetInt(f.int())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(f.int()) / 7)
	case reflect.Struct:
		for field, value := range v.Fields() {
			if field.IsExported() {
				f.fill(value, depth)
			}
		}
	case reflect.Pointer:
		if depth < 4 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if depth < 4 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			f.fill(v.Index(0), depth+1)
			f.fill(v.Index(1), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			v.SetMapIndex(reflect.ValueOf(f.string()), reflect.ValueOf(f.string()))
		}
	default:
		panic("no rule for " + v.Type().String())
	}
}

func (f *filler) int() int64 {
	if f.rnd != nil {
		return int64(f.rnd.Uint64())
	}
	return int64(f.n)
}

func (f *filler) time() time.Time {
	if f.rnd != nil {
		return time.Unix(f.rnd.Int64N(3.1e11)-6e10, f.rnd.Int64N(1e9)).UTC()
	}
	return time.Unix(int64(f.n), 123456789).UTC()
}

func (f *filler) string() string {
	f.n++
	if f.rnd == nil {
		return "s" + strconv.Itoa(f.n)
	}
	pieces := []string{"a", "\"", "\\", "\x00", "\n", "\u2028", "é", "𝄞", "</x>", "\uFFFD", "{}", "\x7f", "$bytes", "null"}
	s := ""
	for range f.rnd.IntN(6) {
		s += pieces[f.rnd.IntN(len(pieces))]
	}
	return s
}

func (f *filler) payload() []byte {
	if f.rnd == nil {
		return []byte(`{"n": ` + strconv.Itoa(f.n) + `}`)
	}
	pieces := []string{"", "null", "{ }", "[1,\n2]", `{"$bytes":"AA=="}`, "{ \t\"$bytes\":1}", " 1", "\xff", `"\ud800"`, "1e999", "{", `"<&>"`}
	return []byte(pieces[f.rnd.IntN(len(pieces))])
}

func (f *filler) event(k Kind) Event {
	body := reflect.New(reflect.TypeOf(zeroBody(k))).Elem()
	for _, field := range body.Fields() {
		f.fill(field, 0)
	}
	return Event{Seq: 1, At: f.time(), Ref: f.int(), Body: body.Interface().(Body)}
}

func TestEveryFieldSurvives(t *testing.T) {
	for _, k := range kinds() {
		t.Run(string(k), func(t *testing.T) {
			want := (&filler{}).event(k)
			body := reflect.ValueOf(want.Body)
			for field, value := range body.Fields() {
				if value.IsZero() {
					t.Errorf("%s was not filled", field.Name)
				}
			}
			if got := mustDecode(t, mustEncode(t, want), 1); !reflect.DeepEqual(got, []Event{want}) {
				t.Errorf("got  %#v\nwant %#v", got[0].Body, want.Body)
			}
		})
	}
}

func TestRandomEventsSurvive(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := &filler{rnd: rand.New(rand.NewPCG(seed, 0))}
	all := kinds()
	for range 300 {
		var want []Event
		for range 1 + f.rnd.IntN(5) {
			e := f.event(all[f.rnd.IntN(len(all))])
			e.Seq = int64(7 + len(want))
			want = append(want, e)
		}
		enc := mustEncode(t, want...)
		got := mustDecode(t, enc, 7)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d\ngot  %#v\nwant %#v\nfrom %s", seed, got, want, enc)
		}
		if again := mustEncode(t, got...); string(again) != string(enc) {
			t.Fatalf("seed %d: encoded twice, it differs\n%s\n%s", seed, enc, again)
		}
	}
}
