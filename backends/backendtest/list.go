package backendtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// list reads all pages and returns the instance ids in order.
func (e *env) list(q backend.Query) string {
	e.Helper()
	var ids []string
	for range 1000 {
		page, err := e.b.List(e.ctx(), q)
		e.ok(err, "listing %+v", q)
		for _, s := range page.Items {
			ids = append(ids, s.Instance.InstanceID)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return strings.Join(ids, " ")
		}
	}
	e.Fatalf("listing %+v does not end", q)
	return ""
}

// sample is what the filters are tried on; see filterCases.
func (e *env) sample() {
	create := func(id string, change func(*backend.Creation)) *hold {
		e.clock.Advance(10 * time.Millisecond)
		e.create(id, change)
		for _, t := range e.tryClaim(func(c *backend.WorkflowClaim) {
			c.Queues, c.Workflows = []engine.Queue{"q", "Q"}, []string{"Order", "order", "Order%Ship", "OrderXShip", "Pay*"}
		}).Tasks {
			e.clock.Advance(10 * time.Millisecond)
			return newHold(e, t)
		}
		e.Fatalf("could not claim %s", id)
		return nil
	}
	summary := func(s backend.SummaryUpdate) func(*backend.WorkflowCommit) {
		return func(c *backend.WorkflowCommit) { c.Summary = s }
	}
	parent := engine.Instance{InstanceID: "parent", ExecutionID: "p1"}
	text := func(s string) *string { return &s }

	create("a-1", func(c *backend.Creation) { c.Workflow, c.Tags = "Order", map[string]string{"team": "x", "env": "prod"} }).
		commit(summary(backend.SummaryUpdate{Build: "b1", Attempt: 3, LastError: text("dial TCP: Refused 100%"),
			Waiting: &engine.Waiting{Kind: engine.WaitSignal, Name: "go"}}))
	create("a-2", func(c *backend.Creation) {
		c.Workflow, c.Queue, c.Tags = "order", "Q", map[string]string{"team": "X"}
	}).commit(blocks("b2"))
	create("a_3", func(c *backend.Creation) { c.Workflow, c.Parent = "Order%Ship", &parent }).
		commit(summary(backend.SummaryUpdate{Build: "B1", Attempt: 1, Waiting: &engine.Waiting{Kind: engine.WaitTimer, Name: "go"}}))
	create("A-4", func(c *backend.Creation) {
		c.Workflow, c.Parent = "OrderXShip", &engine.Instance{InstanceID: "parent", ExecutionID: "p2"}
	}).commit(finish(engine.StatusFailed), summary(backend.SummaryUpdate{Build: "b1", LastError: text("ÜBER refused_")}))
	create("b%5", func(c *backend.Creation) { c.Workflow, c.Tags = "Pay*", map[string]string{"team": "x"} }).
		commit(finish(engine.StatusCompleted), summary(backend.SummaryUpdate{Build: "b3"}))
	e.pause(backend.Address{InstanceID: "a_3"}, true)
}

