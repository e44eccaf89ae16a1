package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// crashing is a private server, which a test may kill.
type crashing struct {
	t    *testing.T
	dir  string
	addr string
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
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := s.command(t.Context(), "initdb", "-D", dir+"/data", "-U", "wfops", "--auth=trust", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	return s
}

// nobody is who owns nothing.
const nobody = 65534

func (s *crashing) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program(name), args...)
	cmd.Dir = s.dir
	if os.Getuid() == 0 {
		runAs(cmd, nobody)
	}
	return cmd
}

// run starts the server and waits until it answers.
func (s *crashing) run() {
	s.t.Helper()
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = s.command(context.Background(), "postgres", "-D", s.dir+"/data", "-h", host, "-p", port, "-k", "", "-c", "shared_buffers=32MB",
		"-c", "dynamic_shared_memory_type=mmap")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; pause(50 * time.Millisecond) {
		pc, err := pgconn.Connect(s.t.Context(), s.dsn())
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

// kill ends the server like a crash: its other processes notice, and the next start
// waits for them.
func (s *crashing) kill() {
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

func (s *crashing) dsn() string { return "postgres://wfops@" + s.addr + "/postgres?sslmode=disable" }

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

	const instances, steps, kills = 150, 40, 3
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
