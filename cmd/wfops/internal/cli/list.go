package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// commandOptions are flags of single commands.
type commandOptions struct {
	filter string
	// list
	sort    string
	reverse bool
	limit   int
	all     bool
	cursor  string
	scan    int
	count   bool
	watch   time.Duration
	// history
	after int64
	// data
	path   string
	event  int64
	raw    bool
	sealed bool
	// trace
	otlp string
	// export
	file   string
	redact bool
	// replay
	with       string
	exportTo   string
	strict     bool
	passes     int
	parallel   int
	replayEnv  []string
	radius     bool
	showOutput bool
	// diff
	exact     bool
	ignore    []string
	rules     []string
	tolerance float64
	level     string
	// timeline
	critical bool
	// health
	maxWait time.Duration
	// wait
	wanted  []string
	timeout time.Duration
	// changes
	reason string
	yes    bool
	dryRun bool
	input  string
}

func filterFlags(s *session, fs *pflag.FlagSet) {
	fs.StringVarP(&s.o.filter, "filter", "f", "", "which instances, see: wfops help `filter`")
	fs.IntVar(&s.o.scan, "scan", ops.DefaultScan, "how many instances to look at where the store can't do all of the filter")
}

func listFlags(s *session, fs *pflag.FlagSet) {
	filterFlags(s, fs)
	watchFlags(s, fs)
	fs.StringVar(&s.o.sort, "sort", string(ops.SortAttention), strings.Join(texts(ops.Sorts()), "|"))
	fs.BoolVar(&s.o.reverse, "reverse", false, "begin with the least")
	fs.IntVarP(&s.o.limit, "limit", "n", 0, "how many to list (default 100 in a table, else all)")
	fs.BoolVar(&s.o.all, "all", false, "list all")
	fs.StringVar(&s.o.cursor, "cursor", "", "go on where a list has stopped")
	fs.BoolVar(&s.o.count, "count", false, "only say how many there are, by status")
}

// tableLimit is how many instances a table has unless told otherwise.
const tableLimit = 100

func runList(ctx context.Context, s *session, _ []string) error {
	f, err := s.filter()
	if err != nil {
		return err
	}
	if s.o.limit < 0 || s.o.all && s.o.limit > 0 {
		return usageError{errors.New("--limit is a number above 0, and not for --all")}
	}
	if s.o.count {
		return s.count(ctx)
	}
	r := ops.ListRequest{Filter: f, Sort: ops.Sort(s.o.sort), Ascending: s.o.reverse, Cursor: s.o.cursor, MaxScan: s.o.scan}
	if s.o.watch > 0 && !(s.env.OutTTY && s.isTable()) {
		r.Limit = s.o.limit
		return s.watchList(ctx, r)
	}
	want := s.o.limit
	if want == 0 && !s.o.all && s.isTable() {
		want = tableLimit
	}
	l := &listing{s: s}
	err = l.run(ctx, r, want)
	if err == nil {
		err = l.end()
	}
	return err
}

func (s *session) count(ctx context.Context) error {
	f, err := s.filter()
	if err != nil {
		return err
	}
	counts, err := s.store.Count(ctx, f, s.o.scan)
	if err != nil {
		return err
	}
	var names []string
	for _, status := range engine.Statuses() {
		if counts.ByStatus[status] > 0 {
			names = append(names, string(status))
		}
	}
	if err := s.print(view.Counts(counts), document.OfCounts(counts), names); err != nil {
		return err
	}
	return s.capped(counts.Capped, counts.Scanned)
}

// capped tells that not all instances were looked at.
func (s *session) capped(capped bool, scanned int) error {
	if !capped {
		return nil
	}
	return fmt.Errorf("%w: it stopped after looking at %d instances: narrow the filter, or raise --scan", errPartial, scanned)
}

// listing writes a list page by page.
type listing struct {
	s       *session
	written int
	scanned int
	scan    bool
	capped  bool
	next    string
}

// run writes up to want instances, or all of them if want is 0.
func (l *listing) run(ctx context.Context, r ops.ListRequest, want int) error {
	for {
		r.Limit = backend.MaxLimit
		if want > 0 {
			r.Limit = min(r.Limit, want-l.written)
		}
		page, err := l.s.store.List(ctx, r)
		if err != nil {
			return err
		}
		l.scanned += page.Scanned
		l.scan, l.capped, l.next = page.Scan, page.Capped, page.Next
		if err := l.write(page); err != nil {
			return err
		}
		if r.Cursor = page.Next; page.Next == "" || page.Capped || want > 0 && l.written >= want {
			return nil
		}
	}
}

func (l *listing) write(page ops.ListPage) error {
	first := l.written == 0
	l.written += len(page.Items)
	switch l.s.flags.output {
	case formatTable, formatWide:
		if len(page.Items) == 0 && !first {
			return nil
		}
		return l.s.table(view.Instances(page.Items, l.s.view(page.Now)), first)
	case formatName:
		names := make([]string, len(page.Items))
		for i := range page.Items {
			names[i] = page.Items[i].Instance.InstanceID
		}
		return l.s.names(names)
	case formatJSON:
		return l.writeJSON(page, first)
	}
	for i := range page.Items {
		if err := l.s.document(document.OfInstance(&page.Items[i])); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes the list as one document, an item at a time; with --jq each item is
// a document.
func (l *listing) writeJSON(page ops.ListPage, first bool) error {
	if l.s.flags.jq != "" {
		for i := range page.Items {
			if err := l.s.document(document.OfInstance(&page.Items[i])); err != nil {
				return err
			}
		}
		return nil
	}
	var b strings.Builder
	for i := range page.Items {
		lead := ",\n    "
		if first && i == 0 {
			lead = l.head()
		}
		form := document.OfInstance(&page.Items[i])
		form.Schema = ""
		line, err := encode(form)
		if err != nil {
			return err
		}
		b.WriteString(lead + string(line))
	}
	_, err := io.WriteString(l.s.env.Out, b.String())
	return err
}

func (*listing) head() string {
	return fmt.Sprintf("{\n  \"schema\": %q,\n  \"items\": [\n    ", document.SchemaList)
}

// end writes what comes after the last page.
func (l *listing) end() error {
	s := l.s
	if s.flags.output == formatJSON && s.flags.jq == "" {
		if err := l.endJSON(); err != nil {
			return err
		}
	}
	if l.scan && s.env.ErrTTY && s.isTable() {
		s.note("scanned %d instances", l.scanned)
	}
	if l.next != "" && !l.capped && s.env.ErrTTY && s.isTable() && s.o.watch == 0 {
		s.note("there are more: --all, or --cursor %s", l.next)
	}
	return s.capped(l.capped, l.scanned)
}

func (l *listing) endJSON() error {
	tail := "\n  ]"
	if l.written == 0 {
		tail = l.head() + "]"
		tail = strings.Replace(tail, "[\n    ]", "[]", 1)
	}
	next, err := encode(l.next)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(l.s.env.Out, "%s,\n  \"next\": %s,\n  \"scanned\": %d,\n  \"scan\": %v,\n  \"capped\": %v\n}\n", tail, next, l.scanned, l.scan, l.capped)
	return err
}
