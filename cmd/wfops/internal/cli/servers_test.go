package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/filter/filtertest"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/cmd/wfops/internal/servertest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// onServers runs a test on an empty store of each kind of server.
func onServers(t *testing.T, test func(t *testing.T, dsn string, b backend.Backend)) {
	t.Helper()
	for _, kind := range servertest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			dsn := servertest.DSN(t, kind)
			b, err := backends.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = b.Close() })
			test(t, dsn, b)
		})
	}
}

// Servers have clocks of their own: what is seeded there is as old as the test.
func TestFiltersOnServers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	onServers(t, func(t *testing.T, _ string, b backend.Backend) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var rows []opstest.Row
		for _, s := range filtertest.Crowd(rng, 60, now) {
			rows = append(rows, opstest.Row{Summary: s})
		}
		opstest.Seed(t, b, opstest.NewClock(now), rows)
		s := ops.New(b, ops.Options{})
		all, _ := everything(t, s, ops.ListRequest{Sort: ops.SortCreated})
		if len(all) < len(rows) {
			t.Fatalf("%d instances, want at least %d", len(all), len(rows))
		}
		for range 80 {
			c := filtertest.Random(rng)
			f, err := filter.Parse(c.Text)
			if err != nil {
				t.Fatal(err)
			}
			got, at := everything(t, s, ops.ListRequest{Filter: f, Limit: 1 + rng.IntN(30)})
			var want []string
			for i := range all {
				if c.Match(&all[i], at.Now) {
					want = append(want, all[i].Instance.String())
				}
			}
			var ids []string
			for i := range got {
				ids = append(ids, got[i].Instance.String())
			}
			slices.Sort(ids)
			if slices.Sort(want); !slices.Equal(ids, want) {
				t.Fatalf("%q\ngot  %v\nwant %v", c.Text, ids, want)
			}
		}
	})
}

func everything(t *testing.T, s *ops.Store, r ops.ListRequest) (all []backend.Summary, last ops.ListPage) {
	t.Helper()
	for {
		page, err := s.List(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if r.Cursor = page.Next; r.Cursor == "" {
			return all, page
		}
	}
}

// The whole way on each server: what is read, that nothing can be changed by who has
// not asked to write, and that it can be by who has.
func TestCommandsOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string, b backend.Backend) {
		opstest.Seed(t, b, opstest.NewClock(now), rows(t))
		run := func(args ...string) result {
			var out, stderr bytes.Buffer
			exit := cli.Run(t.Context(), &cli.Env{
				Args: append([]string{dsn}, args...), In: strings.NewReader(""), Out: &out, Err: &stderr, Getenv: func(string) string { return "" }, By: "ana@host-9",
				Open: func(ctx context.Context, target connect.Target) (backend.Backend, error) { return target.Open(ctx) },
			})
			return result{out.String(), stderr.String(), exit}
		}
		before := run("list", "-o", "jsonl", "--sort", "created")
		if lines := strings.Split(strings.TrimSpace(before.out), "\n"); before.exit != 0 || len(lines) != len(rows(t)) {
			t.Fatalf("%+v", before)
		}
		for _, line := range []string{"list", "list --filter order", "get order-8841 -o json", "history order-8841 -o json", "pending order-8841", "tree import-311", "queues -o json", "workers -o json", "doctor -o json", "list --filter type:Order* -o json"} {
			r := run(split(line)...)
			if r.exit != 0 || r.err != "" || strings.Contains(line, "json") && !json.Valid([]byte(r.out)) {
				t.Errorf("%s: %+v", line, r)
			}
		}
		for _, line := range changes() {
			if r := run(split(line)...); r.exit != int(cli.ExitRefused) || r.out != "" || !strings.Contains(r.err, "--write") {
				t.Errorf("%s: %+v", line, r)
			}
		}
		if after := run("list", "-o", "jsonl", "--sort", "created"); after.out != before.out {
			t.Errorf("something has changed:\n%s\n%s", before.out, after.out)
		}
		for _, line := range []string{"signal go kyc-5520 --reason r --write", "terminate kyc-5520 --reason r --yes --write"} {
			if r := run(split(line)...); r.exit != 0 {
				t.Errorf("%s: %+v", line, r)
			}
		}
		if s, err := b.Get(t.Context(), engine.Instance{InstanceID: "kyc-5520"}); err != nil || s.Status != engine.StatusTerminated || s.LastError != "r (ana@host-9)" {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
