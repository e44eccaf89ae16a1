// Package private starts servers that a test has for itself, and may kill: what was
// acknowledged has to be there when they are started again. Only tests import it.
//
// Servers are programs of this machine. Where there is none the test is skipped.
package private

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a server on a port of 127.0.0.1 that nobody else knows. It is not safe for
// concurrent use. It ends with the test, and its data are gone then.
type Server struct {
	// Dir has its data and its log, and Port is where it listens.
	Dir  string
	Port int
	// Args are what its program is called with at the next start.
	Args []string

	t       *testing.T
	program string
	// scheme and store are what a connection string has before and behind the address.
	scheme, store string
	// ready reports whether it answers.
	ready func(*Server) bool
	// stop ends it so that nothing of it is left on this machine.
	stop os.Signal

	process *os.Process
	ended   chan struct{} // closed when the process has ended; nil if none was started
}

// newServer makes one that has no data yet. Its folder can be entered by the user that
// it runs as.
func newServer(t *testing.T, programs ...string) *Server {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server of its own")
	}
	path := Program(programs...)
	if path == "" {
		t.Skipf("there is no %s to start and kill", strings.Join(programs, " or "))
	}
	dir, err := os.MkdirTemp("", "wfops-test-*") //nolint:usetesting // others can't enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: dir, Port: freePort(t), t: t, program: path, stop: syscall.SIGKILL}
	s.Own(dir)
	t.Cleanup(func() {
		s.end(s.stop)
		s.showLog()
		_ = os.RemoveAll(dir)
	})
	return s
}

// Program finds the first of these programs, also where PATH does not look, or
// returns "".
func Program(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		for _, pattern := range []string{"/usr/sbin/", "/usr/lib/postgresql/*/bin/"} {
			if paths, err := filepath.Glob(pattern + name); err == nil && len(paths) > 0 {
				return paths[len(paths)-1]
			}
		}
	}
	return ""
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens on TCP
}

// nobody is who owns nothing.
const nobody = 65534

// Own gives files to the user that the server runs as, which is not root.
func (s *Server) Own(paths ...string) {
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

// command prepares a program that runs as the server does.
func (s *Server) command(path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), path, args...) //nolint:gosec // of this machine
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "TMPDIR="+s.Dir) // MariaDB removes others' temporary tables
	if os.Getuid() == 0 {
		runAs(cmd, nobody)
	}
	return cmd
}

// initialize runs the program that makes the data.
func (s *Server) initialize(path string, args ...string) {
	s.t.Helper()
	if out, err := s.command(path, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", path, err, out)
	}
}

// Addr is its host and port.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.Port) }

// Address is the connection string of an empty store on it.
func (s *Server) Address() string { return s.scheme + s.Addr() + s.store }

// startTime is how long it may take until a server answers, which first recovers what
// it had not written to its place.
const startTime = 30 * time.Second

// Start starts it on the data that it had, and returns when it answers. It does nothing
// if the server runs.
func (s *Server) Start() {
	s.t.Helper()
	if s.ended != nil {
		return
	}
	s.launch()
	for deadline := time.Now().Add(startTime); !s.ready(s); {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not answer", s.program)
		}
		select {
		case <-s.ended: // processes of before the crash had not ended yet
			s.launch()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) launch() {
	s.t.Helper()
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd, ended := s.command(s.program, s.Args...), make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	s.process, s.ended = cmd.Process, ended
}

// Kill ends it like a crash. It does nothing if the server does not run.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// end returns when the process has ended.
func (s *Server) end(how os.Signal) {
	if s.ended != nil {
		_ = s.process.Signal(how) // it may have ended by itself
		<-s.ended
		s.ended = nil
	}
}

func (s *Server) log() string { return filepath.Join(s.Dir, "log") }

func (s *Server) showLog() {
	if s.t.Failed() {
		text, _ := os.ReadFile(s.log())
		s.t.Logf("end of the log of %s:\n%s", s.program, text[max(0, len(text)-2000):])
	}
}
