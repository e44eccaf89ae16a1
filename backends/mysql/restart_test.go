package mysql

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"testing"
	"time"

	my "github.com/go-sql-driver/mysql"
)

// server is a private MariaDB or MySQL, which a test may kill.
type server struct {
	t    *testing.T
	dir  string
	port int
	args []string
	cmd  *exec.Cmd
}

// program finds a server program, also where PATH does not look.
func program(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		if path := "/usr/sbin/" + name; exists(path) {
			return path
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// newServer makes an empty server, which is not running.
func newServer(t *testing.T, args ...string) *server {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server of its own")
	}
	daemon := program("mariadbd", "mysqld")
	if daemon == "" {
		t.Skip("there is no server program to start and kill")
	}
	s := &server{t: t, dir: t.TempDir(), port: freePort(t), args: args}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), daemon, "--no-defaults", "--initialize-insecure", "--user="+me.Username, "--datadir="+s.dir)
	if p := program("mariadb-install-db", "mysql_install_db"); p != "" {
		install = exec.CommandContext(t.Context(), p, "--no-defaults", "--user="+me.Username, "--datadir="+s.dir,
			"--auth-root-authentication-method=normal", "--skip-test-db")
	}
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", install.Args, err, out)
	}
	t.Cleanup(s.Kill)
	return s
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

// Start implements outage.Server. It starts the server and waits until it answers.
func (s *server) Start() {
	s.t.Helper()
	me, err := user.Current()
	if err != nil {
		s.t.Fatal(err)
	}
	args := append([]string{
		"--no-defaults", "--user=" + me.Username, "--datadir=" + s.dir, "--socket=" + s.dir + "/socket",
		"--bind-address=127.0.0.1", fmt.Sprint("--port=", s.port), "--skip-log-bin", "--innodb-buffer-pool-size=64M",
	}, s.args...)
	s.cmd = exec.Command(program("mariadbd", "mysqld"), args...) //nolint:noctx // killed by the test
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := s.adminErr("CREATE DATABASE IF NOT EXISTS wfops", "CREATE USER IF NOT EXISTS wfops@'127.0.0.1'", "CREATE USER IF NOT EXISTS wfops@localhost",
			"GRANT ALL ON wfops.* TO wfops@'127.0.0.1'", "GRANT ALL ON wfops.* TO wfops@localhost")
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not answer: %v", err)
		}
		pause(50 * time.Millisecond)
	}
}

// adminErr runs statements as the server's administrator.
func (s *server) adminErr(statements ...string) error {
	cfg := my.NewConfig()
	cfg.User, cfg.Net, cfg.Addr = "root", "unix", s.dir+"/socket"
	cfg.Logger = &my.NopLogger{}
	return adminErr(cfg, statements...)
}

func (s *server) admin(statements ...string) {
	s.t.Helper()
	if err := s.adminErr(statements...); err != nil {
		s.t.Fatal(err)
	}
}

func pause(d time.Duration) { <-time.After(d) }

// Kill implements outage.Server. It ends the server like a crash.
func (s *server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *server) Address() string { return fmt.Sprintf("mysql://wfops@127.0.0.1:%d/wfops", s.port) }
