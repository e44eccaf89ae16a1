package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// lists are first pages that a console asks for. See pregenerate for what matches.
var lists = []struct {
	name  string
	query backend.Query
}{
	{"newest", backend.Query{}},
	{"oldest", backend.Query{Ascending: true}},
	{"updated", backend.Query{Order: backend.OrderUpdated}},
	{"attempt", backend.Query{Order: backend.OrderAttempt}},
	{"status", backend.Query{Statuses: []engine.Status{engine.StatusFailed}}},
	{"status_updated", backend.Query{Statuses: []engine.Status{engine.StatusFailed}, Order: backend.OrderUpdated}},
	{"open", backend.Query{Statuses: []engine.Status{engine.StatusRunning, engine.StatusBlocked}}},
	{"workflow", backend.Query{Workflows: []string{workflowName(7)}}},
	{"pattern", backend.Query{Workflows: []string{"*7"}}},
	{"id", backend.Query{InstanceID: pregeneratedID(77)}},
	{"prefix", backend.Query{IDPrefix: pregeneratedID(77)[:len(pregeneratedID(77))-2]}},
	{"tag", backend.Query{Tags: map[string]string{"customer": customer(77)}}},
	{"tag_updated", backend.Query{Tags: map[string]string{"customer": customer(77)}, Order: backend.OrderUpdated}},
	{"error", backend.Query{ErrorContains: "CARD", Statuses: []engine.Status{engine.StatusFailed}}},
}

func listFigures() []string {
	names := []string{"worst_p95_ms"}
	for _, l := range lists {
		names = append(names, l.name+"_p95_ms")
	}
	return names
}

// How often a list is asked for: lists times, unless that takes too long.
const (
	listTimes = 40
	listFor   = 4 * time.Second
)

// list measures lists of many finished instances.
func list(ctx context.Context, b *bench) error {
	start := time.Now()
	if err := pregenerate(ctx, b.counter, b.instances); err != nil {
		return err
	}
	b.figures["pregenerated_per_second"] = float64(b.instances) / time.Since(start).Seconds()
	return b.timed(func() error {
		worst := time.Duration(0)
		for _, l := range lists {
			p95, err := b.list(ctx, l.query)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			b.figures[l.name+"_p95_ms"] = ms(p95)
			worst = max(worst, p95)
		}
		b.figures["worst_p95_ms"] = ms(worst)
		return nil
	})
}

func (b *bench) list(ctx context.Context, q backend.Query) (p95 time.Duration, err error) {
	var times []time.Duration
	for began := time.Now(); len(times) < listTimes && time.Since(began) < listFor; {
		start := time.Now()
		if _, err := b.client.List(ctx, q); err != nil {
			return 0, err
		}
		took := time.Since(start)
		b.took(took)
		times = append(times, took)
	}
	slices.Sort(times)
	return quantile(times, 0.95), nil
}
