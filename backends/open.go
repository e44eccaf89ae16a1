package backends

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/backends/mysql"
	"github.com/wfops/wfops/backends/postgres"
	"github.com/wfops/wfops/backends/redis"
	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// scheme is a kind of store.
type scheme struct {
	name  string
	alias string
	// example is shown to who has mistyped one.
	example string
	// open gets what follows "name:", without the query.
	open func(ctx context.Context, rest string, q *query) (backend.Backend, error)
	// whole, instead of open, gets the DSN as it is, without its setting mode. It is for
	// servers, whose DSNs have rules and settings of their own.
	whole func(ctx context.Context, dsn string, o options) (backend.Backend, error)
	// url tells that open gets the whole DSN without the query, as it was written:
	// what is percent-encoded in a URL may be part of a password.
	url bool
}

var schemes = []scheme{
	{name: "memory", example: "memory:", open: openMemory},
	{name: "sqlite", example: "sqlite:orders.db", open: openSQLite},
	{name: "mysql", example: "mysql://user:password@host:3306/database", whole: openMySQL},
	{name: "postgres", alias: "postgresql", example: "postgres://user:password@host:5432/database", whole: openPostgres},
	{name: "redis", example: "redis://localhost:6379/0", open: openRedis, url: true},
	{name: "rediss", example: "rediss://host:6379/0 (TLS)", open: openRedis, url: true},
	{name: "redis-cluster", example: "redis-cluster://host:7000,host:7001", open: openRedis, url: true},
	{name: "rediss-cluster", example: "rediss-cluster://host:7000,host:7001 (TLS)", open: openRedis, url: true},
	{name: "redis-sentinel", example: "redis-sentinel://host:26379/0?master_name=main", open: openRedis, url: true},
	{name: "rediss-sentinel", example: "rediss-sentinel://host:26379/0?master_name=main (TLS)", open: openRedis, url: true},
}

// Option changes how Open opens a store.
type Option func(*options)

type options struct{ readOnly, noMigrations bool }

// ReadOnly opens the store for reading only, whatever the DSN says.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// WithoutMigrations fails with engine.ErrSchemaVersion if the schema of the store is
// not current, instead of migrating it. Redis has no schema to migrate.
func WithoutMigrations() Option { return func(o *options) { o.noMigrations = true } }

// Open opens the store that dsn names:
//
//	memory:                      gone when it is closed
//	sqlite:PATH, sqlite://PATH   a file; PATH is percent-encoded where it holds '?' or '%'
//	PATH.db, PATH.sqlite         a file; PATH is taken literally
//	mysql://USER:PASSWORD@HOST:PORT/DATABASE
//	postgres://USER:PASSWORD@HOST:PORT/DATABASE
//	redis://HOST:PORT/DB         one Redis server; rediss:// with TLS
//	redis-cluster://HOST:PORT,…  a Redis Cluster
//	redis-sentinel://HOST:PORT,…/DB?master_name=NAME
//
// Settings follow after a '?': mode=ro opens the store for reading only;
// synchronous=full or normal and busy_timeout=5s are for SQLite; prefix=wfops,
// partitions=16 and retention=720h are for Redis; others of a server are its
// driver's.
//
// Errors never show a password: of a dsn that can't be understood they repeat the
// scheme alone. What is wrong with dsn is an engine.ErrInvalidArgument; other
// errors are those of the adapter.
func Open(ctx context.Context, dsn string, opts ...Option) (backend.Backend, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if path, settings, ok := plainPath(dsn); ok {
		return open(ctx, openSQLite, path, settings, o)
	}
	name, rest, ok := strings.Cut(dsn, ":")
	for _, s := range schemes {
		if ok && (s.name == name || s.alias == name) {
			return openScheme(ctx, s, rest, o)
		}
	}
	return nil, unknown(dsn)
}

func openScheme(ctx context.Context, s scheme, rest string, o options) (backend.Backend, error) {
	if s.whole != nil {
		dsn, readOnly, err := withoutMode(s.name + ":" + rest)
		if err != nil {
			return nil, err
		}
		o.readOnly = o.readOnly || readOnly
		return s.whole(ctx, dsn, o)
	}
	if s.url {
		address, settings, _ := strings.Cut(s.name+":"+rest, "?")
		return open(ctx, s.open, address, settings, o)
	}
	path, settings, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return nil, fmt.Errorf("%w: in a %s: DSN, '%%' is written %%25 and '?' is written %%3F: %w", engine.ErrInvalidArgument, s.name, err)
	}
	return open(ctx, s.open, path, settings, o)
}

func open(ctx context.Context, opener func(context.Context, string, *query) (backend.Backend, error), path, settings string, o options) (backend.Backend, error) {
	values, err := url.ParseQuery(settings)
	if err != nil {
		return nil, fmt.Errorf("%w: the settings after '?' can't be read: %w", engine.ErrInvalidArgument, err)
	}
	return opener(ctx, path, &query{values: values, options: o})
}

// withoutMode takes the setting mode out of a DSN. What stands before the last '/' may
// be a password and is left alone.
func withoutMode(dsn string) (rest string, readOnly bool, err error) {
	at := strings.LastIndexByte(dsn, '/') + 1
	name, settings, found := strings.Cut(dsn[at:], "?")
	if !found {
		return dsn, false, nil
	}
	var others []string
	for setting := range strings.SplitSeq(settings, "&") {
		mode, ok := strings.CutPrefix(setting, "mode=")
		switch {
		case !ok:
			others = append(others, setting)
		case mode == "ro":
			readOnly = true
		case mode != "rw":
			return "", false, fmt.Errorf("%w: setting mode=%q, want ro or rw", engine.ErrInvalidArgument, mode)
		}
	}
	rest = dsn[:at] + name
	if len(others) > 0 {
		rest += "?" + strings.Join(others, "&")
	}
	return rest, readOnly, nil
}

