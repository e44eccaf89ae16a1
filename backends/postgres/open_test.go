package postgres

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/backends/backendtest/private"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// changed returns dsn with another part.
func changed(t *testing.T, dsn string, f func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	f(u)
	return u.String()
}

// freePort returns an address where nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// What can't be opened says why and what to do, and never the password.
func TestOpenExplains(t *testing.T) {
	dsn := newSchema(t)
	const secret = "s3cr3t"
	withSecret := func(f func(*url.URL)) string {
		return changed(t, dsn, func(u *url.URL) {
			u.User = url.UserPassword(u.User.Username(), secret)
			f(u)
		})
	}
	for _, tc := range []struct {
		name, dsn, want string
		opts            []Option
		is              error
	}{
		{"port", withSecret(func(u *url.URL) { u.Host = freePort(t) }), "no server answers there", nil, nil},
		{"host", withSecret(func(u *url.URL) { u.Host = "no-such-host.invalid:5432" }), "no host of that name", nil, nil},
		{"password", withSecret(func(*url.URL) {}), "the user or the password is wrong", nil, nil},
		{"database", changed(t, dsn, func(u *url.URL) { u.Path = "/no_such_database" }), "the database does not exist", nil, nil},
		{"tls", with(t, dsn, "sslmode", "require"), "look at sslmode", nil, nil},
		{"schema", with(t, dsn, "search_path", "no_such_schema"), "schema", nil, nil},
		{"url", "postgres://u:" + secret + "%zz@h/d", "the connection string can't be understood", nil, engine.ErrInvalidArgument},
		{"setting", "postgres://u:" + secret + "@h/d?sslmode=perhaps", "sslmode is invalid", nil, engine.ErrInvalidArgument},
		{"pairs", "host=h password=" + secret + " sslmode=perhaps", "sslmode is invalid", nil, engine.ErrInvalidArgument},
		{"words", "orders", "the connection string can't be understood", nil, engine.ErrInvalidArgument},
		{"lanes", dsn, "0 lanes", []Option{WithLanes(0)}, engine.ErrInvalidArgument},
		{"lock timeout", dsn, "lock timeout", []Option{WithLockTimeout(0)}, engine.ErrInvalidArgument},
		{"long schema", dsn, "64 bytes", []Option{WithSchema(strings.Repeat("s", 64))}, engine.ErrInvalidArgument},
		{"empty", dsn, "no tables of a store", []Option{ReadOnly()}, engine.ErrNotAStore},
		{"no migrations", dsn, "version 0", []Option{WithoutMigrations()}, engine.ErrSchemaVersion},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := Open(t.Context(), tc.dsn, tc.opts...)
			if err == nil {
				closeStore(t, b)
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), tc.want) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("got %q, want %q and %v", err, tc.want, tc.is)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the password: %v", err)
			}
			if strings.Count(err.Error(), "postgres: ") != 1 {
				t.Errorf("the error does not begin with the store's name, once: %v", err)
			}
		})
	}
}

