package postgres

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/internal/sqlstore"
)

// plans are what the server says about how it ran each statement.
type plans struct {
	mu   sync.Mutex
	said []string
}

func (p *plans) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.said
	p.said = nil
	return all
}

// explained opens a store on whose connections the server explains each statement.
func explained(t *testing.T, dsn string) (*Backend, *plans) {
	t.Helper()
	cfg, err := parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &plans{}
	cfg.RuntimeParams["options"] = "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_level=notice " +
		"-c auto_explain.log_analyze=on -c auto_explain.log_timing=off"
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.said = append(p.said, n.Message)
	}
	o, err := newOptions([]Option{WithoutNotifications()})
	if err != nil {
		t.Fatal(err)
	}
	d := &dialect{options: o}
	st, err := sqlstore.Open(t.Context(), d.config("explained", d.opener(cfg, writeSettings), d.opener(cfg, readSettings), nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return &Backend{st}, p
}

var (
	actualRows  = regexp.MustCompile(`actual rows=(\d+) loops=(\d+)`)
	removedRows = regexp.MustCompile(`Rows Removed by [A-Za-z ]+: (\d+)`)
)

// rowsRead is how many rows the nodes of a plan have returned, and looked at in vain.
func rowsRead(plan string) (n int) {
	for _, m := range actualRows.FindAllStringSubmatch(plan, -1) {
		rows, _ := strconv.Atoi(m[1])
		loops, _ := strconv.Atoi(m[2])
		n += rows * loops
	}
	for _, m := range removedRows.FindAllStringSubmatch(plan, -1) {
		rows, _ := strconv.Atoi(m[1])
		n += rows
	}
	return n
}

// What a claim or the first page of a list reads does not grow with what has ended,
// waits, or can't be taken.
func TestHotQueriesReadWhatTheyReturn(t *testing.T) {
	dsn := newSchema(t)
	if err := openStore(t, dsn).Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, dsn, backendtest.HotRows("generate_series(0::BIGINT, 59999) AS n")...)
	execSQL(t, dsn, "ANALYZE instances, activities")
	b, said := explained(t, dsn)
	for _, tc := range backendtest.HotCalls() {
		// The server makes a plan for all parameters once it has seen a few.
		for round := range 8 {
			t.Run(fmt.Sprint(tc.Name, " ", round), func(t *testing.T) {
				said.take()
				if n, err := tc.Call(t.Context(), b); err != nil || n == 0 {
					t.Fatalf("%d results, %v", n, err)
				}
				explained := said.take()
				if len(explained) == 0 {
					t.Fatal("nothing was explained")
				}
				for _, plan := range explained {
					if n := rowsRead(plan); n > tc.Most {
						t.Errorf("%d rows are read by\n%s", n, plan)
					}
				}
			})
		}
	}
}
