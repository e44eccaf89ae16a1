package diagnostics

import (
	"cmp"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// pass is one replay.
type pass struct {
	err    error
	key    string // what it came to
	warned bool
	agrees bool // with the first pass, command by command
}

// passes are the replays of one history. Workflow code that looks at the clock, draws
// a number or ranges over a map does not do the same each time; nothing else can tell
// such code from code that was changed.
type passes struct {
	all []pass
	// differ tells that two passes did not issue the same commands; at is the first
	// command in which they differ, as the first pass had it.
	differ bool
	at     executor.Issued
	// disagree tells that two passes did not come to the same.
	disagree bool
}

func (r *replayer) passes() *passes {
	ps := &passes{}
	t := newTrace(r.o.Settings.Payloads())
	began := time.Now()
	limit := cmp.Or(r.o.PassTime, defaultPassTime)
	for n := 0; ; n++ {
		switch {
		case r.o.Passes > 0 && n >= r.o.Passes, n >= mostPasses && r.o.Passes == 0:
			return ps
		case r.o.Passes == 0 && n >= fewestPasses && time.Since(began) >= limit:
			return ps
		case n > 0 && hopeless(ps.all[n-1].err):
			return ps
		}
		t.begin()
		x := r.executor(executor.StacksNever, t.watch)
		err := x.Replay(r.bundle.Events)
		p := pass{err: err, warned: len(x.Warnings()) > 0, key: keyOf(err)}
		x.Close()
		p.agrees = t.end() && (n == 0 || p.key == ps.all[0].key)
		if n > 0 && p.key != ps.all[0].key {
			ps.disagree = true
		}
		ps.all = append(ps.all, p)
		ps.differ, ps.at = t.differ, t.at
	}
}

// hopeless tells that another pass comes to the same, or takes too long.
func hopeless(err error) bool {
	var b *executor.BlockedError
	if err == nil {
		return false
	}
	return !errors.As(err, &b) || b.Reason.Class == engine.BlockHang || b.Reason.Class == engine.BlockDecode
}

func keyOf(err error) string {
	var b *executor.BlockedError
	switch {
	case err == nil:
		return "~" // after all others
	case errors.As(err, &b):
		return blockKey(b)
	}
	return err.Error()
}

func (ps *passes) count() Passes {
	c := Passes{Run: len(ps.all)}
	for _, p := range ps.all {
		if p.agrees {
			c.Agreed++
		}
	}
	return c
}

// worst is the pass to report: of those that differ, the one that diverges first, and
// of these the first in an order that does not depend on which came up when.
func (ps *passes) worst() pass {
	return slices.MinFunc(ps.all, func(a, b pass) int { return cmp.Compare(a.key, b.key) })
}

// trace compares the commands of a pass with those of the first one as they come.
type trace struct {
	payloads engine.Payloads
	seed     maphash.Seed
	buf      []byte
	first    []uint64
	n        int
	passes   int
	same     bool

	differ bool
	at     executor.Issued
}

func newTrace(p engine.Payloads) *trace { return &trace{payloads: p, seed: maphash.MakeSeed()} }

func (t *trace) begin() { t.n, t.same = 0, true }

// end reports whether the pass has issued what the first one did.
func (t *trace) end() bool {
	t.passes++
	t.same = t.same && t.n == len(t.first)
	t.differ = t.differ || !t.same
	return t.same
}

func (t *trace) watch(i executor.Issued) {
	t.buf = t.digest(t.buf[:0], i)
	h := maphash.Bytes(t.seed, t.buf)
	switch {
	case t.passes == 0:
		t.first = append(t.first, h)
	case t.same && (t.n >= len(t.first) || t.first[t.n] != h):
		t.same = false
		if !t.differ || i.Ref < t.at.Ref {
			t.differ, t.at = true, i
		}
	}
	t.n++
}

// digest appends all of a command in which two passes can differ.
func (t *trace) digest(b []byte, i executor.Issued) []byte {
	b = binary.AppendVarint(append(b, i.Body.Kind()...), i.Ref)
	switch c := i.Body.(type) { //nolint:gochecksumtype // the others are told by their ref
	case history.ActivityScheduled:
		b = append(append(b, c.Name...), c.Queue...)
		b = t.args(append(b, c.ID...), c.Args...)
	case history.TimerScheduled:
		b = binary.AppendVarint(append(b, c.Name...), int64(c.Duration))
	case history.ChildScheduled:
		b = append(append(append(b, c.Workflow...), c.Instance.InstanceID...), c.Queue...)
		b = t.args(b, c.Args...)
	case history.SignalSent:
		b = t.args(append(append(b, c.InstanceID...), c.Name...), c.Arg)
	case history.MutableSideEffectRecorded:
		b = append(b, c.ID...)
	}
	return b
}

// args are compared as the converter made them: a codec may seal the same value
// differently each time.
func (t *trace) args(b []byte, args ...engine.Payload) []byte {
	if !t.payloads.Comparable() {
		return b
	}
	for _, a := range args {
		if plain, err := t.payloads.Open(a); err == nil {
			b = append(binary.AppendVarint(b, int64(len(plain))), plain...)
		}
	}
	return b
}
