package postgres

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// crashing is a private server, which a test may kill.
type crashing struct {
	t    *testing.T
	dir  string
	addr string
	args []string
	cmd  *exec.Cmd
}

// program finds a program of the server, also where PATH does not look.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	paths, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(paths) == 0 {
		return ""
	}
	return paths[len(paths)-1]
}

// newServer makes an empty server, which is not running.
func newServer(t *testing.T) *crashing {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server of its own")
	}
	if program("initdb") == "" {
		t.Skip("there is no server program to start and kill")
	}
	// Not t.TempDir, which other users can't enter: the server refuses to run as root.
	dir, err := os.MkdirTemp("", "wfops-test-*") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	s := &crashing{t: t, dir: dir, addr: freePort(t)}
	t.Cleanup(func() {
		s.stop()
		_ = os.RemoveAll(dir)
	})
	s.own(dir)
	if out, err := s.command(t.Context(), "initdb", "-D", dir+"/data", "-U", "wfops", "--auth=trust", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	return s
}

// nobody is who owns nothing.
const nobody = 65534

// own gives files to the user that the server runs as.
func (s *crashing) own(paths ...string) {
	s.t.Helper()
	for _, path := range paths {
		if os.Getuid() != 0 {
			return
		}
		if err := os.Chown(path, nobody, nobody); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *crashing) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program(name), args...)
	cmd.Dir = s.dir
	if os.Getuid() == 0 {
		runAs(cmd, nobody)
	}
	return cmd
}

// Start implements outage.Server. It starts the server and waits until it answers.
func (s *crashing) Start() {
	s.t.Helper()
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = s.command(context.Background(), "postgres", "-D", s.dir+"/data", "-h", host, "-p", port, "-k", "", "-c", "shared_buffers=32MB",
		"-c", "dynamic_shared_memory_type=mmap")
	s.cmd.Args = append(s.cmd.Args, s.args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; pause(50 * time.Millisecond) {
		pc, err := pgconn.Connect(s.t.Context(), s.Address())
		if err == nil {
			_ = pc.Close(s.t.Context())
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not answer: %v", err)
		}
	}
}

func pause(d time.Duration) { <-time.After(d) }

// Kill implements outage.Server. It ends the server like a crash: its other processes notice, and the next start
// waits for them.
func (s *crashing) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
		_ = os.Remove(s.dir + "/data/postmaster.pid")
	}
}

// stop ends the server so that it removes what it has in shared memory.
func (s *crashing) stop() {
	if s.cmd == nil {
		return
	}
	if out, err := s.command(context.Background(), "pg_ctl", "-D", s.dir+"/data", "-m", "immediate", "stop").CombinedOutput(); err != nil {
		s.t.Errorf("stopping the server: %v\n%s", err, out)
		_ = s.cmd.Process.Kill()
	}
	_ = s.cmd.Wait()
}

func (s *crashing) Address() string {
	return "postgres://wfops@" + s.addr + "/postgres?sslmode=disable"
}
