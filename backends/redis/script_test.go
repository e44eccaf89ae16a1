package redis

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/samples/orders/orders"
	"github.com/wfops/wfops/worker"
)

func TestScriptsAreNamedByTheirText(t *testing.T) {
	for _, s := range []*script{writeScript, claimScript, claimActivityScript, pendingScript, listScript} {
		if len(s.sha) != 40 || !strings.Contains(s.text, "KEYS[1]") {
			t.Errorf("script %s: %.80s", s.sha, s.text)
		}
	}
}

// A server that has forgotten the scripts gets them again.
func TestForgottenScripts(t *testing.T) {
	for name, variable := range map[string]string{"server": serverVariable, "cluster": clusterVariable} {
		t.Run(name, func(t *testing.T) {
			addr := address(t, variable)
			b := openAt(t, addr, newPrefix(t, addr))
			defer closeStore(t, b)
			for round := range 3 {
				check(t, b.client.ScriptFlush(t.Context()).Err())
				i := create(t, b, fmt.Sprint("i", round))
				if _, err := b.Get(t.Context(), engine.Instance{InstanceID: i.InstanceID}); err != nil {
					t.Error(err)
				}
				if n := inboxLength(t, b, i); n != 1 {
					t.Errorf("%d events", n)
				}
			}
			if n := len(claim(t, b, 10)); n != 3 {
				t.Errorf("%d claimed", n)
			}
		})
	}
}

// A server that has no scripts any more gets them again, also under load.
func TestScriptsAreForgottenUnderLoad(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b := openAt(t, addr, newPrefix(t, addr))
		defer closeStore(t, b)
		journal, log := filepath.Join(t.TempDir(), "journal"), &logbook{}
		w, c := orderService(t, b, journal, log)
		feed, err := orders.OpenFeed(t.Context(), c)
		check(t, err)
		stop := make(chan struct{})
		var flushing sync.WaitGroup
		flushing.Go(func() { flushScripts(t, b, stop) })
		_, err = orders.Load{First: 1, Orders: 60, Every: 5 * time.Millisecond, PayAfter: 50 * time.Millisecond}.Run(t.Context(), c)
		if err != nil {
			t.Error(err)
		}
		close(stop)
		flushing.Wait()
		_, err = orders.CloseFeed(t.Context(), feed)
		check(t, err)
		check(t, w.Stop(t.Context()))
		found, err := orders.Check(t.Context(), c, journal)
		check(t, errors.Join(err, found.Err()))
		if text := log.String(); strings.Contains(text, "level=WARN") || strings.Contains(text, "level=ERROR") {
			t.Errorf("the worker said:\n%s", text)
		}
	})
}

func flushScripts(t *testing.T, b *Backend, stop <-chan struct{}) {
	t.Helper()
	for {
		select {
		case <-stop:
			return
		case <-time.After(3 * time.Millisecond):
			if err := b.client.ScriptFlush(t.Context()).Err(); err != nil {
				t.Error(err)
			}
		}
	}
}

// orderService starts a worker that notes in a journal what it does, and a client.
func orderService(t *testing.T, b *Backend, journal string, log *logbook) (*worker.Worker, *client.Client) {
	t.Helper()
	j, err := orders.OpenJournal(journal)
	check(t, err)
	t.Cleanup(func() { _ = j.Close() })
	r := registry.New()
	check(t, orders.Register(r, &orders.Activities{Journal: j, Work: 30 * time.Millisecond}))
	s := settings.Settings{Errors: orders.Sentinels(), Logger: log.logger()}
	w := worker.New(b, &worker.Options{Registry: r, Settings: s, LeaseDuration: 2 * time.Second})
	check(t, w.Start(t.Context()))
	return w, client.New(b, client.WithSettings(s))
}
