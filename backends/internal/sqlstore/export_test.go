package sqlstore

// SetFailpoint makes every statement of st call after once it has run. It is set
// while nothing else uses st.
func SetFailpoint(st *Store, after func(query string) error) { st.failpoint.after = after }

// SetListLimits changes from where on lists are planned in another way, and returns
// the limits before. It is called while no store is in use.
func SetListLimits(sorted int64, kinds int) (sortedBefore int64, kindsBefore int) {
	sortedBefore, kindsBefore = maxSorted, maxKinds
	maxSorted, maxKinds = sorted, kinds
	return sortedBefore, kindsBefore
}
