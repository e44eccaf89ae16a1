package diagnostics

import (
	"cmp"
	"slices"
)

// diffWork bounds what a diff may cost, in steps of its inner loops. It is large
// enough for any two runs of the same workflow, and small enough to be done in the
// time between two key strokes.
const diffWork = 20_000_000

// alignment says for each step of a and b which one stands for it on the other side,
// or -1.
type alignment struct {
	a, b   *sequence
	toB    []int
	toA    []int
	moved  []bool // by index in a: the pair crosses others
	work   int
	capped bool
}

func newAlignment(a, b *sequence) *alignment {
	al := &alignment{a: a, b: b, work: diffWork, toB: filled(len(a.steps)), toA: filled(len(b.steps)), moved: make([]bool, len(a.steps))}
	number(a, b)
	al.patience()
	al.inGaps(func(a0, a1, b0, b1 int) { al.myers(a.exact, b.exact, a0, a1, b0, b1) })
	al.findMoved()
	al.inGaps(func(a0, a1, b0, b1 int) { al.myers(a.named, b.named, a0, a1, b0, b1) })
	al.inGaps(al.alike)
	return al
}

func filled(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = -1
	}
	return s
}

func (al *alignment) pair(i, j int) { al.toB[i], al.toA[j] = j, i }

// patience pairs the steps that both sides have exactly once, as many as keep their
// order: a longest increasing subsequence. Loops repeat names, but seldom inputs, so
// this alone settles most of what is long.
func (al *alignment) patience() {
	counts := make([]struct{ inA, inB, at int32 }, 0, len(al.a.exact))
	grow := func(k int32) {
		for int(k) >= len(counts) {
			counts = append(counts, struct{ inA, inB, at int32 }{})
		}
	}
	for _, k := range al.a.exact {
		grow(k)
		counts[k].inA++
	}
	for j, k := range al.b.exact {
		grow(k)
		counts[k].inB++
		counts[k].at = int32(j) //nolint:gosec // a history has no more events
	}
	var ups []rise
	var tops []int // by length, the last of the sequence that ends lowest
	for i, k := range al.a.exact {
		c := counts[k]
		if c.inA != 1 || c.inB != 1 {
			continue
		}
		n, _ := slices.BinarySearchFunc(tops, int(c.at), func(top, at int) int { return cmp.Compare(ups[top].j, at) })
		r := rise{i: i, j: int(c.at), prev: -1}
		if n > 0 {
			r.prev = tops[n-1]
		}
		ups = append(ups, r)
		if n == len(tops) {
			tops = append(tops, len(ups)-1)
		} else {
			tops[n] = len(ups) - 1
		}
	}
	if len(tops) == 0 {
		return
	}
	for at := tops[len(tops)-1]; at >= 0; at = ups[at].prev {
		al.pair(ups[at].i, ups[at].j)
	}
}

// rise is an element of an increasing subsequence.
type rise struct{ i, j, prev int }

// inGaps calls f for each stretch between pairs that do not cross others and that
// has unpaired steps on both sides.
func (al *alignment) inGaps(f func(a0, a1, b0, b1 int)) {
	a0, b0 := 0, 0
	for i := 0; i <= len(al.toB); i++ {
		b1 := len(al.toA)
		if i < len(al.toB) {
			if al.toB[i] < 0 || al.moved[i] {
				continue
			}
			b1 = al.toB[i]
		}
		if i > a0 && b1 > b0 {
			f(a0, i, b0, b1)
		}
		a0, b0 = i+1, b1+1
	}
}

// myers pairs equal keys in a stretch. Steps whose key the other side lacks are left
// out before: they can't be paired, and cost the most.
func (al *alignment) myers(a, b []int32, a0, a1, b0, b1 int) {
	xs, ys := al.free(a0, a1, b0, b1)
	xs, ys = shared(xs, ys, a, b)
	if len(xs) == 0 || len(ys) == 0 {
		return
	}
	ka, kb := pick(a, xs), pick(b, ys)
	found, capped := align(ka, kb, &al.work)
	al.capped = al.capped || capped
	for _, m := range found {
		for n := range m.n {
			al.pair(xs[m.a+n], ys[m.b+n])
		}
	}
}

// free are the unpaired steps of a stretch.
func (al *alignment) free(a0, a1, b0, b1 int) (xs, ys []int) {
	for i := a0; i < a1; i++ {
		if al.toB[i] < 0 {
			xs = append(xs, i)
		}
	}
	for j := b0; j < b1; j++ {
		if al.toA[j] < 0 {
			ys = append(ys, j)
		}
	}
	return xs, ys
}

func shared(xs, ys []int, a, b []int32) (left, right []int) {
	inA, inB := make(map[int32]bool, len(xs)), make(map[int32]bool, len(ys))
	for _, i := range xs {
		inA[a[i]] = true
	}
	for _, j := range ys {
		inB[b[j]] = true
	}
	left = slices.DeleteFunc(xs, func(i int) bool { return !inB[a[i]] })
	right = slices.DeleteFunc(ys, func(j int) bool { return !inA[b[j]] })
	return left, right
}

func pick(keys []int32, at []int) []int32 {
	out := make([]int32, len(at))
	for n, i := range at {
		out[n] = keys[i]
	}
	return out
}

// findMoved pairs what is left over on both sides with the same key, in order.
func (al *alignment) findMoved() {
	if al.capped {
		return // much is left over that did not move
	}
	left := map[int32][]int{}
	for i, j := range al.toB {
		if j < 0 {
			left[al.a.exact[i]] = append(left[al.a.exact[i]], i)
		}
	}
	if len(left) == 0 {
		return
	}
	for j, i := range al.toA {
		k := al.b.exact[j]
		if i >= 0 || len(left[k]) == 0 {
			continue
		}
		al.pair(left[k][0], j)
		al.moved[left[k][0]] = true
		left[k] = left[k][1:]
	}
}

// alike pairs what is left in a short stretch by kind and a similar name, or the same
// kind and input: something that was renamed.
func (al *alignment) alike(a0, a1, b0, b1 int) {
	const most = 32
	xs, ys := al.free(a0, a1, b0, b1)
	if len(xs) > most || len(ys) > most {
		return
	}
	from := 0
	for _, i := range xs {
		n := slices.IndexFunc(ys[from:], func(j int) bool { return similar(&al.a.steps[i], &al.b.steps[j]) })
		if n >= 0 {
			al.pair(i, ys[from+n])
			from += n + 1
		}
	}
}

func similar(a, b *Step) bool {
	if a.Kind != b.Kind {
		return false
	}
	return alike(a.Name, b.Name) || a.Name != b.Name && len(a.Input) > 0 && slices.EqualFunc(a.Input, b.Input, slices.Equal)
}
