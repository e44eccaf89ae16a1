package sqlstore_test
import ("testing"
"github.com/wfops/wfops/backends/sqlite"
"github.com/wfops/wfops/backends/internal/sqlstore")
func BenchmarkZZ(b *testing.B) {
	st, err := sqlite.Open(b.Context(), b.TempDir()+"/a.db")
	if err != nil { b.Fatal(err) }
	defer st.Close()
	sqlstore.BenchOn(b, st.Store)
}
