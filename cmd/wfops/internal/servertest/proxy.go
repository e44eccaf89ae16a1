package servertest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy stands before a server, and takes it away.
type Proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

// Before returns a proxy before the server of a DSN, and the DSN by which the server
// is reached through it. It ends with the test.
func Before(t *testing.T, dsn string) (p *Proxy, through string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p = &Proxy{listener: l, server: u.Host, conns: map[net.Conn]bool{}}
	u.Host = l.Addr().String()
	p.all.Go(p.accept)
	t.Cleanup(func() {
		p.Cut()
		_ = l.Close()
		p.all.Wait()
	})
	return p, u.String()
}

// Cut ends all connections, and every new one at once.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.conns {
		_ = c.Close()
	}
}

// Restore lets connections through again.
func (p *Proxy) Restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server) //nolint:noctx // of this machine
		if err != nil {
			_ = client.Close()
			continue
		}
		if p.add(client, server) {
			p.all.Go(func() { p.copy(client, server) })
			p.all.Go(func() { p.copy(server, client) })
		}
	}
}

func (p *Proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
		if p.cut {
			_ = c.Close()
		}
	}
	return !p.cut
}

// copy ends both when one of them ends.
func (p *Proxy) copy(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_, _ = to.Close(), from.Close()
}
