package registry

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/wfops/wfops/internal/spelling"
)

// source says where a function comes from. It is zero for one that package reflect
// has made.
type source struct {
	// full is the name with its package, without pointers and type arguments.
	full string
	// name is full without its package: Func, Type.Method, or Func.func1 for a
	// function literal.
	name string
	// method is the method's own name, or "".
	method string
}

// sources caches what sourceOf finds by the address of the code: workflow code
// passes the same few functions over and over.
var sources sync.Map // uintptr → source

func sourceOf(fn reflect.Value) source {
	pc := fn.Pointer()
	known, _ := sources.Load(pc)
	if s, ok := known.(source); ok {
		return s
	}
	s := parseSource(pc)
	sources.Store(pc, s)
	return s
}

// parseSource reads the name that the compiler gave to a function:
//
//	example.com/pkg.Func             example.com/pkg.Func[...]
//	example.com/pkg.(*Type).Method   example.com/pkg.(*Type).Method-fm   (a method value)
//	example.com/pkg.Type.Method-fm   example.com/pkg.Func.func1          (a function literal)
func parseSource(pc uintptr) source {
	f := runtime.FuncForPC(pc)
	if f == nil {
		return source{}
	}
	symbol, bound := strings.CutSuffix(f.Name(), "-fm")
	pkgEnd := strings.LastIndexByte(symbol, '/') + 1
	dot := strings.IndexByte(symbol[pkgEnd:], '.')
	if dot < 0 {
		return source{full: symbol, name: symbol}
	}
	pkg, name := symbol[:pkgEnd+dot], symbol[pkgEnd+dot+1:]
	if pkg == "reflect" { // made by reflect.MakeFunc or Value.Method: all of these share their code
		return source{}
	}
	pointer := strings.HasPrefix(name, "(*")
	name = strings.NewReplacer("(*", "", ")", "", "[...]", "").Replace(name)
	s := source{full: pkg + "." + name, name: name}
	if _, method, ok := strings.Cut(name, "."); ok && (bound || pointer) && !strings.Contains(method, ".") {
		s.method = method
	}
	return s
}

// withoutTypeArgs returns the name of a type without the types it was made of.
func withoutTypeArgs(name string) string {
	name, _, _ = strings.Cut(name, "[")
	return name
}

// most is how many names an error lists.
const most = 5

// suggest returns the end of a sentence that says which of names was perhaps meant.
func suggest(name string, names []string) string {
	slices.Sort(names)
	near := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !similar(name, n) })
	switch {
	case len(near) > 0:
		return "; did you mean " + quoted(near) + "?"
	case len(names) == 0:
		return "; none is registered"
	default:
		return "; registered are " + quoted(names)
	}
}

func quoted(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", n)
	}
	return b.String()
}

// similar reports whether a could be a slip for b: the case, the type or a few
// letters are wrong.
func similar(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return own(a) == own(b) || spelling.Distance(a, b) <= max(1, len(a)/4)
}

func own(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
