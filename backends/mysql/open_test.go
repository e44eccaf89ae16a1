package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	my "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/backends/backendtest/private"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// change returns a DSN with something changed.
func change(t *testing.T, dsn string, f func(*my.Config)) string {
	t.Helper()
	cfg, err := my.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	f(cfg)
	return cfg.FormatDSN()
}

// badOpen is something that can't be opened, and what is said about it.
type badOpen struct {
	name string
	dsn  func(t *testing.T) string
	opts []Option
	want error
	says string
}

// withSQL makes a database that holds something else than a store.
func withSQL(statements ...string) func(t *testing.T) string {
	return func(t *testing.T) string {
		dsn := emptyDatabase(t)
		onDatabase(t, dsn, statements...)
		return dsn
	}
}

func onDatabase(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	cfg, err := my.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if err := adminErr(cfg, statements...); err != nil {
		t.Fatal(err)
	}
}

// withVersion makes a store of another schema version.
func withVersion(version int) func(t *testing.T) string {
	return func(t *testing.T) string {
		dsn := emptyDatabase(t)
		closeStore(t, openStore(t, dsn))
		onDatabase(t, dsn, fmt.Sprintf("UPDATE wfops_schema SET version = %d", version))
		return dsn
	}
}

// asUser makes a user who has some privileges on the database of a DSN.
func asUser(t *testing.T, dsn, privileges string) string {
	t.Helper()
	return change(t, dsn, func(cfg *my.Config) {
		user := "u" + engine.NewID()[:12]
		admin(t, fmt.Sprintf("CREATE USER %s@'%%' IDENTIFIED BY 'secret'", user))
		t.Cleanup(func() { admin(t, fmt.Sprintf("DROP USER %s@'%%'", user)) })
		if privileges != "" {
			admin(t, fmt.Sprintf("GRANT %s ON %s.* TO %s@'%%'", privileges, cfg.DBName, user))
		}
		cfg.User, cfg.Passwd = user, "secret"
	})
}

// readOnlyServer is a store on a server of its own, which was set to be read-only.
func readOnlyServer(t *testing.T) string {
	s := private.MySQL(t)
	s.Start()
	closeStore(t, openStore(t, s.Address()))
	root := my.NewConfig()
	root.User, root.Net, root.Addr = "root", "unix", s.Socket()
	if err := adminErr(root, "SET GLOBAL read_only = 1"); err != nil {
		t.Fatal(err)
	}
	return s.Address()
}

const hunter = "hunter2"

var badOpens = []badOpen{
	{name: "wrong password", dsn: func(t *testing.T) string {
		return change(t, emptyDatabase(t), func(cfg *my.Config) { cfg.Passwd = hunter })
	}, says: "refuses the user or the password"},
	{name: "unknown database", dsn: func(t *testing.T) string {
		return change(t, serverConfig(t).FormatDSN(), func(cfg *my.Config) { cfg.DBName = newName() })
	}, says: "CREATE DATABASE"},
	{name: "no database", dsn: func(t *testing.T) string { return serverConfig(t).FormatDSN() },
		want: engine.ErrInvalidArgument, says: "names no database"},
	{name: "wrong port", dsn: func(*testing.T) string { return "u:" + hunter + "@tcp(127.0.0.1:1)/db" }, says: "is it running"},
	{name: "unknown host", dsn: func(*testing.T) string { return "mysql://u:" + hunter + "@no.such.host.invalid/db" }, says: "host"},
	{name: "no DSN", dsn: func(*testing.T) string { return hunter }, want: engine.ErrInvalidArgument, says: "mysql://user:password@host"},
	{name: "URL that is not encoded", dsn: func(*testing.T) string { return "mysql://u:100%" + hunter + "@h/db" },
		want: engine.ErrInvalidArgument, says: "percent-encoded"},
	{name: "TLS that the server has not", dsn: func(t *testing.T) string {
		if hasTLS(t) {
			t.Skip("the server has TLS")
		}
		return change(t, emptyDatabase(t), func(cfg *my.Config) { cfg.TLSConfig = "true" })
	}, says: "TLS"},
	{name: "another application", dsn: withSQL("CREATE TABLE orders (id INTEGER)"), want: engine.ErrNotAStore, says: "another application"},
	{name: "newer schema", dsn: withVersion(len(migrations()) + 1), want: engine.ErrSchemaVersion, says: "use a newer program"},
	{name: "newer schema, read-only", dsn: withVersion(len(migrations()) + 1), opts: []Option{ReadOnly()},
		want: engine.ErrSchemaVersion, says: "use a newer program"},
	{name: "older schema, without migrations", dsn: withVersion(0), opts: []Option{WithoutMigrations()},
		want: engine.ErrSchemaVersion, says: "has version 0"},
	{name: "empty database, read-only", dsn: func(t *testing.T) string { return emptyDatabase(t) }, opts: []Option{ReadOnly()},
		want: engine.ErrNotAStore, says: "empty"},
	{name: "a user who may not create tables", dsn: func(t *testing.T) string {
		return asUser(t, emptyDatabase(t), "SELECT, INSERT, UPDATE, DELETE")
	}, says: "MigrationStatements"},
	{name: "a user who may do nothing", dsn: func(t *testing.T) string { return asUser(t, emptyDatabase(t), "") }, says: "GRANT"},
	{name: "a server that takes no writes", dsn: readOnlyServer, want: engine.ErrReadOnly, says: "replica"},
	{name: "negative timeout", dsn: func(t *testing.T) string { return emptyDatabase(t) }, opts: []Option{WithBusyTimeout(-1)},
		want: engine.ErrInvalidArgument, says: "busy timeout"},
	{name: "no connections", dsn: func(t *testing.T) string { return emptyDatabase(t) }, opts: []Option{WithConnections(0, 1)},
		want: engine.ErrInvalidArgument, says: "at least 1"},
}

