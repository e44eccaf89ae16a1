package sqlstore

// SetFailpoint makes every statement of st call after once it has run. It is set
// while nothing else uses st.
func SetFailpoint(st *Store, after func(query string) error) { st.failpoint.after = after }
