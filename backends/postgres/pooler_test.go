package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/wfops/wfops/backends/backendtest/scenarios"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// pooler hands each transaction to the next of its connections to the server, as
// PgBouncer does in transaction mode, except that there the next one often is the last
// one again. The name of the database that a client asks for is the schema of the
// connections that it gets.
type pooler struct {
	t      *testing.T
	server string
	l      net.Listener
	work   sync.WaitGroup

	mu      sync.Mutex
	servers map[string]chan *pgconn.HijackedConn
	clients []net.Conn
}

const poolerSize = 5

func newPooler(t *testing.T) *pooler {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pooler{t: t, server: server(t), l: l, servers: map[string]chan *pgconn.HijackedConn{}}
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// dsn is for a client that works in the schema of another connection string.
func (p *pooler) dsn(t *testing.T, direct string) string {
	t.Helper()
	return changed(t, direct, func(u *url.URL) {
		u.Host, u.Path = p.l.Addr().String(), "/"+u.Query().Get("search_path")
		u.RawQuery = "sslmode=disable"
	})
}

func (p *pooler) close() {
	_ = p.l.Close()
	p.mu.Lock()
	for _, c := range p.clients {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.work.Wait()
	for _, free := range p.servers {
		close(free)
		for s := range free {
			_ = s.Conn.Close()
		}
	}
}

func (p *pooler) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.clients = append(p.clients, c)
		p.mu.Unlock()
		p.work.Go(func() {
			if err := p.serve(c); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) {
				p.t.Logf("pooler: %v", err)
			}
			_ = c.Close()
		})
	}
}

// serve relays what one client says, up to each point where it waits for the answer.
func (p *pooler) serve(c net.Conn) error {
	client := pgproto3.NewBackend(c, c)
	free, err := p.greet(client)
	if err != nil {
		return err
	}
	var held *pgconn.HijackedConn
	defer func() {
		if held != nil { // in a transaction, which nobody will end
			_ = held.Conn.Close()
			free <- p.dial(held.Config.RuntimeParams["search_path"])
		}
	}()
	for {
		msg, err := client.Receive()
		if err != nil {
			return err
		}
		if _, ends := msg.(*pgproto3.Terminate); ends {
			return nil
		}
		if held == nil {
			held = <-free
		}
		held.Frontend.Send(msg)
		switch msg.(type) {
		case *pgproto3.Sync, *pgproto3.Query:
			idle, err := relay(held.Frontend, client)
			if err != nil {
				return err
			}
			if idle {
				free <- held
				held = nil
			}
		}
	}
}

// relay passes on the answer and reports whether no transaction is open after it.
func relay(server *pgproto3.Frontend, client *pgproto3.Backend) (idle bool, err error) {
	if err := server.Flush(); err != nil {
		return false, err
	}
	for {
		msg, err := server.Receive()
		if err != nil {
			return false, err
		}
		client.Send(msg)
		if ready, ok := msg.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus == 'I', client.Flush()
		}
	}
}

// greet answers a new client, and refuses settings like PgBouncer.
func (p *pooler) greet(client *pgproto3.Backend) (chan *pgconn.HijackedConn, error) {
	msg, err := client.ReceiveStartupMessage()
	if err != nil {
		return nil, err
	}
	hello, ok := msg.(*pgproto3.StartupMessage)
	if !ok {
		return nil, errors.New("not a startup message")
	}
	for name := range hello.Parameters {
		if name != "user" && name != "database" && name != "application_name" {
			client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: " + name})
			return nil, client.Flush()
		}
	}
	client.Send(&pgproto3.AuthenticationOk{})
	client.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: "15.0"})
	client.Send(&pgproto3.BackendKeyData{ProcessID: 4_000_000_000, SecretKey: []byte("none")})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return p.connections(hello.Parameters["database"]), client.Flush()
}

func (p *pooler) connections(schema string) chan *pgconn.HijackedConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.servers[schema] == nil {
		p.servers[schema] = make(chan *pgconn.HijackedConn, poolerSize)
		for range poolerSize {
			p.servers[schema] <- p.dial(schema)
		}
	}
	return p.servers[schema]
}

func (p *pooler) dial(schema string) *pgconn.HijackedConn {
	cfg, err := pgconn.ParseConfig(p.server)
	if err != nil {
		panic(err) // other tests have used it
	}
	cfg.RuntimeParams["search_path"], cfg.RuntimeParams["synchronous_commit"] = schema, "off"
	pc, err := pgconn.ConnectConfig(context.Background(), cfg)
	if err != nil {
		panic(err)
	}
	hc, err := pc.Hijack()
	if err != nil {
		panic(err)
	}
	return hc
}

// A pooler in transaction mode is noticed, and then nothing depends on which
// connection of the server runs a transaction.
func TestChaosBehindAPooler(t *testing.T) {
	p := newPooler(t)
	scenarios.Chaos(t, scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend {
		return openStore(t, p.dsn(t, newStore(t)), withClock(time.Now), WithoutNotifications())
	}})
}

// Behind a pooler a store tells others what has changed, and looks for what they have
// changed.
func TestWakeBehindAPooler(t *testing.T) {
	direct := newSchema(t)
	p := newPooler(t)
	b, pooled := openStore(t, direct), openStore(t, p.dsn(t, direct))
	defer closeStore(t, b)
	defer closeStore(t, pooled)
	create(t, b, "held", "ends")
	claim(t, b, "me")
	topics := []backend.Topic{{Kind: backend.TopicHolder, Name: "me"}, {Kind: backend.TopicFinished, Name: "ends"}}
	sub := b.Subscribe(topics...)
	defer sub.Close()
	listening(t, direct, b)
	news(t, pooled)
	if took := await(t, sub, topics...); took > 300*time.Millisecond {
		t.Errorf("from the pooler, it took %v", took)
	}

	create(t, b, "ends", "ours")
	for range 2 {
		claim(t, pooled, "other")
	}
	topics[0].Name = "other"
	there := pooled.Subscribe(topics...)
	defer there.Close()
	if err := b.Deliver(t.Context(), []backend.Delivery{{ID: engine.NewID(), To: backend.Address{InstanceID: "ours"}, Event: []byte("[9]")}})[0]; err != nil {
		t.Fatal(err)
	}
	if err := b.Terminate(t.Context(), []backend.Termination{{To: backend.Address{InstanceID: "ends"}, Event: []byte("[8]")}})[0]; err != nil {
		t.Fatal(err)
	}
	if took := await(t, there, topics...); took > 1200*time.Millisecond {
		t.Errorf("to the pooler, it took %v", took)
	}
}

// What can't be promised behind a pooler is refused.
func TestPoolerRefusals(t *testing.T) {
	direct := newSchema(t)
	closeStore(t, openStore(t, direct))
	p := newPooler(t)
	dsn := p.dsn(t, direct)
	for what, opt := range map[string]Option{"ReadOnly": ReadOnly(), "WithSchema": WithSchema("another")} {
		if _, err := Open(t.Context(), dsn, opt); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Open(t.Context(), with(t, dsn, "search_path", "x")); err == nil || !strings.Contains(err.Error(), "a pooler refuses a setting") {
		t.Errorf("a setting: %v", err)
	}
}
