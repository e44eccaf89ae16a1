package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// detail reads the instance that an argument names.
func (s *session) detail(ctx context.Context, name string) (ops.Detail, error) {
	found, err := s.store.Resolve(ctx, name)
	if err != nil {
		return ops.Detail{}, err
	}
	d, err := s.store.Detail(ctx, found.Instance)
	if err == nil {
		err = s.store.NameTimers(ctx, &d)
	}
	if err == nil {
		err = s.openedDetail(ctx, &d)
	}
	return d, err
}

func runGet(ctx context.Context, s *session, args []string) error {
	d, err := s.detail(ctx, args[0])
	if err != nil {
		return err
	}
	o := s.view(d.Now)
	err = s.print(view.Detail(d, o), document.OfDetail(d), []string{d.Instance.InstanceID})
	if err != nil || !s.isTable() || !s.env.OutTTY { // programs find it in the document
		return err
	}
	if report := view.StoredReport(&d.Summary, o, s.room()); report != nil {
		return s.lines(append(view.Lines{nil}, report...))
	}
	return nil
}

func runPending(ctx context.Context, s *session, args []string) error {
	d, err := s.detail(ctx, args[0])
	if err != nil {
		return err
	}
	var names []string
	for _, a := range d.Pending.Activities {
		names = append(names, a.Name)
	}
	return s.print(view.Pending(d.Pending, d.StepName, s.view(d.Now)), document.OfDetail(d), names)
}

func runTree(ctx context.Context, s *session, args []string) error {
	root, err := s.store.Resolve(ctx, args[0])
	if err != nil {
		return err
	}
	n, err := s.store.Tree(ctx, root)
	if err != nil {
		return err
	}
	o, err := s.now(ctx)
	if err != nil {
		return err
	}
	if err := s.print(view.Tree(n, o), document.OfTree(n), treeNames(n, nil)); err != nil {
		return err
	}
	if cut := firstCut(n); cut != nil {
		id := cut.Instance.InstanceID
		return fmt.Errorf("%w: there are more children than a tree has room for, of %s among others; list --filter %s shows all of its", errPartial, id, filter.ChildrenOf(id))
	}
	return nil
}

// firstCut returns an instance of a tree that has more children than the tree, or nil.
func firstCut(n *ops.Node) *ops.Node {
	if n.More {
		return n
	}
	for _, child := range n.Children {
		if cut := firstCut(child); cut != nil {
			return cut
		}
	}
	return nil
}

func treeNames(n *ops.Node, names []string) []string {
	names = append(names, n.Instance.InstanceID)
	for _, child := range n.Children {
		names = treeNames(child, names)
	}
	return names
}

func historyFlags(s *session, fs *pflag.FlagSet) {
	fs.Int64Var(&s.o.after, "after", 0, "begin behind the event of that number")
	fs.IntVarP(&s.o.limit, "limit", "n", 0, "how many events to show (default all)")
	sealedFlag(s, fs)
}

func runHistory(ctx context.Context, s *session, args []string) error {
	of, events, err := s.events(ctx, args[0], s.o.after)
	if err != nil {
		return err
	}
	o, err := s.now(ctx)
	if err != nil {
		return err
	}
	w := &historyWriter{s: s, o: o, of: of}
	for e, err := range events {
		if err != nil {
			return err
		}
		if e, err = s.opened(ctx, e); err != nil {
			return err
		}
		if err := w.add(e); err != nil {
			return err
		}
		if s.o.limit > 0 && w.events >= s.o.limit {
			break
		}
	}
	return w.end()
}

// historyWriter writes events as they are read.
type historyWriter struct {
	s      *session
	o      view.Options
	of     backend.Summary
	page   []history.Event
	start  time.Time
	events int
	first  bool
}

// eventsPage is how many events a table is laid out for at a time.
const eventsPage = 500

func (w *historyWriter) add(e history.Event) error {
	if w.events++; w.events == 1 {
		w.start, w.first = w.of.Created, true
	}
	if w.s.isTable() {
		if w.page = append(w.page, e); len(w.page) < eventsPage {
			return nil
		}
		return w.flush()
	}
	form, err := document.OfEvent(e)
	if err != nil {
		return err
	}
	switch w.s.flags.output {
	case formatName:
		return w.s.names([]string{form.Kind})
	case formatJSON:
		if w.s.flags.jq == "" {
			return w.item(form)
		}
	}
	return w.s.document(form)
}

// item writes an event as part of one document.
func (w *historyWriter) item(form document.Event) error {
	form.Schema = ""
	line, err := encode(form)
	if err != nil {
		return err
	}
	lead := ",\n    "
	if w.events == 1 {
		if lead, err = w.head(); err != nil {
			return err
		}
		lead += "\n    "
	}
	_, err = io.WriteString(w.s.env.Out, lead+string(line))
	return err
}

func (w *historyWriter) head() (string, error) {
	of, err := encode(w.of.Instance)
	return fmt.Sprintf("{\n  \"schema\": %q,\n  \"instance\": %s,\n  \"events\": [", document.SchemaHistory, of), err
}

func (w *historyWriter) flush() error {
	t := view.Table{Columns: view.HistoryColumns()}
	for _, e := range w.page {
		t.Rows = append(t.Rows, view.HistoryRow(e, w.start, w.o))
	}
	err := w.s.table(t, w.first)
	w.page, w.first = w.page[:0], false
	return err
}

func (w *historyWriter) end() error {
	switch {
	case w.s.isTable() && (len(w.page) > 0 || w.events == 0):
		w.first = w.first || w.events == 0
		return w.flush()
	case w.s.flags.output != formatJSON || w.s.flags.jq != "":
		return nil
	}
	tail := "\n  ]\n}\n"
	if w.events == 0 {
		head, err := w.head()
		if err != nil {
			return err
		}
		tail = head + "]\n}\n"
	}
	_, err := io.WriteString(w.s.env.Out, tail)
	return err
}
