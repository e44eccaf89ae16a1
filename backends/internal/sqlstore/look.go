package sqlstore

import (
	"strings"

	"github.com/wfops/wfops/engine"
)

// maxAsked is how many questions one statement asks.
const maxAsked = 500

// questions are asked together: on a server, the way there and back takes longer than
// most answers.
type questions struct {
	columns []string
	args    []any
	answers []func(*Row)
}

// ask adds a question, an expression, and what is done with its value.
func (q *questions) ask(expression string, answer func(*Row), args ...any) {
	q.columns = append(q.columns, expression)
	q.args = append(q.args, args...)
	q.answers = append(q.answers, answer)
}

// send asks everything that was added.
func (q *questions) send(b *batch) error {
	for len(q.columns) > 0 {
		n := min(len(q.columns), maxAsked)
		query := "SELECT " + strings.Join(q.columns[:n], ", ")
		used := strings.Count(query, "?")
		_, err := b.queryRow(query, func(r *Row) {
			for _, answer := range q.answers[:n] {
				answer(r)
			}
		}, q.args[:used]...)
		if err != nil {
			return err
		}
		q.columns, q.answers, q.args = q.columns[n:], q.answers[n:], q.args[used:]
	}
	return nil
}

// look finds the shards of a claim. On a server it also asks for the time. Which names
// to look for a claim knows; which lists of builds there are it does not, but there
// are hardly any besides the empty one: most often all it takes is one statement.
func (b *batch) look(all []*wanted) error {
	q := &questions{}
	switch clock := b.st.d.Clock(); {
	case !b.st.d.Remote():
		for _, w := range all {
			if err := b.list(w); err != nil {
				return err
			}
		}
		return nil
	case clock != "":
		q.ask(clock, func(r *Row) { b.now = r.Int() })
	default:
		now, err := b.st.d.Now(b.ctx, b.s)
		if err != nil {
			return err
		}
		b.now = now.UnixNano()
	}
	for _, w := range all {
		for _, queue := range w.queues {
			switch none := ""; {
			case len(w.ix.keys) == 1:
				b.askShards(q, w, queue.OrDefault(), none)
			case w.ix == &readyIndex:
				b.askShards(q, w, queue.OrDefault(), none)
				b.askNextList(q, w, queue.OrDefault(), &none)
			default:
				b.askNextList(q, w, queue.OrDefault(), nil)
			}
		}
	}
	for len(q.columns) > 0 {
		first := *q
		*q = questions{} // for what follows from the answers
		if err := first.send(b); err != nil {
			return err
		}
	}
	return nil
}

// askShards asks for the earliest row of each name with a list of builds.
func (b *batch) askShards(q *questions, w *wanted, queue engine.Queue, builds string) {
	if !w.can(builds) {
		return
	}
	for _, name := range w.names {
		sh := shard{queue: queue, name: name, builds: builds}
		q.ask("(SELECT MIN("+w.ix.at+") FROM "+w.ix.table+" WHERE "+w.ix.in(b.st.d)+")", func(r *Row) {
			if sh.first = r.Int(); sh.first != 0 {
				w.found = append(w.found, sh)
			}
		}, w.ix.args([]shard{sh})...)
	}
}

// askNextList asks which list of builds comes after another, or first, and then for
// the shards that have it.
func (b *batch) askNextList(q *questions, w *wanted, queue engine.Queue, after *string) {
	column := w.ix.keys[1]
	query, args := "(SELECT MIN("+column+") FROM "+w.ix.table+" WHERE "+b.st.d.InQueue(w.ix.holds), []any{queue}
	if after != nil {
		query, args = query+" AND "+column+" > ?", append(args, *after)
	}
	q.ask(query+")", func(r *Row) {
		if builds := r.TextOrNil(); builds != nil {
			b.askShards(q, w, queue, *builds)
			b.askNextList(q, w, queue, builds)
		}
	}, args...)
}
