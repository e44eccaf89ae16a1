package private

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// MySQL makes an empty MariaDB or MySQL, which is not running. User root without a
// password may do everything by its socket, see Socket; the user of Address owns a
// database.
func MySQL(t *testing.T, args ...string) *Server {
	t.Helper()
	s := newServer(t, "mariadbd", "mysqld")
	data, first := filepath.Join(s.Dir, "data"), filepath.Join(s.Dir, "first.sql")
	if path := Program("mariadb-install-db", "mysql_install_db"); path != "" {
		s.initialize(path, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	} else {
		s.initialize(s.program, "--no-defaults", "--datadir="+data, "--initialize-insecure")
	}
	s.write(first, `CREATE DATABASE IF NOT EXISTS wfops;
CREATE USER IF NOT EXISTS wfops@'127.0.0.1';
CREATE USER IF NOT EXISTS wfops@localhost;
GRANT ALL ON wfops.* TO wfops@'127.0.0.1';
GRANT ALL ON wfops.* TO wfops@localhost;
`)
	s.Args = append([]string{
		"--no-defaults", "--datadir=" + data, "--socket=" + s.Socket(), "--pid-file=" + filepath.Join(s.Dir, "pid"), "--init-file=" + first,
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.Port), "--skip-log-bin", "--innodb-buffer-pool-size=64M", "--loose-mysqlx=OFF",
	}, args...)
	s.scheme, s.store = "mysql://wfops@", "/wfops"
	s.ready = func(s *Server) bool { return s.says("") != "" } // it greets when the file was run
	return s
}

// Socket is where a MySQL listens for root.
func (s *Server) Socket() string { return filepath.Join(s.Dir, "socket") }

// Postgres makes an empty PostgreSQL, which is not running. The user of Address owns
// everything.
func Postgres(t *testing.T, args ...string) *Server {
	t.Helper()
	s := newServer(t, "postgres")
	data := s.Data()
	s.initialize(Program("initdb"), "-D", data, "-U", "wfops", "--auth=trust", "-E", "UTF8", "--locale=C")
	s.Args = append([]string{
		"-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port), "-k", "", "-c", "shared_buffers=32MB", "-c", "dynamic_shared_memory_type=mmap",
	}, args...)
	s.scheme, s.store = "postgres://wfops@", "/postgres?sslmode=disable"
	s.stop = syscall.SIGQUIT // or its shared memory would be left
	state := filepath.Join(data, "postmaster.pid")
	s.ready = func(s *Server) bool {
		text, err := os.ReadFile(state) //nolint:gosec // its own
		lines := strings.Split(string(text), "\n")
		// What a crash has left names another process.
		return err == nil && len(lines) > 7 && lines[0] == strconv.Itoa(s.process.Pid) && strings.TrimSpace(lines[7]) == "ready"
	}
	return s
}

// Data is the folder with the data and the rules of a PostgreSQL.
func (s *Server) Data() string { return filepath.Join(s.Dir, "data") }

// Redis makes an empty Redis or Valkey, which is not running. It syncs each write before
// it answers.
func Redis(t *testing.T, args ...string) *Server {
	t.Helper()
	s := newServer(t, "redis-server", "valkey-server")
	s.Args = append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(s.Port), "--dir", s.Dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0",
	}, args...)
	s.scheme, s.store = "redis://", "/0"
	s.ready = func(s *Server) bool {
		answer := s.says("PING\r\n")
		return answer != "" && !strings.HasPrefix(answer, "-LOADING")
	}
	return s
}

// says returns the beginning of what it answers to whoever connects and sends this, or
// "".
func (s *Server) says(question string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), time.Second)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return ""
	}
	defer func() { _ = c.Close() }()
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline)
	if _, err := c.Write([]byte(question)); err != nil {
		return ""
	}
	answer := make([]byte, 64)
	n, _ := c.Read(answer)
	return string(answer[:n])
}

// write makes a file that the server can read.
func (s *Server) write(path, text string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.Own(path)
}
