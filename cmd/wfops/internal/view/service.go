package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
)

// Builds says in a line which builds the workers that are alive have, and how many of
// them each.
func Builds(workers []ops.Worker) []Cell {
	alive := map[string]int{}
	for _, w := range workers {
		if !w.Lost {
			alive[w.Build]++
		}
	}
	var builds []string
	for b := range alive {
		builds = append(builds, b)
	}
	slices.Sort(builds)
	line := []Cell{{"builds", Header}}
	for _, b := range builds {
		name := b
		if name == "" {
			name = "(unknown)"
		}
		line = append(line, Cell{" " + name, Plain}, Cell{" " + HowMany(int64(alive[b]), "worker"), Muted}, Cell{" ", Plain})
	}
	if len(builds) == 0 {
		line = append(line, Cell{" no worker is alive", Attention})
	}
	return line
}

// StoreFacts says in a few lines what a store is, and how it answers.
func StoreFacts(h ops.Health) Lines {
	var l Lines
	l.add(Cell{"store ", Header}, Cell{" " + strings.TrimSpace(h.Info.Kind+" "+h.Info.Version), Plain},
		Cell{"  schema " + strconv.Itoa(h.Info.Schema) + "  durability ", Muted}, Cell{h.Info.Durability, Plain})
	clock := Cell{"  same clock as here", Muted}
	if h.Skew != 0 {
		ahead := "ahead of"
		if h.Skew < 0 {
			ahead = "behind"
		}
		clock = Cell{fmt.Sprintf("  clock %s %s this machine's", took(h.Skew.Abs()), ahead), Waiting}
	}
	l.add(Cell{"answer", Header}, Cell{" in " + took(h.Ping), Plain}, clock)
	return l
}

// Sign is a text with the sign of what is good, or asks for attention.
func (o Options) Sign(style Style, text string) Cell {
	s := signAttention
	if style == Good {
		s = signCompleted
	}
	return Cell{o.cell(s, style).Text + " " + text, style}
}

// HowMany counts things.
func HowMany(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Count(n) + " " + thing
}

// Finding says in full what was found and what to do, for a terminal of that width.
func Finding(f ops.Finding, o Options, width int) Lines {
	var l Lines
	for _, line := range Paragraph(f.Message, width) {
		l.add(Cell{line, Plain})
	}
	mark := strings.TrimLeft(o.Arrow(), " ")
	for _, line := range Paragraph(f.Advice, width-Width(mark)) {
		l.add(Cell{mark, Muted}, Cell{line, Header})
		mark = strings.Repeat(" ", Width(mark))
	}
	return l
}

// Worker is a table of what there is to know about a worker, a line for each.
func Worker(w ops.Worker, o Options) Table {
	t := Table{Columns: []Column{{Key: "field", Title: "FIELD"}, {Key: "value", Title: "VALUE", Min: 20}}}
	add := func(field, value string, style Style) {
		if value != "" {
			t.Rows = append(t.Rows, []Cell{{field, Header}, {value, style}})
		}
	}
	var queues []string
	for _, q := range w.Queues {
		queues = append(queues, string(q))
	}
	state := workerState(w)
	add("worker", w.ID, Plain)
	add("state", state.Text, state.Style)
	add("host", w.Host, Plain)
	add("pid", positive(int64(w.PID)), Plain)
	add("build", w.Build, Plain)
	add("revision", w.VCS, Muted)
	add("seen", o.when(w.Seen), Plain)
	add("started", o.when(w.Started), Plain)
	add("queues", strings.Join(queues, ", "), Plain)
	add("workflows", fmt.Sprintf("%d of %d slots are taken", w.WorkflowsUsed, w.WorkflowSlots), Plain)
	add("activities", fmt.Sprintf("%d of %d slots are taken", w.ActivitiesUsed, w.ActivitySlots), Plain)
	add("leases", strconv.Itoa(w.Leases), Plain)
	add("warm", HowMany(int64(w.Warm), "instance")+" in memory", Plain)
	add("knows workflows", strings.Join(w.Workflows, ", "), Plain)
	add("knows activities", strings.Join(w.Activities, ", "), Plain)
	return t
}

func workerState(w ops.Worker) Cell {
	switch {
	case w.Lost:
		return Cell{"lost", Attention}
	case w.Unhealthy != "":
		return Cell{w.Unhealthy, Attention}
	}
	return Cell{"ok", Good}
}

// Trend says how a number has changed since it was read first.
type Trend struct {
	By    int64
	Since time.Duration
}

// trendFrom is how long somebody has to look before there is a trend.
const trendFrom = 10 * time.Second

// WithTrend is the table of queues with a column that says how the number of ready
// tasks has changed while somebody looked. A short one says nothing.
func WithTrend(t Table, trends []Trend) Table {
	at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Key == "ready" }) + 1
	t.Columns = slices.Insert(t.Columns, at, Column{Key: "trend", Title: "TREND", Right: true, Rank: 5, Spare: true})
	for i, row := range t.Rows {
		cell := Cell{}
		if since := trends[i].Since; since >= trendFrom {
			cell = Cell{fmt.Sprintf("%+d/%s", trends[i].By, Span(since)), Muted}
			if trends[i].By > 0 {
				cell.Style = Waiting
			}
		}
		t.Rows[i] = slices.Insert(row, at, cell)
	}
	return t
}
