package diagnostics

// ReadLimited is Read with another limit.
var ReadLimited = read

// WriteLimited is Write with other limits.
var WriteLimited = write

// AlignKeys is align, with each match as its beginnings and its length.
func AlignKeys(a, b []int32, work *int) [][3]int {
	found, _ := align(a, b, work)
	out := make([][3]int, len(found))
	for i, m := range found {
		out[i] = [3]int{m.a, m.b, m.n}
	}
	return out
}

// Percentages is percentages.
var Percentages = percentages
