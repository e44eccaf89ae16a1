package cli_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
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

// A connection string is all that it takes: what can be read with it, and changed by who
// has asked to write.
func TestCommandsOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, dsn string, b backend.Backend) {
		scheme, _, _ := strings.Cut(dsn, ":")
		opstest.Shop(t, b, opstest.NewClock(now), now)
		run := func(line string) result {
			var out, stderr bytes.Buffer
			exit := typed(t.Context(), &out, &stderr, append([]string{dsn}, split(line)...)...)
			return result{out.String(), stderr.String(), exit}
		}
		if r := run("doctor --jq .store.kind"); r.exit != 0 || r.out != scheme+"\n" {
			t.Errorf("%+v", r)
		}
		if r := run("list -o jsonl --filter id:kyc*"); r.exit != 0 || strings.Count(r.out, "\n") != 2 {
			t.Errorf("%+v", r)
		}
		if r := run("terminate kyc-5520 --reason r --yes"); r.exit != int(cli.ExitRefused) || r.out != "" || !strings.Contains(r.err, "--write") {
			t.Errorf("%+v", r)
		}
		for _, line := range []string{"signal go kyc-5520 --reason r --write", "terminate kyc-5520 --reason r --yes --write"} {
			if r := run(line); r.exit != 0 {
				t.Errorf("%s: %+v", line, r)
			}
		}
		if s, err := b.Get(t.Context(), engine.Instance{InstanceID: "kyc-5520"}); err != nil || s.Status != engine.StatusTerminated || s.LastError != "r (ana@host-9)" {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
