package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/backends/mysql"
	"github.com/wfops/wfops/backends/postgres"
	"github.com/wfops/wfops/backends/redis"
	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/worker"
)

// attempts are all ways to a store. They get the address of one that is there: a file
// in the folder STORE, and a server.
func attempts() map[string]func(ctx context.Context, file, address string) error {
	opened := func(_ any, err error) error { return err }
	failed := func(b interface{ Err() error }) error { return b.Err() }
	return map[string]func(ctx context.Context, file, address string) error{
		"sqlite.Open": func(ctx context.Context, file, _ string) error { return opened(sqlite.Open(ctx, file)) },
		"sqlite.Open ReadOnly": func(ctx context.Context, file, _ string) error {
			return opened(sqlite.Open(ctx, file, sqlite.ReadOnly()))
		},
		"sqlite.NewSqliteBackend": func(_ context.Context, file, _ string) error {
			return failed(sqlite.NewSqliteBackend(file))
		},
		"sqlite.NewInMemoryBackend": func(context.Context, string, string) error { return failed(sqlite.NewInMemoryBackend()) },
		"sqlite.OpenWithDB":         func(ctx context.Context, _, _ string) error { return opened(sqlite.OpenWithDB(ctx, pool())) },
		"mysql.Open": func(ctx context.Context, _, address string) error {
			return opened(mysql.Open(ctx, "mysql://user:password@"+address+"/orders"))
		},
		"mysql.NewMysqlBackend": func(context.Context, string, string) error {
			return failed(mysql.NewMysqlBackend("127.0.0.1", 1, "user", "password", "orders"))
		},
		"mysql.OpenWithDB": func(ctx context.Context, _, _ string) error { return opened(mysql.OpenWithDB(ctx, pool())) },
		"postgres.Open": func(ctx context.Context, _, address string) error {
			return opened(postgres.Open(ctx, "postgres://user:password@"+address+"/orders"))
		},
		"postgres.NewPostgresBackend": func(context.Context, string, string) error {
			return failed(postgres.NewPostgresBackend("127.0.0.1", 1, "user", "password", "orders"))
		},
		"postgres.OpenWithDB": func(ctx context.Context, _, _ string) error { return opened(postgres.OpenWithDB(ctx, pool())) },
		"redis.Open":          func(ctx context.Context, _, address string) error { return opened(redis.Open(ctx, address)) },
		"redis.New": func(ctx context.Context, _, address string) error {
			return opened(redis.New(ctx, goredis.NewClient(&goredis.Options{Addr: address})))
		},
		"backends.Open": func(ctx context.Context, file, _ string) error { return opened(backends.Open(ctx, "sqlite:"+file)) },
		"client": func(ctx context.Context, _, _ string) error {
			_, err := client.New(memory.New()).CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: "i"}, "ok", 1)
			return err
		},
		"client that reads": func(ctx context.Context, _, _ string) error {
			return opened(client.New(memory.New()).List(ctx, backend.Query{}))
		},
		"worker": func(ctx context.Context, _, _ string) error { return worker.New(memory.New(), nil).Start(ctx) },
		"orchestrator": func(ctx context.Context, _, _ string) error {
			return worker.NewWorkflowOrchestrator(memory.New(), nil).Start(ctx)
		},
	}
}

// pool is one whose connections fail, and which must not even be asked.
func pool() *sql.DB { return sql.OpenDB(noConnection{}) }

type noConnection struct{}

func (noConnection) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("no connection")
}

func (noConnection) Driver() driver.Driver { return nil }

// What there is to reach. Package-level variables are set before anything can clear
// the environment.
var file, address = os.Getenv("STORE"), os.Getenv("SERVER")

// work is what a worker does in earnest, by every way there is. What comes of it goes
// to standard output as JSON.
func work(comment string) {
	if file == "" {
		return
	}
	answers := map[string]string{"": comment}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, attempt := range attempts() {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			err := attempt(ctx, file, address)
			mu.Lock()
			defer mu.Unlock()
			if answers[name] = "it went through"; err != nil {
				answers[name] = err.Error()
			}
		})
	}
	all.Wait()
	text, err := json.Marshal(answers)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