// filterCases are queries on the sample, in ascending order of creation.
var filterCases = []struct {
	name string
	q    backend.Query
	want string
}{
	{"all", backend.Query{}, "a-1 a-2 a_3 A-4 b%5"},
	{"status", backend.Query{Statuses: []engine.Status{engine.StatusFailed}}, "A-4"},
	{"statuses are alternatives", backend.Query{Statuses: []engine.Status{engine.StatusBlocked, engine.StatusRunning}}, "a-1 a-2 a_3"},
	{"paused", backend.Query{Paused: new(true)}, "a_3"},
	{"not paused", backend.Query{Paused: new(false)}, "a-1 a-2 A-4 b%5"},
	{"workflow is case-sensitive", backend.Query{Workflows: []string{"Order"}}, "a-1"},
	{"workflows are alternatives", backend.Query{Workflows: []string{"Order", "order"}}, "a-1 a-2"},
	{"star is any run", backend.Query{Workflows: []string{"Order*"}}, "a-1 a_3 A-4"},
	{"star in the middle", backend.Query{Workflows: []string{"O*Ship"}}, "a_3 A-4"},
	{"star in front", backend.Query{Workflows: []string{"*r"}}, "a-1 a-2"},
	{"many stars", backend.Query{Workflows: []string{"*r*r*Sh*p*"}}, "a_3 A-4"},
	{"star alone", backend.Query{Workflows: []string{"*"}}, "a-1 a-2 a_3 A-4 b%5"},
	{"percent is itself", backend.Query{Workflows: []string{"Order%Ship"}}, "a_3"},
	{"percent with a star is itself", backend.Query{Workflows: []string{"Order%*"}}, "a_3"},
	{"question mark is itself", backend.Query{Workflows: []string{"Order?Ship", "Orde?*"}}, ""},
	{"bracket is itself", backend.Query{Workflows: []string{"[O]rder*"}}, ""},
	{"underscore is itself", backend.Query{Workflows: []string{"Order_Ship"}}, ""},
	{"overlap does not match", backend.Query{Workflows: []string{"Order*Order"}}, ""},
	{"queue", backend.Query{Queues: []engine.Queue{"Q"}}, "a-2"},
	{"queues are alternatives", backend.Query{Queues: []engine.Queue{"Q", "q", "none"}}, "a-1 a-2 a_3 A-4 b%5"},
	{"prefix", backend.Query{IDPrefix: "a"}, "a-1 a-2 a_3"},
	{"prefix has no wildcard", backend.Query{IDPrefix: "a_"}, "a_3"},
	{"prefix with percent", backend.Query{IDPrefix: "b%"}, "b%5"},
	{"prefix of nothing", backend.Query{IDPrefix: "%"}, ""},
	{"prefix has no star", backend.Query{IDPrefix: "a*"}, ""},
	{"id", backend.Query{InstanceID: "a-1"}, "a-1"},
	{"id is case-sensitive", backend.Query{InstanceID: "a-4"}, ""},
	{"parent", backend.Query{Parent: &engine.Instance{InstanceID: "parent"}}, "a_3 A-4"},
	{"parent execution", backend.Query{Parent: &engine.Instance{InstanceID: "parent", ExecutionID: "p2"}}, "A-4"},
	{"other parent", backend.Query{Parent: &engine.Instance{InstanceID: "Parent"}}, ""},
	{"attempt", backend.Query{MinAttempt: 1}, "a-1 a_3"},
	{"higher attempt", backend.Query{MinAttempt: 2}, "a-1"},
	{"waiting kind", backend.Query{WaitingKind: engine.WaitTimer}, "a_3"},
	{"waiting name", backend.Query{WaitingName: "go"}, "a-1 a_3"},
	{"waiting kind and name", backend.Query{WaitingKind: engine.WaitSignal, WaitingName: "go"}, "a-1"},
	{"error in any ASCII case", backend.Query{ErrorContains: "REFUSED"}, "a-1 A-4"},
	{"error has no wildcard", backend.Query{ErrorContains: "refused_"}, "A-4"},
	{"error with percent", backend.Query{ErrorContains: "100%"}, "a-1"},
	{"error, other than ASCII", backend.Query{ErrorContains: "Über"}, "A-4"},
	{"block class", backend.Query{BlockClass: "NONDETERMINISM"}, "a-2"},
	{"build", backend.Query{Build: "b1"}, "a-1 A-4"},
	{"build is case-sensitive", backend.Query{Build: "B1"}, "a_3"},
	{"tag", backend.Query{Tags: map[string]string{"team": "x"}}, "a-1 b%5"},
	{"tag is case-sensitive", backend.Query{Tags: map[string]string{"team": "X"}}, "a-2"},
	{"tags must all be there", backend.Query{Tags: map[string]string{"team": "x", "env": "prod"}}, "a-1"},
	{"tag key", backend.Query{Tags: map[string]string{"Team": "x"}}, ""},
	{"all set fields must match", backend.Query{IDPrefix: "a", MinAttempt: 1, Queues: []engine.Queue{"q"}, Build: "b1"}, "a-1"},
}

