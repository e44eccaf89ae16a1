package view

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
)

// Queues is the table of queues.
func Queues(all []ops.Queue, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "queue", Title: "QUEUE", Min: 8, Max: 40},
		{Key: "kind", Title: "KIND"},
		{Key: "ready", Title: "READY", Right: true},
		{Key: "oldest", Title: "OLDEST", Right: true},
		{Key: "leased", Title: "LEASED", Right: true, Rank: 2},
		{Key: "delayed", Title: "DELAYED", Right: true, Rank: 3},
		{Key: "workers", Title: "WORKERS", Right: true, Rank: 1},
		{Key: "slots", Title: "SLOTS", Right: true, Rank: 4},
	}}
	for _, q := range all {
		workers := Cell{strconv.Itoa(q.Workers), Plain}
		if q.Workers == 0 && q.Ready > 0 {
			workers.Style = Attention
		}
		t.Rows = append(t.Rows, []Cell{
			{string(q.Queue), Plain}, {string(q.Kind), Muted}, count(q.Ready, Waiting), {o.age(q.OldestReady), Waiting},
			count(q.Leased, Running), count(q.Delayed, Muted), workers, {fmt.Sprintf("%d/%d", q.Used, q.Slots), Muted},
		})
	}
	return t
}

func count(n int64, style Style) Cell {
	if n == 0 {
		style = Muted
	}
	return Cell{strconv.FormatInt(n, 10), style}
}

// Workers is the table of workers.
func Workers(all []ops.Worker, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "worker", Title: "WORKER", Min: 8, Good: 20, Max: 40},
		{Key: "host", Title: "HOST", Min: 6, Max: 24, Rank: 4},
		{Key: "pid", Title: "PID", Right: true, Rank: 6},
		{Key: "build", Title: "BUILD", Max: 14, Rank: 2},
		{Key: "vcs", Title: "REVISION", Max: 14, Rank: 8, Wide: true},
		{Key: "state", Title: "STATE"},
		{Key: "queues", Title: "QUEUES", Min: 8, Max: 40, Rank: 3},
		{Key: "workflows", Title: "WF", Right: true, Rank: 5},
		{Key: "activities", Title: "ACT", Right: true, Rank: 5},
		{Key: "leases", Title: "LEASES", Right: true, Rank: 5},
		{Key: "warm", Title: "WARM", Right: true, Rank: 8, Wide: true},
		{Key: "seen", Title: "SEEN", Right: true, Rank: 1},
		{Key: "up", Title: "UP", Right: true, Rank: 7},
	}}
	for _, w := range all {
		queues := make([]string, len(w.Queues))
		for i, q := range w.Queues {
			queues[i] = string(q)
		}
		state := workerState(w)
		t.Rows = append(t.Rows, []Cell{
			{w.ID, Plain}, {w.Host, Plain}, {strconv.Itoa(w.PID), Muted}, {w.Build, Muted}, {w.VCS, Muted}, state, {strings.Join(queues, ","), Plain},
			{fmt.Sprintf("%d/%d", w.WorkflowsUsed, w.WorkflowSlots), Plain}, {fmt.Sprintf("%d/%d", w.ActivitiesUsed, w.ActivitySlots), Plain},
			count(int64(w.Leases), Plain), count(int64(w.Warm), Plain), {o.age(w.Seen), Muted}, {o.age(w.Started), Muted},
		})
	}
	return t
}

// Problems is the table of what health found for a screen that explains each besides.
func Problems(all []ops.Finding, o Options) Table {
	t, _ := Findings(all, o).Select([]string{"sign", "subject", "message", "code"})
	t.Columns[0].Rank, t.Columns[1].Max, t.Columns[3].Wide = 0, 24, true
	return t
}

// Findings is the table of what health found.
func Findings(all []ops.Finding, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "sign", Title: "S", Sign: true, Rank: 2},
		{Key: "severity", Title: "SEVERITY"},
		{Key: "code", Title: "CODE", Rank: 4},
		{Key: "subject", Title: "SUBJECT", Min: 8, Max: 40, Rank: 1},
		{Key: "message", Title: "MESSAGE", Min: 40},
		{Key: "advice", Title: "WHAT TO DO", Min: 20, Rank: 3},
	}}
	for _, f := range all {
		s, style := o.cell(signAttention, Attention), Attention
		if f.Severity == ops.SeverityNote {
			s, style = o.cell(signNone, Muted), Muted
		}
		t.Rows = append(t.Rows, []Cell{s, {string(f.Severity), style}, {f.Code, Muted}, {f.Subject, Plain}, {f.Message, Plain}, {f.Advice, Muted}})
	}
	return t
}

// Counts is the table of how many instances there are, with a row for all of them.
func Counts(c ops.Counts) Table {
	t := Table{Columns: []Column{{Key: "status", Title: "STATUS"}, {Key: "count", Title: "COUNT", Right: true}}}
	for _, s := range engine.Statuses() {
		if n := c.ByStatus[s]; n > 0 {
			t.Rows = append(t.Rows, []Cell{{string(s), statusStyle(s)}, {strconv.FormatInt(n, 10), Plain}})
		}
	}
	t.Rows = append(t.Rows, []Cell{{"total", Header}, {strconv.FormatInt(c.Total, 10), Plain}})
	return t
}
