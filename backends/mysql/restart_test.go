package mysql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	my "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// server is a private MariaDB or MySQL, which a test may kill.
type server struct {
	t    *testing.T
	dir  string
	port int
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
func newServer(t *testing.T) *server {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server of its own")
	}
	daemon := program("mariadbd", "mysqld")
	if daemon == "" {
		t.Skip("there is no server program to start and kill")
	}
	s := &server{t: t, dir: t.TempDir(), port: freePort(t)}
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
	t.Cleanup(s.kill)
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

// run starts the server and waits until it answers.
func (s *server) run() {
	s.t.Helper()
	me, err := user.Current()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(program("mariadbd", "mysqld"), "--no-defaults", "--user="+me.Username, "--datadir="+s.dir, //nolint:noctx // killed by the test
		"--socket="+s.dir+"/socket", "--bind-address=127.0.0.1", fmt.Sprint("--port=", s.port), "--skip-log-bin", "--innodb-buffer-pool-size=64M")
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

// kill ends the server like a crash.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *server) dsn() string { return fmt.Sprintf("mysql://wfops@127.0.0.1:%d/wfops", s.port) }

// ran counts the attempts of activities.
var ran sync.Map // name → *atomic.Int64

func chain(ctx workflow.Context, name string, steps int) (int, error) {
	sum := 0
	for n := range steps {
		one, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, count, fmt.Sprint(name, ".", n), n).Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

func count(_ context.Context, name string, n int) (int, error) {
	counter, _ := ran.LoadOrStore(name, new(atomic.Int64))
	counter.(*atomic.Int64).Add(1) //nolint:forcetypeassert // stored above
	return n, nil
}

// The server is killed again and again while workflows run. A client whose call has
// an unknown outcome makes it again; workers are told nothing. In the end each
// workflow has its result, and no activity whose result was stored ran again after
// it.
func TestServerIsKilledUnderLoad(t *testing.T) {
	s := newServer(t)
	s.run()
	b, err := Open(t.Context(), s.dsn())
	if err != nil {
		t.Fatal(err)
	}
	r := registry.New()
	quiet := settings.Settings{Logger: slog.New(slog.DiscardHandler)}
	if err := errors.Join(r.RegisterWorkflow(chain), r.RegisterActivity(count)); err != nil {
		t.Fatal(err)
	}
	w := worker.New(b, &worker.Options{Registry: r, LeaseDuration: 5 * time.Second, Settings: quiet})
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := client.New(b)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()

	const instances, steps, kills = 60, 20, 3
	var wg sync.WaitGroup
	var done atomic.Int64
	for n := range instances {
		wg.Go(func() {
			defer done.Add(1)
			name := fmt.Sprint("i", n)
			if got, err := finishAnyhow(ctx, c, name, steps); err != nil || got != steps*(steps-1)/2 {
				t.Errorf("%s: %d, %v", name, got, err)
			}
		})
	}
	for range kills {
		pause(300 * time.Millisecond)
		s.kill()
		pause(500 * time.Millisecond)
		s.run()
	}
	t.Logf("%d of %d instances were done at the last start of the server", done.Load(), instances)
	wg.Wait()
	if err := errors.Join(w.Stop(ctx), b.Close()); err != nil {
		t.Error(err)
	}
	again := 0
	ran.Range(func(_, counter any) bool {
		again += int(counter.(*atomic.Int64).Load()) - 1 //nolint:forcetypeassert // as stored
		return true
	})
	if most := instances * kills; again > most {
		t.Errorf("%d attempts too many; a kill costs an instance one at most, which would be %d", again, most)
	}
}

// finishAnyhow starts an instance and waits for its result, as long as it takes.
func finishAnyhow(ctx context.Context, c *client.Client, name string, steps int) (got int, err error) {
	i := &engine.Instance{InstanceID: name}
	for ctx.Err() == nil {
		o := client.WorkflowInstanceOptions{InstanceID: name, IDReuse: client.IDReuseReject}
		_, err = c.CreateWorkflowInstance(ctx, o, chain, name, steps)
		if err == nil || errors.Is(err, engine.ErrInstanceAlreadyExists) {
			got, err = client.GetWorkflowResult[int](ctx, c, i, time.Minute)
		}
		if err == nil {
			return got, nil
		}
		pause(50 * time.Millisecond)
	}
	return 0, errors.Join(ctx.Err(), err)
}
