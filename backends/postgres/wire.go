package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// answerTimeout bounds how long the server may take over one round trip. A
// connection whose other end has vanished without a word would otherwise hang for as
// long as the operating system retransmits, which is a quarter of an hour.
const answerTimeout = time.Minute

// closeTimeout bounds how long closing a connection takes.
const closeTimeout = 5 * time.Second

// wire is the driver's side of a connection: it sends statements and reads answers
// without database/sql, and without the type map of pgx, because the store knows
// integers, texts and bytes only.
//
// A statement whose answer nobody waits for is queued, and goes out in one write with
// the next that somebody waits for. So a transaction takes a few round trips, however
// many rows it changes.
type wire struct {
	pc *pgconn.PgConn
	// named: the server may keep statements under names. It may not where a pooler
	// hands each transaction to another of its connections.
	named bool
	names int // given out

	queue []call
	// What the calls of the queue refer to.
	values  [][]byte
	formats []int16
	bytes   []byte

	pipe *pgconn.Pipeline // while answers are expected
	done context.CancelFunc
}

// call is a statement on its way.
type call struct {
	*stmt

	values  [][]byte
	formats []int16
	parses  bool // it comes with its statement's text and name
	asks    bool // somebody waits for its rows
}

var (
	_ driver.Conn               = (*wire)(nil)
	_ driver.ConnPrepareContext = (*wire)(nil)
	_ driver.Validator          = (*wire)(nil)
)

// Prepare implements driver.Conn.
func (w *wire) Prepare(query string) (driver.Stmt, error) {
	return w.PrepareContext(context.Background(), query)
}

// PrepareContext sends nothing: the server sees a statement when it first runs.
func (w *wire) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &stmt{w: w, query: query}, nil
}

// Begin is part of driver.Conn. The store runs BEGIN as a statement.
func (w *wire) Begin() (driver.Tx, error) {
	return nil, errors.New("transactions are begun by statements")
}

// IsValid implements driver.Validator.
func (w *wire) IsValid() bool { return !w.pc.IsClosed() }

// Close tells the server, if it still listens.
func (w *wire) Close() error {
	if w.pc.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := w.pc.Close(ctx); err != nil {
		return fmt.Errorf("closing a connection: %w", err)
	}
	return nil
}

// flush sends what is queued. finish must follow.
func (w *wire) flush(ctx context.Context) error {
	ctx, w.done = context.WithTimeout(ctx, answerTimeout)
	w.pipe = w.pc.StartPipeline(ctx)
	for i := range w.queue {
		w.queue[i].send(w.pipe)
	}
	return w.pipe.Sync()
}

// skip reads the answers to calls that nobody waits for.
func (w *wire) skip(calls []call) error {
	for i := range calls {
		rr, err := calls[i].answer(w.pipe)
		if err == nil {
			_, err = rr.Close()
		}
		if err != nil { // or it would be taken for one of the last call
			return fmt.Errorf("%.60q: %w", calls[i].query, err)
		}
	}
	return nil
}

// finish reads to the end of the answers and makes the connection ready for the next
// round trip. err is what has failed before, or nil.
func (w *wire) finish(err error) error {
	if w.pipe == nil {
		return err
	}
	if rest := w.pipe.Close(); err == nil {
		err = rest
	}
	w.done()
	w.pipe = nil
	for _, c := range w.queue {
		c.parsing = false
	}
	w.forget()
	if forgotten(err) {
		w.named = false
	}
	if err != nil && w.pc.IsClosed() {
		return fmt.Errorf("%w: %w", driver.ErrBadConn, err)
	}
	return err
}

// forget empties the queue.
func (w *wire) forget() {
	clear(w.queue)
	clear(w.values)
	w.queue, w.values, w.formats, w.bytes = w.queue[:0], w.values[:0], w.formats[:0], w.bytes[:0]
}

// stmt is a statement of one connection.
type stmt struct {
	w       *wire
	query   string
	runs    int
	name    string
	columns []string
	// known is what the server has said about the statement of that name, and
	// parsing that it will.
	known   *pgconn.StatementDescription
	parsing bool
}

var (
	_ driver.StmtExecContext  = (*stmt)(nil)
	_ driver.StmtQueryContext = (*stmt)(nil)
)

// NumInput leaves it to the server to count arguments.
func (s *stmt) NumInput() int { return -1 }

// Exec and Query are the forms without a context, which nothing uses.
func (s *stmt) Exec([]driver.Value) (driver.Result, error) { return nil, errNoContext }

// Query is like Exec.
func (s *stmt) Query([]driver.Value) (driver.Rows, error) { return nil, errNoContext }

var errNoContext = errors.New("statements run with a context")

