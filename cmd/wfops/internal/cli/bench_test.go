package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// BenchmarkGate replays all instances of a store in the code of a program, as before a
// deploy: 10,000 instances of 50 events that are fine, or all of which are not.
func BenchmarkGate(b *testing.B) {
	const instances = 10_000
	worker, err := buildFleet()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		workflow string
		instances,
		exit int
	}{
		{"Fine", instances, 0},
		{"Renamed", instances, 1},
		{"Swapped", instances, 1},
		{"Child", instances, 1},        // each with a child of its own name
		{"Random", instances, 1},       // some differ, by chance
		{"Gone", instances, 6},         // there is no code
		{"Exits", instances / 10, 6},   // each takes a process with it
		{"Sleeps", instances / 100, 6}, // each takes as long as a step may
	} {
		b.Run(c.workflow, func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "fleet.db")
			seedLong(b, file, c.workflow, c.instances)
			for b.Loop() {
				var out, stderr bytes.Buffer
				env := cli.Env{
					Args: []string{file, "replay", "--filter", "is:open", "--with", worker}, Out: &out, Err: &stderr, Getenv: func(string) string { return "" },
					Open: func(ctx context.Context, t connect.Target) (backend.Backend, error) { return t.Open(ctx) },
				}
				if exit := cli.Run(b.Context(), &env); exit != c.exit || strings.Count(out.String(), "\n") != c.instances {
					b.Fatalf("exit %d, %d lines\n%.500s\n%.2000s", exit, strings.Count(out.String(), "\n"), out.String(), stderr.String())
				}
			}
			b.ReportMetric(float64(c.instances)*float64(b.N)/b.Elapsed().Seconds(), "instances/s")
		})
	}
}

// longEvents is the first step of an instance that runs 16 activities, the fourth of
// them as a child if it has one.
func longEvents(id, workflow string) []history.Event {
	at := now.Add(-time.Hour)
	events := []history.Event{{At: at, Body: history.TaskStarted{Worker: "w-7f", Build: "9c1e"}}, {At: at, Body: history.WorkflowStarted{Workflow: workflow, Queue: "default"}}}
	for n := range 16 {
		ref := int64(n + 1)
		site := history.Site{Function: "main.long", File: "main.go", Line: 60}
		var asks history.Body = history.ActivityScheduled{Name: fmt.Sprintf("Part%d", n), Args: []engine.Payload{engine.Payload("7")}, Site: site}
		var answer history.Body = history.ActivityCompleted{Result: engine.Payload(`"done"`), Run: history.Run{Attempt: 1, Worker: "w-7f", Started: at}}
		if workflow == "Child" && n == 4 {
			asks = history.ChildScheduled{Workflow: "Parcel", Instance: engine.Instance{InstanceID: "parcel-" + id}, Site: site}
			answer = history.ChildCompleted{Result: engine.Payload(`"done"`)}
		}
		events = append(events, history.Event{At: at, Ref: ref, Body: asks}, history.Event{At: at, Body: history.TaskStarted{Worker: "w-7f", Build: "9c1e"}},
			history.Event{At: at, Ref: ref, Body: answer})
	}
	return events
}

// seedLong makes instances that are under way.
func seedLong(b *testing.B, file, workflow string, n int) {
	b.Helper()
	store, err := backends.Open(b.Context(), "sqlite:"+file)
	if err != nil {
		b.Fatal(err)
	}
	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	encoded := func(events ...history.Event) history.Encoded {
		e, err := history.Encode(events...)
		fail(err)
		return e
	}
	const batch = 500
	for from := 0; from < n; from += batch {
		var cs []backend.Creation
		for i := from; i < min(from+batch, n); i++ {
			inst := engine.Instance{InstanceID: fmt.Sprintf("order-%05d", i), ExecutionID: engine.NewID()}
			cs = append(cs, backend.Creation{
				Instance: inst, FirstExecution: inst.ExecutionID, Workflow: workflow, Queue: "default", Started: encoded(history.Event{At: now, Body: history.WorkflowStarted{Workflow: workflow, Queue: "default"}}),
			})
		}
		for _, r := range store.Create(b.Context(), cs) {
			fail(r.Err)
		}
		claimed, err := store.ClaimWorkflows(b.Context(), backend.WorkflowClaim{
			Worker: "w-1", Queues: []engine.Queue{"default"}, Workflows: []string{workflow}, Max: batch, Lease: time.Hour,
		})
		fail(err)
		if len(claimed.Tasks) != len(cs) {
			b.Fatalf("%d of %d were claimed", len(claimed.Tasks), len(cs))
		}
		var commits []backend.WorkflowCommit
		for _, t := range claimed.Tasks {
			events := longEvents(t.Instance.InstanceID, workflow)
			commits = append(commits, backend.WorkflowCommit{
				Instance: t.Instance, Token: t.Token, ExpectSeq: t.LastSeq, StepID: engine.NewID(), Events: encoded(events...), Count: len(events),
				Consume: []int64{t.Inbox[0].ID}, Status: engine.StatusRunning,
			})
		}
		for _, c := range store.CommitWorkflows(b.Context(), commits) {
			fail(c.Err)
		}
	}
	fail(errors.Join(store.Close()))
}