var listCases = []testCase{
	{"Filters", "All set fields of a Query must match; values inside one field are alternatives.", func(e *env) {
		e.sample()
		for _, c := range filterCases {
			c.q.Ascending = true
			equal(e, "list of "+c.name, e.list(c.q), c.want)
			counts, err := e.b.Count(e.ctx(), c.q)
			e.ok(err, "counting %s", c.name)
			total := 0
			for _, n := range counts {
				total += int(n)
			}
			equal(e, "count of "+c.name, total, len(strings.Fields(c.want)))
		}
	}},
	{"ByTime", "CreatedAfter and UpdatedAfter are inclusive, the others exclusive; FinishedBefore selects final executions only.", listByTime},
	{"Orders", "A list is in its order, newest or highest first unless Ascending; ties are broken by the order of creation.", listOrders},
	{"Pages", "Paging through a list meets each row once, in each order and direction, whatever the limit.", listPages},
	{"PagesUnderInserts", "Rows that are created while a list is paged through neither repeat nor hide others.", listPagesUnderInserts},
	{"PagesUnderRemoval", "Removing rows while a list is paged through hides no others.", func(e *env) {
		var all []engine.Instance
		for n := range 6 {
			e.clock.Advance(2 * time.Millisecond)
			all = append(all, e.finished(fmt.Sprint("i", n)))
		}
		page, err := e.b.List(e.ctx(), backend.Query{Limit: 2, Ascending: true})
		e.ok(err, "listing")
		for _, i := range all[:2] {
			e.ok(e.tryRemove(i), "removing")
		}
		equal(e, "rows behind the cursor", e.list(backend.Query{Limit: 3, Ascending: true, Cursor: page.Next}), "i2 i3 i4 i5")
	}},
	{"Limits", "Limit is at most 1,000; 0 means 100.", func(e *env) {
		cs := make([]backend.Creation, backend.MaxLimit+1)
		for n := range cs {
			cs[n] = creation(fmt.Sprint("i", n))
		}
		for _, r := range e.b.Create(e.ctx(), cs) {
			e.ok(r.Err, "creating")
		}
		for _, c := range []struct{ limit, want int }{{0, backend.DefaultLimit}, {1, 1}, {1000, 1000}, {5000, backend.MaxLimit}} {
			page, err := e.b.List(e.ctx(), backend.Query{Limit: c.limit})
			e.ok(err, "listing")
			equal(e, fmt.Sprint("rows of limit ", c.limit), len(page.Items), c.want)
			equal(e, "there is a next page", page.Next != "", true)
		}
	}},
	{"Summaries", "A list shows the same summary as Get, but for the inbox, which lists leave 0.", func(e *env) {
		e.sample()
		page, err := e.b.List(e.ctx(), backend.Query{})
		e.ok(err, "listing")
		e.near("Now", page.Now, e.clock.Now())
		for _, s := range page.Items {
			want := e.summary(s.Instance)
			want.Inbox = 0
			equal(e, "row of "+s.Instance.InstanceID, s, want)
		}
	}},
	{"BadCursor", "A cursor that no list gave out is an invalid argument.", func(e *env) {
		e.create("i")
		for _, cursor := range []string{"x", "%", "e30"} {
			_, err := e.b.List(e.ctx(), backend.Query{Cursor: cursor})
			e.is(err, engine.ErrInvalidArgument, "listing from cursor %q", cursor)
		}
	}},
	{"Counts", "Count tells how many executions match, by status; Order, Limit and Cursor are ignored.", func(e *env) {
		e.sample()
		counts, err := e.b.Count(e.ctx(), backend.Query{Limit: 1, Order: backend.OrderAttempt, Cursor: "x"})
		e.ok(err, "counting")
		for status, want := range map[engine.Status]int64{
			engine.StatusRunning: 2, engine.StatusBlocked: 1, engine.StatusFailed: 1, engine.StatusCompleted: 1, engine.StatusCanceled: 0,
		} {
			equal(e, "count of "+string(status), counts[status], want)
		}
	}},
}

