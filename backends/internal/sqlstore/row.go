package sqlstore

import (
	"strings"

	"github.com/wfops/wfops/engine"
)

// row is what the store needs of an instances row in order to change it. Times are
// nanoseconds, 0 for none.
type row struct {
	pk       int64
	inst     engine.Instance
	first    string
	workflow string
	queue    engine.Queue
	status   engine.Status
	paused   bool

	readyAt   int64 // as stored
	wakeAt    int64
	nextTimer int64
	holdUntil int64

	token      string
	holder     string
	leaseUntil int64
	lastWorker string

	lastSeq      int64
	lastStep     string
	historyBytes int64
	local        int

	inbox     int   // rows, quiet ones included
	inboxNext int64 // id of the next row

	builds  []string // that can't run it
	retryAt int64

	attempt int // as stored
	created int64
	changed int64  // updated, or up to touchEvery before
	tags    string // as JSON, or ""

	// since is when it became ready, for the claim that has found it.
	since int64

	known *known

	dirty groups
	set   settings
}

// settings are columns that are only written, never read back by a batch.
type settings struct {
	updated    int64
	finished   int64
	unread     int
	waiting    any // text or nil
	attempt    int
	build      string
	statusLine any // text, or nil to leave it
	lastError  any
	blockClass string
	block      []byte
}

const rowColumns = `pk, instance_id, execution_id, first_execution, workflow, queue, status, paused,
	ready_at, wake_at, next_timer, hold_until, token, holder, lease_until, last_worker,
	last_seq, last_step, history_bytes, local_activities, inbox_count, inbox_next, blocked_builds, retry_at,
	attempt, created, changed, tags`

func scanRow(r *Row) *row {
	x := &row{
		pk: r.Int(), inst: engine.Instance{InstanceID: r.Text(), ExecutionID: r.Text()}, first: r.Text(),
		workflow: r.Text(), queue: engine.Queue(r.Text()), status: engine.Status(r.Text()), paused: r.Bool(),
		readyAt: r.Int(), wakeAt: r.Int(), nextTimer: r.Int(), holdUntil: r.Int(),
		token: r.Text(), holder: r.Text(), leaseUntil: r.Int(), lastWorker: r.Text(),
		lastSeq: r.Int(), lastStep: r.Text(), historyBytes: r.Int(), local: int(r.Int()),
		inbox: int(r.Int()), inboxNext: r.Int(),
	}
	x.builds = splitBuilds(r.Text())
	x.retryAt, x.attempt, x.created, x.changed, x.tags = r.Int(), int(r.Int()), r.Int(), r.Int(), r.Text()
	return x
}

func (x *row) open() bool    { return x.status.Open() }
func (x *row) leased() bool  { return x.token != "" }
func (x *row) blocked() bool { return x.status == engine.StatusBlocked }

// readiness is when a claim may take the execution; 0 if nothing wakes it.
// Blocked executions are claimed by other columns.
func (x *row) readiness() int64 {
	if x.paused || x.status != engine.StatusRunning {
		return 0
	}
	at := earliest(x.wakeAt, x.nextTimer)
	if x.leased() && x.local > 0 { // what runs at the holder is lost with the lease
		at = earliest(at, x.leaseUntil)
	}
	if at == 0 {
		return 0
	}
	return max(at, x.leaseUntil, x.holdUntil)
}

// place works out ready_at after a change. While the lease is long enough, the
// stored value is kept although the lease was prolonged, see the package
// comment.
func (x *row) place(now int64) {
	at := x.readiness()
	if at == x.readyAt {
		return
	}
	lagging := x.leased() && x.readyAt != 0 && x.readyAt < at && at == x.leaseUntil
	if lagging && x.readyAt-now >= (at-now)/2 {
		return
	}
	x.readyAt = at
	x.dirty |= groupReady
}

// lease keeps the execution until a time. A blocked one is ready again when the
// lease has run out, by the columns that its claims go by.
func (x *row) lease(until int64) {
	x.leaseUntil = until
	x.dirty |= groupLease
	if x.blocked() {
		x.wakeAt = until
		if x.retryAt != 0 {
			x.retryAt = max(x.retryAt, until)
		}
		x.dirty |= groupInbox | groupPark
	}
}

// release gives the lease back. The token is gone for good.
func (x *row) release() {
	x.token, x.holder, x.leaseUntil = "", "", 0
	x.dirty |= groupLease
}

// earliest returns the smaller of two times of which 0 means never.
func earliest(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// The builds that can't run an execution are stored as one text, so that an index
// groups executions with the same list. Each has a line break on both sides, which
// ids don't hold, so that a search for one finds the whole of it.
func joinBuilds(builds []string) string {
	if len(builds) == 0 {
		return ""
	}
	return "\n" + strings.Join(builds, "\n") + "\n"
}

func splitBuilds(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.Trim(text, "\n"), "\n")
}

// parked is the list of builds of a blocked execution that may be claimed, or nil.
// It is the key of the index that claims find blocked executions by.
func (x *row) parked() any {
	if !x.blocked() || x.paused {
		return nil
	}
	return joinBuilds(x.builds)
}