// Close does nothing: a statement that ran once has no name, and the others are kept
// for as long as the connection.
func (s *stmt) Close() error { return nil }

// DeferContext queues the statement. The next one that is waited for answers with its
// error, if it has one.
func (s *stmt) DeferContext(_ context.Context, args []driver.NamedValue) error {
	return s.enqueue(args)
}

// ExecContext implements driver.StmtExecContext.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	w := s.w
	if s.query == "ROLLBACK" {
		w.forget()
	}
	if err := s.enqueue(args); err != nil {
		return nil, err
	}
	var tag pgconn.CommandTag
	last := len(w.queue) - 1
	err := w.flush(ctx)
	if err == nil {
		err = w.skip(w.queue[:last])
	}
	if err == nil {
		var rr *pgconn.ResultReader
		if rr, err = w.queue[last].answer(w.pipe); err == nil {
			tag, err = rr.Close()
		}
	}
	if err := w.finish(err); err != nil {
		return nil, err
	}
	// A transaction with a statement that has failed is rolled back by its COMMIT.
	if s.query == "COMMIT" && tag.String() != "COMMIT" {
		return nil, fmt.Errorf("the server answered %s", tag)
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

// QueryContext implements driver.StmtQueryContext.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.AskContext(ctx, args); err != nil {
		return nil, err
	}
	r := &rows{w: s.w, rest: s.w.queue}
	err := s.w.flush(ctx)
	if err == nil {
		err = r.next()
	}
	if err != nil {
		return nil, s.w.finish(err)
	}
	return r, nil
}

// AskContext implements sqlstore.Asker.
func (s *stmt) AskContext(_ context.Context, args []driver.NamedValue) error {
	if err := s.enqueue(args); err != nil {
		return err
	}
	s.w.queue[len(s.w.queue)-1].asks = true
	return nil
}

// enqueue puts a call into the queue.
func (s *stmt) enqueue(args []driver.NamedValue) error {
	w, from := s.w, len(s.w.values)
	for i := range args {
		if err := w.bind(args[i].Value); err != nil {
			return fmt.Errorf("argument %d: %w", args[i].Ordinal, err)
		}
	}
	w.queue = append(w.queue, call{stmt: s, values: w.values[from:], formats: w.formats[from:]})
	return nil
}

// The formats of values: as text, and as the server keeps them.
const (
	asText   int16 = 0
	asBinary int16 = 1
)

var allBinary = []int16{asBinary}

// bind adds an argument to what the queue refers to. Integers go as text, because
// the type that the server takes a parameter for is not known here.
func (w *wire) bind(v driver.Value) error {
	from, format := len(w.bytes), asText
	switch v := v.(type) {
	case nil:
		w.values, w.formats = append(w.values, nil), append(w.formats, asText)
		return nil
	case int64:
		w.bytes = strconv.AppendInt(w.bytes, v, 10)
	case string:
		w.bytes = append(w.bytes, storable(v)...)
	case []byte:
		w.values, w.formats = append(w.values, v), append(w.formats, asBinary)
		return nil
	default:
		return fmt.Errorf("%T is not bound", v)
	}
	w.values, w.formats = append(w.values, w.bytes[from:len(w.bytes):len(w.bytes)]), append(w.formats, format)
	return nil
}

// storable replaces what no text of PostgreSQL holds. Names have been checked by the
// engine; what is left are texts for people, such as the message of an error.
func storable(text string) string {
	if utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// send writes a call into the send buffer. A statement gets a name when it comes
// again: many come once.
func (c *call) send(p *pgconn.Pipeline) {
	s := c.stmt
	s.runs++
	switch {
	case !s.w.named || s.runs == 1:
		p.SendQueryParams(s.query, c.values, nil, c.formats, allBinary)
		return
	case s.known != nil:
		p.SendQueryStatement(s.known, c.values, c.formats, allBinary)
		return
	case !s.parsing:
		if s.name == "" {
			s.w.names++
			s.name = "wfops_" + strconv.Itoa(s.w.names)
		}
		p.SendPrepare(s.name, s.query, nil)
		s.parsing, c.parses = true, true
	}
	p.SendQueryPrepared(s.name, c.values, c.formats, allBinary)
}

// answer waits for the server to begin with the answer to a call.
func (c *call) answer(p *pgconn.Pipeline) (*pgconn.ResultReader, error) {
	for {
		result, err := p.GetResults()
		if err != nil {
			return nil, err
		}
		switch r := result.(type) {
		case *pgconn.StatementDescription:
			r.Name, c.known = c.name, r
		case *pgconn.ResultReader:
			return r, nil
		default:
			return nil, fmt.Errorf("the server answered with %T", result)
		}
	}
}
