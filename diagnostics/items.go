package diagnostics

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// items compares two lists: item by item with the same id, if the items have ids; or
// aligned by what is the same, if the lists are short; or else by position.
func (c *comparer) items(at place, a, b []any) {
	const short = 1 << 16     // pairs of items
	if at.a == ".body.args" { // of a document: arguments have their places
		c.stretch(at, a, b, 0, len(a), 0, len(b))
		return
	}
	if key := idOf(a, b); key != "" && !c.discreet {
		c.itemsByID(at, key, a, b)
		return
	}
	if len(a)*len(b) <= short {
		c.itemsAligned(at, a, b)
		return
	}
	c.stretch(at, a, b, 0, len(a), 0, len(b))
}

// stretch compares items of a stretch by position.
func (c *comparer) stretch(at place, a, b []any, a0, a1, b0, b1 int) {
	for n := range max(a1-a0, b1-b0) {
		var va, vb any
		i, j := a0+n, b0+n
		if i < a1 {
			va = a[i]
		}
		if j < b1 {
			vb = b[j]
		}
		c.part(at.items(i, j), va, vb, i < a1, j < b1)
	}
}

// itemsAligned finds the items that both lists have, in order, and compares what is
// between them by position: an item that was added in front is one change, not one in
// each item behind it.
func (c *comparer) itemsAligned(at place, a, b []any) {
	const work = 1 << 18
	ta, tb := texts(a), texts(b)
	flip := slices.Compare(ta, tb) > 0 // what is found must not depend on which side is A
	if flip {
		ta, tb = tb, ta
	}
	numbers := map[string]int32{}
	numbered := func(texts []string) []int32 {
		keys := make([]int32, len(texts))
		for i, t := range texts {
			keys[i] = numberOf(numbers, t)
		}
		return keys
	}
	left := work
	found, _ := align(numbered(ta), numbered(tb), &left)
	i, j := 0, 0
	for _, m := range append(found, match{a: len(ta), b: len(tb)}) {
		if flip {
			m.a, m.b = m.b, m.a
		}
		c.stretch(at, a, b, i, m.a, j, m.b)
		i, j = m.a+m.n, m.b+m.n
	}
}

func texts(items []any) []string {
	out := make([]string, len(items))
	for i, item := range items {
		t, _ := json.Marshal(item) // it was decoded from JSON
		out[i] = string(t)
	}
	return out
}

// idOf is the member by which items of two lists can be told apart: all have it, with
// values that are simple and that no other item of the same list has.
func idOf(a, b []any) string {
	if len(a) == 0 || len(b) == 0 {
		return ""
	}
	first, ok := a[0].(map[string]any)
	if !ok {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(first)) {
		if likeID(key) && len(idsOf(a, key)) == len(a) && len(idsOf(b, key)) == len(b) {
			return key
		}
	}
	return ""
}

func likeID(name string) bool {
	switch lower := strings.ToLower(name); lower {
	case "id", "uuid", "guid", "key", "name", "sku":
		return true
	default:
		return strings.HasSuffix(lower, "_id") || strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "ID")
	}
}

// idsOf are the positions of items by the text of their id.
func idsOf(items []any, key string) map[string]int {
	ids := make(map[string]int, len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		id, ok := m[key]
		if !ok || id == nil || !isScalar(id) {
			continue
		}
		ids[text(id)] = i
	}
	return ids
}

func (c *comparer) itemsByID(at place, key string, a, b []any) {
	inA, inB := idsOf(a, key), idsOf(b, key)
	if orderA, orderB := common(inA, inB), common(inB, inA); !slices.Equal(orderA, orderB) {
		ch := at.in("[*]." + key).change()
		ch.A, ch.B = short([]byte("["+strings.Join(orderA, ",")+"]")), short([]byte("["+strings.Join(orderB, ",")+"]"))
		c.add(ch)
	}
	all := maps.Clone(inA)
	maps.Copy(all, inB)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		var va, vb any
		i, okA := inA[id]
		j, okB := inB[id]
		if okA {
			va = a[i]
		}
		if okB {
			vb = b[j]
		}
		c.part(at.in("["+key+"="+id+"]"), va, vb, okA, okB)
	}
}

// common are the ids of one list that the other has too, in order.
func common(of, other map[string]int) []string {
	var ids []string
	for id := range of {
		if _, ok := other[id]; ok {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(x, y string) int { return of[x] - of[y] })
	return ids
}