// hasTLS reports whether the server takes connections with TLS, whatever its
// certificate: which of its variables say so depends on product and version.
func hasTLS(t *testing.T) bool {
	t.Helper()
	cfg := serverConfig(t)
	cfg.TLSConfig = "skip-verify"
	err := adminErr(cfg, "DO 0")
	if err != nil && !errors.Is(err, my.ErrNoTLS) {
		t.Fatal(err)
	}
	return err == nil
}

func TestOpenErrors(t *testing.T) {
	serverConfig(t)
	for _, tc := range badOpens {
		t.Run(tc.name, func(t *testing.T) { refusesToOpen(t, tc.dsn(t), tc.says, tc.want, tc.opts...) })
	}
}

func refusesToOpen(t *testing.T, dsn, says string, want error, opts ...Option) {
	t.Helper()
	begun := time.Now()
	b, err := Open(t.Context(), dsn, opts...)
	if err == nil {
		closeStore(t, b)
		t.Fatal("it was opened")
	}
	if want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
		t.Errorf("error %q, want %v that says %q", err, want, says)
	}
	if strings.Contains(err.Error(), hunter) || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %q tells the password", err)
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}

// A server that takes only connections with TLS, and whose certificate nobody trusts.
func TestTLS(t *testing.T) {
	s := private.MySQL(t)
	cert, key := outage.Certificate(t, s.Dir)
	s.Own(cert, key)
	s.Args = append(s.Args, "--ssl-cert="+cert, "--ssl-key="+key, "--require-secure-transport=ON")
	s.Start()
	closeStore(t, openStore(t, s.Address()+"?tls=skip-verify"))
	refusesToOpen(t, s.Address(), "add tls=true", nil)
	refusesToOpen(t, s.Address()+"?tls=true", "certificate", nil)
	refusesToOpen(t, s.Address()+"?tls=true", "RegisterTLSConfig", nil)
}

// What a server or a connection string sets for sessions does not matter.
func TestSQLModes(t *testing.T) {
	dsn := newStore(t)
	for n, mode := range []string{"''", "'ANSI'", "'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'", "'TRADITIONAL,ONLY_FULL_GROUP_BY'"} {
		b := openStore(t, change(t, dsn, func(cfg *my.Config) { cfg.Params = map[string]string{"sql_mode": mode} }))
		id := fmt.Sprintf(`%d'\"||`, n)
		create(t, b, id)
		tasks := claim(t, b, "w")
		page, err := b.List(t.Context(), backend.Query{IDPrefix: id})
		if err != nil || len(page.Items) != 1 || len(tasks) != 1 || tasks[0].Instance.InstanceID != id {
			t.Errorf("sql_mode=%s: listed %+v, claimed %+v: %v", mode, page.Items, tasks, err)
		}
		closeStore(t, b)
	}
}