func listByTime(e *env) {
	var created, updated []time.Time
	for n := range 4 {
		e.clock.Advance(10 * time.Millisecond)
		i := e.finished(fmt.Sprint("i", n))
		e.clock.Advance(10 * time.Millisecond)
		if n == 3 {
			i = e.asleep("open")
		}
		s := e.summary(i)
		created, updated = append(created, s.Created), append(updated, s.Updated)
	}
	for _, c := range []struct {
		name string
		q    backend.Query
		want string
	}{
		{"CreatedAfter is inclusive", backend.Query{CreatedAfter: created[1]}, "i1 i2 i3 open"},
		{"CreatedBefore is exclusive", backend.Query{CreatedBefore: created[1]}, "i0"},
		{"created between", backend.Query{CreatedAfter: created[1], CreatedBefore: created[2]}, "i1"},
		{"UpdatedAfter is inclusive", backend.Query{UpdatedAfter: updated[2]}, "i2 i3 open"},
		{"UpdatedBefore is exclusive", backend.Query{UpdatedBefore: updated[2]}, "i0 i1"},
		{"FinishedBefore", backend.Query{FinishedBefore: updated[2]}, "i0 i1"},
		{"FinishedBefore the future", backend.Query{FinishedBefore: e.clock.Now().Add(time.Hour)}, "i0 i1 i2 i3"},
	} {
		c.q.Ascending = true
		equal(e, c.name, e.list(c.q), c.want)
	}
}

// listSample has executions whose three orders differ, with ties in attempt.
func (e *env) listSample() map[backend.Order]string {
	var hs []*hold
	for n := range 6 {
		e.clock.Advance(2 * time.Millisecond)
		hs = append(hs, e.held(fmt.Sprint("i", n)))
	}
	for _, n := range []int{3, 0, 5, 1, 4, 2} {
		e.clock.Advance(2 * time.Millisecond)
		hs[n].commit(keep, func(c *backend.WorkflowCommit) { c.Summary.Attempt = n % 3 })
	}
	return map[backend.Order]string{
		backend.OrderCreated: "i0 i1 i2 i3 i4 i5",
		backend.OrderUpdated: "i3 i0 i5 i1 i4 i2",
		backend.OrderAttempt: "i0 i3 i1 i4 i2 i5",
	}
}

func reversed(ids string) string {
	fields := strings.Fields(ids)
	slices.Reverse(fields)
	return strings.Join(fields, " ")
}

func listOrders(e *env) {
	for order, want := range e.listSample() {
		equal(e, "ascending by "+string(order), e.list(backend.Query{Order: order, Ascending: true}), want)
		equal(e, "descending by "+string(order), e.list(backend.Query{Order: order}), reversed(want))
	}
	equal(e, "order of the zero query", e.list(backend.Query{}), "i5 i4 i3 i2 i1 i0")
}

func listPages(e *env) {
	for order, want := range e.listSample() {
		for limit := 1; limit <= 7; limit++ {
			q := backend.Query{Order: order, Ascending: true, Limit: limit, IDPrefix: "i"}
			equal(e, fmt.Sprintf("%s in pages of %d", order, limit), e.list(q), want)
			q.Ascending = false
			equal(e, fmt.Sprintf("%s backwards in pages of %d", order, limit), e.list(q), reversed(want))
		}
	}
}

func listPagesUnderInserts(e *env) {
	for n := range 6 {
		e.clock.Advance(2 * time.Millisecond)
		e.create(fmt.Sprint("i", n))
	}
	for ascending, want := range map[bool]string{true: "i0 i1 i2 i3 i4 i5", false: "i5 i4 i3 i2 i1 i0"} {
		var got []string
		q := backend.Query{Limit: 2, Ascending: ascending}
		for n := range 100 {
			page, err := e.b.List(e.ctx(), q)
			e.ok(err, "listing")
			for _, s := range page.Items {
				if strings.HasPrefix(s.Instance.InstanceID, "i") {
					got = append(got, s.Instance.InstanceID)
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
			if n < 3 {
				e.clock.Advance(2 * time.Millisecond)
				e.create(fmt.Sprint("new", ascending, n))
			}
		}
		equal(e, fmt.Sprint("rows, ascending ", ascending), strings.Join(got, " "), want)
	}
}