// A server that takes only connections with TLS, and whose certificate nobody trusts.
func TestTLS(t *testing.T) {
	s := private.Postgres(t)
	cert, key := outage.Certificate(t, s.Dir)
	s.Own(cert, key)
	s.Args = append(s.Args, "-c", "ssl=on", "-c", "ssl_cert_file="+cert, "-c", "ssl_key_file="+key)
	s.Start()
	rules := filepath.Join(s.Data(), "pg_hba.conf")
	if err := os.WriteFile(rules, []byte("hostssl all all 127.0.0.1/32 trust\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Own(rules)
	execSQL(t, s.Address(), "SELECT pg_reload_conf()")
	for mode, says := range map[string]string{
		"disable": "look at pg_hba.conf and at sslmode", "verify-full": "name its CA by sslrootcert", "require": "", "verify-ca&sslrootcert=" + cert: "",
	} {
		dsn := strings.Replace(s.Address(), "sslmode=disable", "sslmode="+mode, 1)
		b, err := Open(t.Context(), dsn)
		if err == nil {
			closeStore(t, b)
		}
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("sslmode=%s: %v, want %q", mode, err, says)
		}
	}
}

// A schema of somebody else is left alone, and one of a newer program too.
func TestOpenRefusesForeignSchemas(t *testing.T) {
	dsn := newSchema(t)
	execSQL(t, dsn, "CREATE TABLE workers (name TEXT)")
	if _, err := Open(t.Context(), dsn); !errors.Is(err, engine.ErrNotAStore) || !strings.Contains(err.Error(), "workers") {
		t.Errorf("a table of ours by name: %v", err)
	}
	other := `Of its "own" ` + engine.NewID()[:8]
	defer func() { execSQL(t, dsn, "DROP SCHEMA "+quoted(other)+" CASCADE") }()
	for range 2 {
		b := openStore(t, dsn, WithSchema(other))
		create(t, b, engine.NewID())
		closeStore(t, b)
	}

	dsn = newSchema(t)
	closeStore(t, openStore(t, dsn))
	execSQL(t, dsn, fmt.Sprintf("UPDATE wfops_schema SET version = %d", len(migrations())+1))
	for _, opts := range [][]Option{nil, {ReadOnly()}} {
		if _, err := Open(t.Context(), dsn, opts...); !errors.Is(err, engine.ErrSchemaVersion) || !strings.Contains(err.Error(), "use a newer program") {
			t.Errorf("a newer schema: %v", err)
		}
	}
}

// A role that may use the tables but not create them opens a store that is current,
// and one that may only read opens it for reading.
func TestOpenWithFewRights(t *testing.T) {
	dsn := newSchema(t)
	name := "wfops_test_" + engine.NewID()[:12]
	schema := mustQuery(t, dsn, "search_path")
	execSQL(t, dsn, "CREATE ROLE "+name+" LOGIN PASSWORD 'x'", "GRANT USAGE ON SCHEMA "+schema+" TO "+name)
	t.Cleanup(func() { execSQL(t, dsn, "DROP OWNED BY "+name, "DROP ROLE "+name) })
	poor := changed(t, dsn, func(u *url.URL) { u.User = url.UserPassword(name, "x") })

	_, err := Open(t.Context(), poor)
	if code := sqlState(err); code != codeDenied || !strings.Contains(err.Error(), "lacks a permission") {
		t.Errorf("without the right to create tables: %v", err)
	}
	b := openStore(t, dsn)
	defer closeStore(t, b)
	create(t, b, "i")
	execSQL(t, dsn, "GRANT SELECT ON ALL TABLES IN SCHEMA "+schema+" TO "+name)
	if _, err := Open(t.Context(), poor); sqlState(err) != codeDenied {
		t.Errorf("without the right to write: %v", err)
	}
	reader := openStore(t, poor, ReadOnly())
	if _, err := reader.Get(t.Context(), engine.Instance{InstanceID: "i"}); err != nil {
		t.Errorf("reading with the right to read: %v", err)
	}
	closeStore(t, reader)
	execSQL(t, dsn, "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "+schema+" TO "+name)
	writer := openStore(t, poor)
	create(t, writer, "j")
	if got := claim(t, writer, "me"); len(got) != 2 {
		t.Errorf("claimed %d instances", len(got))
	}
	closeStore(t, writer)
}

func mustQuery(t *testing.T, dsn, key string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(key)
}

// The statements that are printed make the store that Open makes.
func TestMigrationStatements(t *testing.T) {
	dsn := newSchema(t)
	execSQL(t, dsn, MigrationStatements(0)...)
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
	dsn := newSchema(t)
	execSQL(t, dsn, slices.Concat([]string{createMark, insertMark, "UPDATE wfops_schema SET version = 1"}, migrations()[0].Statements)...)
	execSQL(t, dsn, "INSERT INTO instances (instance_id, execution_id, first_execution, workflow, queue, status, created, updated) VALUES ('i', 'x', 'x', 'wf', 'q', 'running', 1, 1)")
	if _, err := Open(t.Context(), dsn, ReadOnly()); !errors.Is(err, engine.ErrSchemaVersion) || !strings.Contains(err.Error(), "has version 1") {
		t.Errorf("reading it before: %v", err)
	}
	backendtest.NoteOutlives(t, engine.Instance{InstanceID: "i", ExecutionID: "x"}, func(t *testing.T) backend.Backend { return openStore(t, dsn) })
}

// The constructors of the quickstart keep the error for later.
func TestConstructors(t *testing.T) {
	dsn := newSchema(t)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	b := NewPostgresBackend(u.Hostname(), port, u.User.Username(), password, strings.TrimPrefix(u.Path, "/"), WithSchema(mustQuery(t, dsn, "search_path")))
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	create(t, b, "i")
	closeStore(t, b)
	b = NewPostgresBackend(u.Hostname(), port, u.User.Username(), "wrong/:@ %", "postgres")
	outage.StartFails(t, b, b.Err())
	backendtest.Unopened(t, b, b.Err())
	if err := NewPostgresBackendWithDB(nil).Err(); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("no *sql.DB: %v", err)
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(3)
	if err := NewPostgresBackendWithDB(db).Err(); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("three connections: %v", err)
	}
}