// The server's error is in the chain, and whatever is tried later answers with it.
func TestOpenErrorIsTheDrivers(t *testing.T) {
	cfg := serverConfig(t)
	b := NewMysqlBackend("127.0.0.1", portOf(t, cfg), cfg.User, hunter, "db")
	var server *my.MySQLError
	if err := b.Err(); !errors.As(err, &server) || server.Number != 1045 {
		t.Errorf("error %v, want one that holds the server's 1045", err)
	}
	outage.StartFails(t, b, b.Err())
	backendtest.Unopened(t, b, b.Err())
}

func portOf(t *testing.T, cfg *my.Config) (port int) {
	t.Helper()
	if _, err := fmt.Sscanf(cfg.Addr[strings.LastIndexByte(cfg.Addr, ':'):], ":%d", &port); err != nil {
		t.Fatal(err)
	}
	return port
}

func TestOpenForms(t *testing.T) {
	cfg, err := my.ParseDSN(newStore(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (*Backend, error){
		"url": func() (*Backend, error) {
			return Open(t.Context(), fmt.Sprintf("mysql://%s:%s@%s/%s?timeout=5s", cfg.User, cfg.Passwd, cfg.Addr, cfg.DBName))
		},
		"driver's DSN": func() (*Backend, error) { return Open(t.Context(), cfg.FormatDSN()) },
		"parts": func() (*Backend, error) {
			b := NewMysqlBackend("127.0.0.1", portOf(t, cfg), cfg.User, cfg.Passwd, cfg.DBName)
			err := b.Err()
			return b, err
		},
		"pool": func() (*Backend, error) {
			db, err := sql.Open("mysql", cfg.FormatDSN())
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { _ = db.Close() })
			db.SetMaxOpenConns(1)
			b := NewMysqlBackendWithDB(db)
			err = b.Err()
			return b, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := open()
			if err != nil {
				t.Fatal(err)
			}
			create(t, b, name)
			info, err := b.Info(t.Context())
			if err != nil || info.Kind != "mysql" || info.Version == "" || info.Schema != len(migrations()) {
				t.Errorf("info %+v, %v", info, err)
			}
			closeStore(t, b)
		})
	}
	if _, err := OpenWithDB(t.Context(), nil); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("a nil pool: %v", err)
	}
}

// A user with the rights that the documentation names can work with the store.
func TestLeastPrivileges(t *testing.T) {
	b := openStore(t, asUser(t, newStore(t), "SELECT, INSERT, UPDATE, DELETE"))
	defer closeStore(t, b)
	create(t, b, "i")
	if err := b.Heartbeat(t.Context(), backend.Worker{ID: "w"}); err != nil {
		t.Error(err)
	}
}

// The statements that are printed make the store that Open makes, also in a client
// whose settings are its own.
func TestMigrationStatements(t *testing.T) {
	dsn := emptyDatabase(t)
	onDatabase(t, dsn, MigrationStatements(0)...)
	b := openStore(t, dsn, WithoutMigrations())
	create(t, b, "i")
	closeStore(t, b)
	if got := MigrationStatements(len(migrations())); got != nil {
		t.Errorf("statements from the current version: %q", got)
	}
	for i, m := range Migrations() {
		if !strings.HasPrefix(m.Name, fmt.Sprintf("%04d_", i+1)) || len(m.Statements) == 0 {
			t.Errorf("migration %d is called %q and has %d statements", i+1, m.Name, len(m.Statements))
		}
	}
}

// A store of version 1 is migrated, and what is in it takes notes.
func TestVersionOneIsMigrated(t *testing.T) {
	dsn := emptyDatabase(t)
	onDatabase(t, dsn, slices.Concat([]string{schemaTable, "INSERT INTO wfops_schema (one, version) VALUES (1, 1)"}, migrations()[0].Statements)...)
	onDatabase(t, dsn, "INSERT INTO instances (instance_id, execution_id, first_execution, workflow, queue, status, created, updated) VALUES ('i', 'x', 'x', 'wf', 'q', 'running', 1, 1)")
	if _, err := Open(t.Context(), dsn, ReadOnly()); !errors.Is(err, engine.ErrSchemaVersion) || !strings.Contains(err.Error(), "has version 1") {
		t.Errorf("reading it before: %v", err)
	}
	backendtest.NoteOutlives(t, engine.Instance{InstanceID: "i", ExecutionID: "x"}, func(t *testing.T) backend.Backend { return openStore(t, dsn) })
}

