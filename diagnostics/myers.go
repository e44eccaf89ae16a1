package diagnostics

// match is a run of equal elements: n of them from a and from b on.
type match struct{ a, b, n int }

// aligner finds a longest common subsequence of two sequences of keys, in linear
// space, until it has done so much work that the rest is not worth it.
type aligner struct {
	a, b   []int32
	work   int // what is left
	capped bool
	fw, bw []int32
	found  []match
}

// align returns the matches of a and b, in order. It takes off work what it costs.
func align(a, b []int32, work *int) (found []match, capped bool) {
	size := 2*((len(a)+len(b)+1)/2) + 3
	al := aligner{a: a, b: b, work: *work, fw: make([]int32, size), bw: make([]int32, size)}
	al.between(0, len(a), 0, len(b))
	*work = al.work
	return al.found, al.capped
}

// add keeps a match, joined to the one before it where they touch.
func (al *aligner) add(a, b, n int) {
	if n == 0 {
		return
	}
	if k := len(al.found) - 1; k >= 0 && al.found[k].a+al.found[k].n == a && al.found[k].b+al.found[k].n == b {
		al.found[k].n += n
		return
	}
	al.found = append(al.found, match{a, b, n})
}

// between aligns a[a0:a1] with b[b0:b1].
func (al *aligner) between(a0, a1, b0, b1 int) {
	n := 0
	for a0+n < a1 && b0+n < b1 && al.a[a0+n] == al.b[b0+n] {
		n++
	}
	al.add(a0, b0, n)
	a0, b0 = a0+n, b0+n
	tail := 0
	for a1-tail > a0 && b1-tail > b0 && al.a[a1-tail-1] == al.b[b1-tail-1] {
		tail++
	}
	a1, b1 = a1-tail, b1-tail
	al.work -= n + tail
	if a0 < a1 && b0 < b1 {
		if x, y, ok := al.middle(a0, a1, b0, b1); ok {
			al.between(a0, x, b0, y)
			al.between(x, a1, y, b1)
		}
	}
	al.add(a1, b1, tail)
}

// box is a stretch of both sequences, and the numbers that go with it.
type box struct {
	a0, a1, b0, b1 int
	n, m           int // its lengths
	mid            int // index of diagonal 0
}

// middle returns a point that lies on a shortest edit path, found from both ends at
// once, so that only two lines of the table have to be kept; false if there is
// nothing in common or no work left. Neither side is empty, and they differ at both
// ends.
func (al *aligner) middle(a0, a1, b0, b1 int) (x, y int, ok bool) {
	bx := box{a0: a0, a1: a1, b0: b0, b1: b1, n: a1 - a0, m: b1 - b0}
	most := (bx.n + bx.m + 1) / 2
	bx.mid = most + 1
	al.fw[bx.mid+1], al.bw[bx.mid+1] = 0, 0
	for d := 0; d <= most; d++ {
		if al.work -= 2*d + 1; al.work < 0 {
			al.capped = true
			return 0, 0, false
		}
		px, py, met := al.sweep(&bx, d, false)
		if met {
			return a0 + px, b0 + py, px+py > 0 && px+py < bx.n+bx.m
		}
		px, py, met = al.sweep(&bx, d, true)
		if met {
			return a1 - px, b1 - py, px+py > 0 && px+py < bx.n+bx.m
		}
	}
	return 0, 0, false
}

// sweep extends all paths of d-1 edits by one, from the beginning or from the end
// backwards, and tells where one meets a path from the other end.
func (al *aligner) sweep(bx *box, d int, back bool) (x, y int, met bool) {
	v, other, reach := al.fw, al.bw, d-1
	if back {
		v, other, reach = al.bw, al.fw, d
	}
	delta := bx.n - bx.m
	meets := (delta&1 != 0) != back
	for k := -d; k <= d; k += 2 {
		px := al.step(v, bx.mid, k, d)
		py := px - k
		for px < bx.n && py < bx.m && al.equal(bx, px, py, back) {
			px, py = px+1, py+1
		}
		v[bx.mid+k] = int32(px) //nolint:gosec // a history has no more events
		opposite := delta - k
		if px <= bx.n && py <= bx.m && meets && opposite >= -reach && opposite <= reach && px+int(other[bx.mid+opposite]) >= bx.n {
			return px, py, true
		}
	}
	return 0, 0, false
}

func (al *aligner) equal(bx *box, px, py int, back bool) bool {
	if back {
		return al.a[bx.a1-1-px] == al.b[bx.b1-1-py]
	}
	return al.a[bx.a0+px] == al.b[bx.b0+py]
}

// step is where a path of d edits begins on diagonal k.
func (al *aligner) step(v []int32, mid, k, d int) int {
	if k == -d || k != d && v[mid+k-1] < v[mid+k+1] {
		return int(v[mid+k+1])
	}
	return int(v[mid+k-1]) + 1
}