// The server refuses every write on every connection, whatever the store does.
func TestRule42ReadOnlyIsRefusedByTheServer(t *testing.T) {
	dsn := newSchema(t)
	writer := openStore(t, dsn)
	defer closeStore(t, writer)
	create(t, writer, "i")
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	lent, err := OpenWithDB(t.Context(), db, ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*Backend{"own": openStore(t, dsn, ReadOnly()), "lent": lent} {
		for method, err := range backendtest.Writes(t.Context(), b, engine.Instance{InstanceID: "i"}) {
			if !errors.Is(err, engine.ErrReadOnly) || sqlState(err) != codeReadOnly {
				t.Errorf("%s: %s: %v, want the server's refusal", name, method, err)
			}
		}
		if _, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{Max: 1}); !errors.Is(err, engine.ErrReadOnly) || sqlState(err) != codeReadOnly {
			t.Errorf("%s: a claim that finds nothing: %v", name, err)
		}
		if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "i"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		create(t, writer, "after opening "+name)
		if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "after opening " + name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := b.Info(t.Context()); err != nil || !info.ReadOnly || info.Durability != "read-only" {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
		closeStore(t, b)
	}
}

// A server that takes no writes says so when the store is opened.
func TestOpenOnAStandby(t *testing.T) {
	dsn := newSchema(t)
	closeStore(t, openStore(t, dsn))
	_, err := Open(t.Context(), with(t, dsn, "default_transaction_read_only", "on"))
	if !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("got %v, want %v", err, engine.ErrReadOnly)
	}
}

// Texts for people may hold what the server does not store.
func TestOddTexts(t *testing.T) {
	b := openStore(t, newSchema(t))
	defer closeStore(t, b)
	create(t, b, "i")
	to := backend.Address{InstanceID: "i"}
	if err := b.Terminate(t.Context(), []backend.Termination{{To: to, Event: []byte("[1]"), Error: "a\x00b\xff"}})[0]; err != nil {
		t.Fatal(err)
	}
	s, err := b.Get(t.Context(), engine.Instance{InstanceID: "i"})
	if err != nil || s.LastError != "a\uFFFDb\uFFFD" {
		t.Errorf("%q, %v", s.LastError, err)
	}
	page, err := b.List(t.Context(), backend.Query{ErrorContains: "\x00"})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d found, %v", len(page.Items), err)
	}
}

// Statements that a pooler or a migration has made the server forget are sent again.
func TestForgottenStatements(t *testing.T) {
	dsn := newSchema(t)
	b := openStore(t, dsn, WithLanes(1))
	defer closeStore(t, b)
	for n := range 4 {
		create(t, b, fmt.Sprint("a", n))
	}
	name := mustQuery(t, dsn, "search_path")
	// Each type of the row is another one now, so the answers of prepared statements
	// would change their types.
	execSQL(t, dsn, "ALTER TABLE "+name+".instances ALTER COLUMN inbox_count TYPE INTEGER")
	for n := range 4 {
		create(t, b, fmt.Sprint("a", n+4))
	}
	if got := claim(t, b, "me"); len(got) != 8 {
		t.Errorf("claimed %d instances", len(got))
	}
}

// backends ends all connections of a schema's tests at the server, as an operator
// or a failover does.
func terminateConnections(t *testing.T, dsn, application string) (ended int) {
	t.Helper()
	pc, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pc.Close(t.Context()) }()
	r := pc.ExecParams(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
		[][]byte{[]byte(application)}, nil, nil, nil).Read()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return len(r.Rows)
}

// A store whose connections were ended goes on with new ones, without an error.
func TestLostConnections(t *testing.T) {
	dsn := newSchema(t)
	application := "wfops_test_" + engine.NewID()[:8]
	b := openStore(t, with(t, dsn, "application_name", application))
	defer closeStore(t, b)
	sub := b.Subscribe(backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
	defer sub.Close()
	listening(t, dsn, b)
	for n := range 5 {
		create(t, b, fmt.Sprint("i", n))
		if ended := terminateConnections(t, dsn, application); ended < 2 {
			t.Fatalf("%d connections were ended", ended)
		}
		if _, err := b.Get(t.Context(), engine.Instance{InstanceID: fmt.Sprint("i", n)}); err != nil {
			t.Errorf("reading after the connections were lost: %v", err)
		}
	}
	if got := claim(t, b, "me"); len(got) != 5 {
		t.Errorf("claimed %d instances", len(got))
	}
	listening(t, dsn, b) // again
}

// The clock is the server's, at the time of the statement.
func TestClock(t *testing.T) {
	b := openStore(t, newSchema(t))
	defer closeStore(t, b)
	info, err := b.Info(t.Context())
	if d := time.Since(info.Now).Abs(); err != nil || d > 5*time.Second {
		t.Errorf("the store's clock is %v away: %v", d, err)
	}
	if info.Kind != "postgres" || info.Version == "" || !strings.Contains(info.Durability, "fsync=") {
		t.Errorf("%+v", info)
	}
}