// A program that dies in the middle of a migration leaves what the next one finishes: also
// after the last statement, before the version is written.
func TestMigrationGoesOn(t *testing.T) {
	for n := len(MigrationStatements(0)) - 1; n > 0; n -= 3 {
		dsn := emptyDatabase(t)
		onDatabase(t, dsn, MigrationStatements(0)[:n]...)
		b := openStore(t, dsn)
		create(t, b, "i")
		closeStore(t, b)
	}
}

// The server refuses every write, whatever the store does: one that the store does
// not know of, too.
func TestRule42ReadOnlyIsRefusedByTheServer(t *testing.T) {
	dsn := newStore(t)
	writer := openStore(t, dsn)
	defer closeStore(t, writer)
	b := openStore(t, dsn, ReadOnly())
	defer closeStore(t, b)
	create(t, writer, "i")
	for name, err := range backendtest.Writes(t.Context(), b, engine.Instance{InstanceID: "i"}) {
		var server *my.MySQLError
		if !errors.Is(err, engine.ErrReadOnly) || !errors.As(err, &server) || server.Number != 1792 {
			t.Errorf("%s: %v, want the server's refusal", name, err)
		}
	}
	create(t, writer, "after")
	if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "after"}); err != nil {
		t.Errorf("what was written meanwhile: %v", err)
	}
	info, err := b.Info(t.Context())
	if err != nil || !info.ReadOnly || info.Durability != "read-only" {
		t.Errorf("info %+v, %v", info, err)
	}
}

// Ids and texts hold what they will.
func TestTexts(t *testing.T) {
	dsn := newStore(t)
	b := openStore(t, dsn)
	defer closeStore(t, b)
	ids := []string{"a", "a ", "A", "ä", "a\u0308", "'", `\`, `\'`, "?", ";", "%", "_", strings.Repeat("😀", 63), "a\nb", "--", "/*"}
	create(t, b, ids...)
	for _, id := range ids {
		s, err := b.Get(t.Context(), engine.Instance{InstanceID: id})
		if err != nil || s.Instance.InstanceID != id {
			t.Errorf("%q: found %q, %v", id, s.Instance.InstanceID, err)
		}
	}
	bad := "no \xff UTF-8, \x00 and more"
	c := creation("bad")
	claimOne := func() backend.WorkflowTask {
		for _, task := range claim(t, b, "w") {
			if task.Instance.InstanceID == "bad" {
				return task
			}
		}
		t.Fatal("it was not claimed")
		return backend.WorkflowTask{}
	}
	if r := b.Create(t.Context(), []backend.Creation{c})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	task := claimOne()
	r := b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{{
		Instance: task.Instance, Token: task.Token, StepID: "s", Events: []byte(bad), Count: 1, Status: engine.StatusRunning,
		Summary: backend.SummaryUpdate{LastError: &bad},
	}})[0]
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	chunks, err := b.History(t.Context(), task.Instance, 0, 0)
	if err != nil || len(chunks) != 1 || string(chunks[0].Events) != bad {
		t.Errorf("history %+v, %v", chunks, err)
	}
	s, err := b.Get(t.Context(), task.Instance)
	if err != nil || !strings.HasPrefix(s.LastError, "no \uFFFD UTF-8") {
		t.Errorf("last error %q, %v", s.LastError, err)
	}
}

// What is larger than a packet with several statements goes alone, and what is
// larger than any packet is refused with the server's words.
func TestLargeEvents(t *testing.T) {
	b := openStore(t, newStore(t))
	defer closeStore(t, b)
	for _, size := range []int{packetBytes - 100, packetBytes, 2 * packetBytes, 5 << 20} {
		c := creation(fmt.Sprint("i", size))
		c.Started = make([]byte, size)
		other := creation(fmt.Sprint("j", size))
		for _, r := range b.Create(t.Context(), []backend.Creation{other, c}) {
			if r.Err != nil {
				t.Fatalf("%d bytes: %v", size, r.Err)
			}
		}
		p, err := b.Pending(t.Context(), c.Instance, 0)
		if err != nil || len(p.Inbox) != 1 || len(p.Inbox[0].Event) != size {
			t.Errorf("%d bytes: %d rows, %v", size, len(p.Inbox), err)
		}
	}
}

func claim(t testing.TB, b backend.Backend, worker string) []backend.WorkflowTask {
	t.Helper()
	claimed, err := b.ClaimWorkflows(context.Background(), backend.WorkflowClaim{
		Worker: worker, Build: "b", Queues: []engine.Queue{"q"}, Workflows: []string{"wf"}, Max: 100, Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return claimed.Tasks
}
