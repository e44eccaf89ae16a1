package diagnostics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/wfops/wfops/engine"
)

// Change is a place in which two values differ.
type Change struct {
	// Path of the value, for example args[0].lines[2].sku.
	Path string `json:"path"`
	// A and B are the two values as JSON, cut if they are long; empty where there is
	// none, or if values are not to be shown.
	A string `json:"a,omitempty"`
	B string `json:"b,omitempty"`
}

// mostChanges bounds what is listed of one pair of values: more says less.
const mostChanges = 50

// payloadChanges compares payloads one by one. Those that are no JSON are compared
// as bytes.
func payloadChanges(path string, a, b []engine.Payload) []Change {
	var cs []Change
	for i := range max(len(a), len(b)) {
		at := path + "[" + strconv.Itoa(i) + "]"
		switch {
		case i >= len(a):
			cs = append(cs, Change{Path: at, B: short(b[i])})
		case i >= len(b):
			cs = append(cs, Change{Path: at, A: short(a[i])})
		default:
			cs = append(cs, payloadChange(at, a[i], b[i])...)
		}
	}
	return cs
}

func payloadChange(path string, a, b engine.Payload) []Change {
	if bytes.Equal(a, b) {
		return nil
	}
	va, errA := decodeJSON(a)
	vb, errB := decodeJSON(b)
	if errA != nil || errB != nil {
		return []Change{{Path: path, A: short(a), B: short(b)}}
	}
	return valueChanges(nil, path, va, vb)
}

// decodeJSON keeps numbers as they are written: two ids of twenty digits must not
// become one float.
func decodeJSON(p engine.Payload) (any, error) {
	if len(p) == 0 {
		return nil, nil //nolint:nilnil // no payload is the zero value
	}
	d := json.NewDecoder(bytes.NewReader(p))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

func valueChanges(cs []Change, path string, a, b any) []Change {
	if len(cs) >= mostChanges {
		return cs
	}
	switch va := a.(type) {
	case map[string]any:
		if vb, ok := b.(map[string]any); ok {
			return memberChanges(cs, path, va, vb)
		}
	case []any:
		if vb, ok := b.([]any); ok {
			return itemChanges(cs, path, va, vb)
		}
	default:
		if a == b || isScalar(b) && text(a) == text(b) {
			return cs
		}
	}
	return append(cs, Change{Path: path, A: text(a), B: text(b)})
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func memberChanges(cs []Change, path string, a, b map[string]any) []Change {
	names := maps.Clone(a)
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		at := path + "." + name
		if !identifier.MatchString(name) {
			at = path + "[" + strconv.Quote(name) + "]"
		}
		va, inA := a[name]
		vb, inB := b[name]
		cs = partChanges(cs, at, va, vb, inA, inB)
	}
	return cs
}

func itemChanges(cs []Change, path string, a, b []any) []Change {
	for i := range max(len(a), len(b)) {
		var va, vb any
		if i < len(a) {
			va = a[i]
		}
		if i < len(b) {
			vb = b[i]
		}
		cs = partChanges(cs, path+"["+strconv.Itoa(i)+"]", va, vb, i < len(a), i < len(b))
	}
	return cs
}

func partChanges(cs []Change, path string, a, b any, inA, inB bool) []Change {
	switch {
	case inA && inB:
		return valueChanges(cs, path, a, b)
	case len(cs) >= mostChanges:
		return cs
	case inA:
		return append(cs, Change{Path: path, A: text(a)})
	default:
		return append(cs, Change{Path: path, B: text(b)})
	}
}

// maxText is how much of a value is shown.
const maxText = 200

func text(v any) string {
	t, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return short(t)
}

func short(p engine.Payload) string {
	s := string(p)
	if len(s) > maxText {
		s = s[:maxText] + fmt.Sprintf("… (%d bytes)", len(p))
	}
	return s
}