// plainPath recognizes a file by its ending. A '?' in a path that has the ending
// belongs to the path.
func plainPath(dsn string) (path, settings string, ok bool) {
	for _, s := range schemes {
		if strings.HasPrefix(dsn, s.name+":") {
			return "", "", false
		}
	}
	if isFile(dsn) {
		return dsn, "", true
	}
	at := strings.LastIndexByte(dsn, '?')
	if at < 0 || !isFile(dsn[:at]) {
		return "", "", false
	}
	return dsn[:at], dsn[at+1:], true
}

// isFile leaves out what looks like the URL of a server.
func isFile(path string) bool {
	return (strings.HasSuffix(path, ".db") || strings.HasSuffix(path, ".sqlite")) && !strings.Contains(path, "://")
}

var schemePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// unknown lists what there is. It repeats no more of dsn than what is certainly a
// scheme: the rest may be a password.
func unknown(dsn string) error {
	what := "the DSN does not say which store it is for"
	if found := schemePattern.FindString(dsn); found != "" {
		what = fmt.Sprintf("there is no store for %q", strings.TrimSuffix(found, "//"))
	}
	var examples []string
	for _, s := range schemes {
		examples = append(examples, s.example)
	}
	return fmt.Errorf("%w: %s; there are %s, and paths that end in .db or .sqlite",
		engine.ErrInvalidArgument, what, strings.Join(examples, ", "))
}

func openMemory(_ context.Context, rest string, q *query) (backend.Backend, error) {
	if rest != "" {
		return nil, fmt.Errorf("%w: memory: has no name or path", engine.ErrInvalidArgument)
	}
	if err := q.done("memory:"); err != nil {
		return nil, err
	}
	if q.options.readOnly {
		return memory.New().ReadOnly(), nil
	}
	return memory.New(), nil
}

func openSQLite(ctx context.Context, path string, q *query) (backend.Backend, error) {
	var opts []sqlite.Option
	if q.readOnly() {
		opts = append(opts, sqlite.ReadOnly())
	}
	if q.options.noMigrations {
		opts = append(opts, sqlite.WithoutMigrations())
	}
	switch level := q.take("synchronous"); strings.ToLower(level) {
	case "":
	case "full":
		opts = append(opts, sqlite.WithSynchronous(sqlite.Full))
	case "normal":
		opts = append(opts, sqlite.WithSynchronous(sqlite.Normal))
	default:
		q.wrong("synchronous", level, "full or normal")
	}
	if text := q.take("busy_timeout"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			q.wrong("busy_timeout", text, "a duration like 5s")
		}
		opts = append(opts, sqlite.WithBusyTimeout(d))
	}
	if err := q.done("sqlite:", "mode", "synchronous", "busy_timeout"); err != nil {
		return nil, err
	}
	b, err := sqlite.Open(ctx, path, opts...)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func openMySQL(ctx context.Context, dsn string, o options) (backend.Backend, error) {
	var opts []mysql.Option
	if o.readOnly {
		opts = append(opts, mysql.ReadOnly())
	}
	if o.noMigrations {
		opts = append(opts, mysql.WithoutMigrations())
	}
	b, err := mysql.Open(ctx, dsn, opts...)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func openPostgres(ctx context.Context, dsn string, o options) (backend.Backend, error) {
	var opts []postgres.Option
	if o.readOnly {
		opts = append(opts, postgres.ReadOnly())
	}
	if o.noMigrations {
		opts = append(opts, postgres.WithoutMigrations())
	}
	b, err := postgres.Open(ctx, dsn, opts...)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func openRedis(ctx context.Context, address string, q *query) (backend.Backend, error) {
	var opts []redis.Option
	if q.readOnly() {
		opts = append(opts, redis.ReadOnly())
	}
	if prefix := q.take("prefix"); prefix != "" {
		opts = append(opts, redis.WithPrefix(prefix))
	}
	if text := q.take("partitions"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			q.wrong("partitions", text, "a number")
		}
		opts = append(opts, redis.WithPartitions(n))
	}
	if text := q.take("retention"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			q.wrong("retention", text, "a duration like 720h")
		}
		opts = append(opts, redis.WithRetention(d))
	}
	if q.err != nil {
		return nil, q.err
	}
	if len(q.values) > 0 {
		address += "?" + q.values.Encode() // the client's own
	}
	b, err := redis.Open(ctx, address, opts...)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// query hands out the settings of a DSN, and remembers the first that is wrong.
type query struct {
	values  url.Values
	options options
	err     error
}

// readOnly takes the setting mode.
func (q *query) readOnly() bool {
	mode := q.take("mode")
	if mode != "" && mode != "ro" && mode != "rw" {
		q.wrong("mode", mode, "ro or rw")
	}
	return q.options.readOnly || mode == "ro"
}

func (q *query) take(name string) string {
	v := q.values.Get(name)
	q.values.Del(name)
	return v
}

func (q *query) wrong(name, value, want string) {
	if q.err == nil {
		q.err = fmt.Errorf("%w: setting %s=%q, want %s", engine.ErrInvalidArgument, name, value, want)
	}
}

// done returns what was wrong, or an error for a setting that nobody took. Its
// value is not shown.
func (q *query) done(kind string, known ...string) error {
	if q.err != nil {
		return q.err
	}
	for name := range q.values {
		if len(known) == 0 {
			return fmt.Errorf("%w: %s has no settings, not %q either", engine.ErrInvalidArgument, kind, name)
		}
		slices.Sort(known)
		return fmt.Errorf("%w: %s has no setting %q; it has %s", engine.ErrInvalidArgument, kind, name, strings.Join(known, ", "))
	}
	return nil
}
