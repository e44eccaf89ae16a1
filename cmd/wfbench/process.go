package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/wfops/wfops/worker"
)

// workerCommand is the command by which this program starts itself as a worker.
const workerCommand = "worker"

// What a worker process says, each on a line of its own.
const (
	saysReady   = "ready"
	saysStaying = "staying" // as many activities run and stay as were asked for
)

// process is a worker in a process of its own.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
}

// startProcess starts a worker with the given flags, besides those for the store,
// and returns when it claims work.
func (b *bench) startProcess(ctx context.Context, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args = append([]string{workerCommand, "-backend", b.kind.name, "-dir", b.place.dir, "-durability", string(b.place.durability), "-lease", b.lease.String()}, args...)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), dsnVariable+"="+b.place.dsn)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}
	if err := p.await(saysReady); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// await waits until the process says so.
func (p *process) await(line string) error {
	for p.lines.Scan() {
		if p.lines.Text() == line {
			return nil
		}
	}
	return fmt.Errorf("the worker process ended before it was %s", line)
}

// stop has the worker stop, and waits until it has.
func (p *process) stop() error { return errors.Join(p.stdin.Close(), p.cmd.Wait()) }

// kill ends the process as a loss of power would, and waits until it has ended.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = p.cmd.Wait() // says that it was killed
	return nil
}

// runWorker is what a process of startProcess does, until its standard input is
// closed or who started it is gone.
func runWorker(ctx context.Context, args []string, in io.Reader, out, stderr io.Writer) error {
	flags := flag.NewFlagSet(workerCommand, flag.ContinueOnError)
	flags.SetOutput(stderr)
	d := full
	kind := flags.String("backend", "", "kind of the store")
	dir := flags.String("dir", "", "where the store is")
	flags.Var(&d, "durability", "of the store")
	lease := flags.Duration("lease", defaultLease, "of the worker")
	roles := flags.Int("roles", int(worker.WorkflowsAndActivities), "of the worker")
	slots := flags.Int("slots", 0, "activities that the worker runs at a time")
	stay := flags.Int("stay", 0, "have activities stay, and say when so many run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	kinds, err := choose("backend", *kind, storeKinds, func(s storeKind) string { return s.name })
	if err != nil {
		return err
	}
	store, err := kinds[0].open(ctx, place{dir: *dir, dsn: os.Getenv(dsnVariable), durability: d})
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every write is durable when it returns

	limit := worker.ActivityWorkerOptions{MaxParallelActivityTasks: *slots}
	a := &activities{}
	if *stay > 0 {
		a.staying = newQuorum(*stay)
	}
	w, err := startWorker(ctx, store, a, worker.Options{Roles: worker.Roles(*roles), LeaseDuration: *lease, ActivityWorkerOptions: limit})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, saysReady)
	orders := make(chan struct{})
	go func() {
		defer close(orders)
		_, _ = io.Copy(io.Discard, in) // however it ends, there is nobody left to work for
	}()
	serve(ctx, a, orders, out)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return w.Stop(ctx)
}

// serve returns when there are no more orders.
func serve(ctx context.Context, a *activities, orders <-chan struct{}, out io.Writer) {
	var staying chan struct{}
	if a.staying != nil {
		staying = a.staying.reached
	}
	for {
		select {
		case <-staying:
			fmt.Fprintln(out, saysStaying)
			staying = nil
		case <-orders:
			return
		case <-ctx.Done():
			return
		}
	}
}

func rolesFlag(r worker.Roles) string { return "-roles=" + strconv.Itoa(int(r)) }
