package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	my "github.com/go-sql-driver/mysql"
)

// packetBytes bounds what is sent in one packet. Every server takes a packet of
// this size; a statement that is longer goes alone.
const packetBytes = 256 << 10

// wire is a connection of the driver that sends statements as text, because then a
// packet may hold several: those whose answers nobody waits for travel with the
// next one whose answer somebody does.
type wire struct {
	raw driver.Conn
	// text: the driver writes arguments into the text, and the server takes several
	// statements at once. Otherwise each is prepared and sent alone.
	text bool
	// useless: the server said that it can't do what the store needs. After a failover,
	// say, a new connection may lead to one that can.
	useless bool

	queue []statement
	size  int // of the queue in bytes, about
	// open are the places in the queue of statements that can take more rows.
	open map[string]int
}

// statement is one that has not been sent yet.
type statement struct {
	query string
	args  []driver.NamedValue
	// more is how many rows it inserts besides the first.
	more int
	// asks: somebody waits for its rows.
	asks bool
}

// whole returns the statement with the parameters of all its rows.
func (s statement) whole() statement {
	if s.more > 0 {
		row := s.query[strings.Index(s.query, values)+len(values):]
		s.query += strings.Repeat(", "+row, s.more)
		s.more = 0
	}
	return s
}

// Rows of these tables are inserted together, which halves what the server has to do
// for them.
const (
	insertHistory = "INSERT INTO history "
	insertInbox   = "INSERT INTO inbox "
	deleteInbox   = "DELETE FROM inbox "
	values        = "VALUES "
)

// join adds the rows of an earlier INSERT to s, which may refer to what was inserted
// since then. No other statement of a transaction comes in between that cares, except
// one that deletes from the inbox: it may name a key that is given to a new row after it.
func (w *wire) join(s statement) statement {
	if strings.HasPrefix(s.query, deleteInbox) {
		maps.DeleteFunc(w.open, func(query string, _ int) bool { return strings.HasPrefix(query, insertInbox) })
	}
	if !w.text || !strings.HasPrefix(s.query, insertHistory) && !strings.HasPrefix(s.query, insertInbox) {
		return s
	}
	if at, ok := w.open[s.query]; ok {
		before := &w.queue[at]
		s.args, s.more = append(before.args, s.args...), before.more+1
		*before = statement{}
	}
	if w.open == nil {
		w.open = map[string]int{}
	}
	w.open[s.query] = len(w.queue)
	return s
}

func (s statement) size() int {
	n := len(s.query)
	for _, a := range s.args {
		switch v := a.Value.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		default:
			n += 8
		}
	}
	return n
}

var (
	_ driver.ConnPrepareContext = (*wire)(nil)
	_ driver.Validator          = (*wire)(nil)
)

// newWire finds out what the driver was told to do.
func newWire(ctx context.Context, raw driver.Conn) *wire {
	w := &wire{raw: raw, text: true}
	_, err := w.execText(ctx, "DO ?; DO ?", []driver.NamedValue{{Ordinal: 1, Value: int64(1)}, {Ordinal: 2, Value: int64(2)}})
	w.text = err == nil
	return w
}

// Prepare is part of driver.Conn.
func (w *wire) Prepare(query string) (driver.Stmt, error) {
	return w.PrepareContext(context.Background(), query)
}

// PrepareContext does not ask the server, which makes its plan at each execution
// anyway.
func (w *wire) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &stmt{w: w, query: query}, nil
}

// Begin is part of driver.Conn.
func (w *wire) Begin() (driver.Tx, error) {
	return nil, errors.New("transactions are begun with a statement")
}

// Close ends the connection.
func (w *wire) Close() error { return w.raw.Close() }

// IsValid reports whether the connection can be used again.
func (w *wire) IsValid() bool {
	if w.useless {
		return false
	}
	v, ok := w.raw.(driver.Validator)
	return !ok || v.IsValid()
}

