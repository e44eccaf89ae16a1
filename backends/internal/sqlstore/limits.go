package sqlstore

// Limits say from where on lists are read in another way, see maxSorted and maxKinds.
type Limits struct {
	Sorted int64
	Kinds  int
}

// ListLimits are for tests of stores: with one or another of them, every way to read a
// list is taken.
var ListLimits = []Limits{{maxSorted, maxKinds}, {0, 3}, {10, maxKinds}}

// Set is for tests, while no store is in use. It returns what undoes it.
func (l Limits) Set() (undo func()) {
	before := Limits{maxSorted, maxKinds}
	maxSorted, maxKinds = l.Sorted, l.Kinds
	return func() { maxSorted, maxKinds = before.Sorted, before.Kinds }
}
