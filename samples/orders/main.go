// Command orders is an order service on a SQLite file, in three processes: one
// that works, one that places orders, one that checks that nothing was lost.
//
//	orders worker &
//	orders load -n 600
//	orders check
//
// Histories of its instances are replayed with it by wfops replay --with orders.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/samples/orders/orders"
	"github.com/wfops/wfops/worker"
)

var (
	flags    = flag.NewFlagSet("orders", flag.ExitOnError)
	store    = flags.String("store", "orders.sqlite", "`file` of the store")
	journal  = flags.String("journal", "orders.journal", "`file` in which activities note what they do")
	lease    = flags.Duration("lease", 5*time.Second, "worker: how long after a crash another worker takes over")
	work     = flags.Duration("work", 10*time.Millisecond, "worker: how long an activity takes")
	first    = flags.Int("first", 1, "load: the number of the first order")
	count    = flags.Int("n", 600, "load: how many orders to place")
	every    = flags.Duration("every", 10*time.Millisecond, "load: time between two orders")
	payAfter = flags.Duration("pay-after", time.Second, "load: how long a customer takes to pay")
	inFlight = flags.Bool("in-flight", false, "check: only print how many instances are in flight")
	reruns   = flags.Bool("reruns", false, "check: fail if no activity was run again because of a lost worker")
)

func main() {
	replay.Serve(functions(&orders.Activities{}), replay.WithSettings(shared()))
	commands := map[string]func(context.Context, backend.Backend, *client.Client) error{"worker": runWorker, "load": load, "check": check}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		log.Fatalln("usage: orders worker|load|check [flags]")
	}
	_ = flags.Parse(os.Args[2:]) // it exits on an error
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, commands[os.Args[1]])
	stop()
	if err != nil {
		log.Fatalln("orders:", err)
	}
}

func run(ctx context.Context, command func(context.Context, backend.Backend, *client.Client) error) error {
	b, err := sqlite.Open(ctx, *store)
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // every write is durable when it returns
	return command(ctx, b, client.New(b, client.WithSettings(shared())))
}

// shared is what worker and client agree on.
func shared() settings.Settings { return settings.Settings{Errors: orders.Sentinels()} }

// functions are those that workers run.
func functions(a *orders.Activities) *registry.Registry {
	r := registry.New()
	if err := orders.Register(r, a); err != nil {
		panic(err) // two functions have one name
	}
	return r
}

func runWorker(ctx context.Context, b backend.Backend, _ *client.Client) error {
	j, err := orders.OpenJournal(*journal)
	if err != nil {
		return err
	}
	defer j.Close() //nolint:errcheck // every line is written when note returns
	r := functions(&orders.Activities{Journal: j, Work: *work})
	w := worker.New(b, &worker.Options{Registry: r, Settings: shared(), LeaseDuration: *lease})
	if err := w.Start(ctx); err != nil {
		return err
	}
	return w.WaitForCompletion()
}

func load(ctx context.Context, _ backend.Backend, c *client.Client) error {
	feed, err := orders.OpenFeed(ctx, c)
	if err != nil {
		return err
	}
	if _, err := (orders.Load{First: *first, Orders: *count, Every: *every, PayAfter: *payAfter}).Run(ctx, c); err != nil {
		return err
	}
	totals, err := orders.CloseFeed(ctx, feed)
	if err != nil {
		return err
	}
	fmt.Println(totals)
	if totals.Orders != *count {
		return fmt.Errorf("%d orders were placed, the feed heard of %d", *count, totals.Orders)
	}
	return nil
}

func check(ctx context.Context, _ backend.Backend, c *client.Client) error {
	if *inFlight {
		n, err := orders.InFlight(ctx, c)
		fmt.Println(n)
		return err
	}
	f, err := orders.Check(ctx, c, *journal)
	if err != nil {
		return err
	}
	if err := f.Print(os.Stdout); err != nil {
		return err
	}
	if *reruns && f.Rerun == 0 {
		return fmt.Errorf("no activity was run again: the worker was not killed in mid-flight")
	}
	return f.Err()
}