// later queues a statement whose answer does not matter. What the server says
// against it is the error of the statement that it is sent with.
func (w *wire) later(ctx context.Context, s statement) error {
	if n := s.size(); len(w.queue) > 0 && w.size+n > packetBytes {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	w.size += s.size()
	w.queue = append(w.queue, w.join(s))
	return nil
}

// flush sends what is queued.
func (w *wire) flush(ctx context.Context) error {
	if len(w.queue) == 0 {
		return nil
	}
	last := w.queue[len(w.queue)-1]
	w.queue = w.queue[:len(w.queue)-1]
	_, err := w.exec(ctx, last)
	return err
}

// take empties the queue, and returns it with s at its end, as one statement if
// they can be sent as one.
func (w *wire) take(s statement) (_ []statement, one statement, ok bool) {
	w.queue = append(w.queue, s)
	all, size := slices.DeleteFunc(w.queue, func(s statement) bool { return s.query == "" }), w.size+s.size()
	w.queue, w.size = nil, 0
	clear(w.open)
	for i := range all {
		all[i] = all[i].whole()
	}
	if !w.text || len(all) > 1 && size > 2*packetBytes {
		return all, one, false
	}
	if len(all) == 1 {
		return all, all[0], true
	}
	var text strings.Builder
	for i, s := range all {
		if i > 0 {
			text.WriteByte(';')
		}
		text.WriteString(s.query)
		one.args = append(one.args, s.args...)
	}
	for i := range one.args {
		one.args[i].Ordinal = i + 1
	}
	one.query = text.String()
	return all, one, true
}

// exec sends the queue and a statement, and returns the result of the latter. A
// ROLLBACK spares the server what it is for.
func (w *wire) exec(ctx context.Context, s statement) (driver.Result, error) {
	if s.query == "ROLLBACK" {
		w.queue, w.size = nil, 0
		clear(w.open)
	}
	all, one, ok := w.take(s)
	if ok {
		res, err := w.execText(ctx, one.query, one.args)
		w.learn(err)
		if !errors.Is(err, driver.ErrSkip) { // the arguments are too long for a text
			return res, err
		}
	}
	var res driver.Result
	for _, s := range all {
		var err error
		if res, err = w.execAlone(ctx, s); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// execAlone sends one statement. MySQL can't prepare START TRANSACTION.
func (w *wire) execAlone(ctx context.Context, s statement) (res driver.Result, err error) {
	if len(s.args) == 0 {
		res, err = w.execText(ctx, s.query, nil)
		w.learn(err)
		return res, err
	}
	err = w.prepared(ctx, s.query, func(st driver.Stmt) (err error) {
		ex, ok := st.(driver.StmtExecContext)
		if !ok {
			return lacks(st, "ExecContext")
		}
		res, err = ex.ExecContext(ctx, s.args)
		return err
	})
	return res, err
}

func (w *wire) execText(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	ex, ok := w.raw.(driver.ExecerContext)
	if !ok {
		return nil, lacks(w.raw, "ExecContext")
	}
	return ex.ExecContext(ctx, query, args)
}

// learn looks whether an error is about the server rather than the statement.
func (w *wire) learn(err error) {
	if e, ok := errors.AsType[*my.MySQLError](err); ok {
		switch e.Number {
		case errReadOnlyServer, errReadOnlyMode, errNoCluster, errShutdown:
			w.useless = true
		}
	}
}

func lacks(what any, method string) error { return fmt.Errorf("driver %T lacks %s", what, method) }

// prepared runs fn with a statement that the server has prepared.
func (w *wire) prepared(ctx context.Context, query string, fn func(driver.Stmt) error) (err error) {
	p, ok := w.raw.(driver.ConnPrepareContext)
	if !ok {
		return lacks(w.raw, "PrepareContext")
	}
	st, err := p.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() {
		w.learn(err)
		err = errors.Join(err, st.Close())
	}()
	return fn(st)
}

// query sends the queue and a statement, and returns the rows of the latter, after
// those of the statements in the queue that ask.
func (w *wire) query(ctx context.Context, s statement) (driver.Rows, error) {
	s.asks = true
	all, one, ok := w.take(s)
	if ok {
		q, can := w.raw.(driver.QueryerContext)
		if !can {
			return nil, lacks(w.raw, "QueryContext")
		}
		rows, err := q.QueryContext(ctx, one.query, one.args)
		if err == nil {
			return &ownRows{Rows: rows}, nil
		}
		w.learn(err)
		if !errors.Is(err, driver.ErrSkip) {
			return nil, err
		}
	}
	var read readRows
	for _, s := range all {
		if !s.asks {
			if _, err := w.exec(ctx, s); err != nil {
				return nil, err
			}
			continue
		}
		err := w.prepared(ctx, s.query, func(st driver.Stmt) error { return read.add(ctx, st, s.args) })
		if err != nil {
			return nil, err
		}
	}
	return &read, nil
}
