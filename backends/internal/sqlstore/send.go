package sqlstore

import (
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// stepSends starts children and delivers events.
func (b *batch) stepSends(x *row, c *backend.WorkflowCommit) error {
	for i := range c.Start {
		res, err := b.create(&c.Start[i])
		if err != nil {
			return err
		}
		if res.Err != nil && c.Start[i].Taken != nil {
			if err := b.answer(x, c.Start[i].Taken); err != nil {
				return err
			}
		}
	}
	for i := range c.Deliver {
		d := &c.Deliver[i]
		found, err := b.deliverTo(d.To, d)
		if err != nil {
			return err
		}
		reply := d.Refused
		if found {
			reply = d.Accepted
		}
		if reply == nil {
			continue
		}
		if err := b.answer(x, reply); err != nil {
			return err
		}
	}
	return nil
}

// answer puts an event into the inbox of the committing execution, whose holder
// finds it among the arrivals.
func (b *batch) answer(x *row, ev []byte) error {
	if !x.open() {
		return nil
	}
	if err := b.push(x, inboxEvent{event: ev}); err != nil {
		return err
	}
	x.wakeAt = earliest(x.wakeAt, b.now)
	return nil
}

// stepFinal ends the execution, and starts the next one at continue-as-new.
func (b *batch) stepFinal(x *row, c *backend.WorkflowCommit) error {
	paused := x.paused
	var moved []inboxEvent
	if c.Next != nil {
		err := b.query("SELECT event, quiet FROM inbox WHERE instance = ? AND moves = 1 ORDER BY id", func(r *Row) {
			moved = append(moved, inboxEvent{event: r.Bytes(), moves: true, quiet: r.Bool()})
		}, x.pk)
		if err != nil {
			return err
		}
	}
	x.release() // the holder knows
	if err := b.finish(x, c.Status, x.chunk(c.Events, c.Count)); err != nil {
		return err
	}
	x.set.unread -= len(moved) // they may still be read
	if c.Next != nil {
		// It stays paused: the operator paused the instance, not one of its executions.
		if err := b.insert(c.Next, x, moved, paused); err != nil {
			return err
		}
		if paused {
			if err := b.bequeath(x); err != nil {
				return err
			}
		}
	}
	return b.applyClosings()
}

// stepStatus blocks the execution, or lets it run on.
func (b *batch) stepStatus(x *row, c *backend.WorkflowCommit) error {
	if c.Status != engine.StatusBlocked {
		if x.blocked() {
			x.status = engine.StatusRunning
			x.dirty |= groupStatus
			x.clearBlock()
			if err := b.restWake(x); err != nil {
				return err
			}
		}
		if len(x.builds) > 0 { // the build that took this step can run it
			x.builds = without(x.builds, c.Summary.Build)
			x.dirty |= groupPark
		}
		return nil
	}
	if !x.blocked() {
		x.status = engine.StatusBlocked
		x.dirty |= groupStatus
	}
	for _, ev := range c.Block.Keep {
		if err := b.answer(x, ev); err != nil {
			return err
		}
	}
	x.wakeAt = b.now // since when it is blocked
	x.set.blockClass, x.set.block, x.retryAt = c.Block.Class, c.Block.Reason, 0
	if c.Block.RetryAfter > 0 {
		x.retryAt = b.in(c.Block.RetryAfter)
	}
	if build := c.Block.Build; build != "" {
		x.builds = append(without(x.builds, build), build)
		x.builds = x.builds[max(0, len(x.builds)-maxBlockedBuilds):]
	}
	x.dirty |= groupInbox | groupBlock | groupPark
	return nil
}

func without(builds []string, build string) []string {
	return slices.DeleteFunc(builds, func(o string) bool { return o == build })
}
