package redis

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// partition returns the tag of the partition that an instance lives in.
func (b *Backend) partition(instanceID string) string {
	if len(b.tags) == 0 { // the store could not be opened, and every call says so
		return ""
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(instanceID))           // never fails
	return b.tags[h.Sum32()%uint32(len(b.tags))] //nolint:gosec // at most maxPartitions
}

var slashes = strings.NewReplacer("%", "%25", "/", "%2F")

// idOf names an execution in keys: the ExecutionID, which has no slash, first.
func idOf(i engine.Instance) string { return slashes.Replace(i.ExecutionID) + "/" + i.InstanceID }

// micros rounds up, so that nothing happens before its time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Add(time.Microsecond - 1).UnixMicro()
}

func microsOf(d time.Duration) int64 {
	n := int64(d / time.Microsecond)
	if d%time.Microsecond > 0 {
		n++
	}
	return n
}

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// item packs one item for write.lua: what it does, and to which execution.
func (b *Backend) item(op string, i engine.Instance, more func(*packer)) item {
	p := &packer{b: make([]byte, 0, 512)}
	m := p.begin()
	p.setText("op", op)
	tag := b.partition(i.InstanceID)
	p.setText("p", tag)
	p.setText("id", idOf(i))
	more(p)
	p.end(m)
	return item{tag: tag, data: p.b}
}

// addressed packs one item for whatever execution has an address.
func (b *Backend) addressed(op string, to backend.Address, more func(*packer)) item {
	p := &packer{b: make([]byte, 0, 512)}
	m := p.begin()
	p.setText("op", op)
	b.packAddress(p, to)
	more(p)
	p.end(m)
	return item{tag: b.partition(to.InstanceID), data: p.b}
}

func (b *Backend) packAddress(p *packer, to backend.Address) {
	p.setText("p", b.partition(to.InstanceID))
	p.setText("iid", to.InstanceID)
	p.setText("eid", to.ExecutionID)
	p.setText("first", to.FirstExecution)
}

// packEvent writes an event even if it is empty.
func packEvent(p *packer, ev history.Encoded) {
	p.key("ev")
	p.bytes(ev)
}

// packNote leaves the time to the server.
func packNote(p *packer, n engine.Note) {
	p.setText("act", string(n.Action))
	p.setText("why", n.Reason)
}

func (b *Backend) packCreation(p *packer, c *backend.Creation) {
	p.setText("p", b.partition(c.Instance.InstanceID))
	p.setText("id", idOf(c.Instance))
	p.setText("iid", c.Instance.InstanceID)
	p.setText("eid", c.Instance.ExecutionID)
	p.setText("first", firstOf(c))
	p.key("wf")
	p.value(c.Workflow)
	p.setText("queue", string(c.Queue.OrDefault()))
	if c.Parent != nil {
		setList(p, "parent", []string{c.Parent.InstanceID, c.Parent.ExecutionID}, writeText)
	}
	p.setText("trace", c.TraceID)
	p.setBytes("tags", packTags(c.Tags))
	p.key("started")
	p.bytes(c.Started)
	setList(p, "inbox", c.Inbox, writeBytes)
	p.setInt("delay", microsOf(c.Delay))
	setList(p, "timers", c.Timers, packTimer)
	setList(p, "closings", c.Closings, b.packClosing)
	p.setText("reuse", string(c.Reuse))
	p.key("term")
	p.bytes(c.Terminate)
}

func firstOf(c *backend.Creation) string { return cmp.Or(c.FirstExecution, c.Instance.ExecutionID) }

// packTags writes tags as JSON: scripts never look into them.
func packTags(tags map[string]string) []byte {
	if tags == nil {
		return nil
	}
	text, _ := json.Marshal(tags) // a map of strings can always be encoded
	return text
}

func packTimer(p *packer, t backend.Timer) {
	m := p.begin()
	p.key("key")
	p.value(timerKey(t.Ref, t.Slot))
	packEvent(p, t.Event)
	if t.Due.IsZero() {
		p.key("after")
		p.int(microsOf(t.After))
	} else {
		p.key("due")
		p.int(micros(t.Due))
	}
	p.end(m)
}

func timerKey(ref int64, slot backend.TimerSlot) string {
	return strconv.FormatInt(ref, 10) + "/" + strconv.Itoa(int(slot))
}

// slots are those that a key of all slots stands for.
var slots = []backend.TimerSlot{backend.SlotTimer, backend.SlotScheduleToStart, backend.SlotScheduleToClose}

func timerKeys(keys []backend.TimerKey) []string {
	var all []string
	for _, k := range keys {
		if k.Slot != backend.AllSlots {
			all = append(all, timerKey(k.Ref, k.Slot))
			continue
		}
		for _, s := range slots {
			all = append(all, timerKey(k.Ref, s))
		}
	}
	return all
}

func (b *Backend) packClosing(p *packer, c backend.Closing) {
	m := p.begin()
	p.setInt("ref", c.Ref)
	p.setText("on", string(c.On))
	p.key("m")
	msg := p.begin()
	if c.Terminate {
		p.setText("k", "t")
	} else {
		p.setText("k", "d")
	}
	b.packAddress(p, c.To)
	packEvent(p, c.Event)
	p.end(msg)
	p.end(m)
}

// packReply says where the answers to a message go.
func (b *Backend) packReply(p *packer, from engine.Instance, yes, no history.Encoded) {
	if yes == nil && no == nil {
		return
	}
	p.key("re")
	m := p.begin()
	p.setText("p", b.partition(from.InstanceID))
	p.setText("id", idOf(from))
	p.setBytes("yes", yes)
	p.setBytes("no", no)
	p.end(m)
}

// packSends writes what a step sends, children first.
func (b *Backend) packSends(p *packer, c *backend.WorkflowCommit) {
	if len(c.Start)+len(c.Deliver) == 0 {
		return
	}
	p.key("sends")
	p.array(len(c.Start) + len(c.Deliver))
	for i := range c.Start {
		m := p.begin()
		p.setText("k", "c")
		b.packCreation(p, &c.Start[i])
		b.packReply(p, c.Instance, nil, c.Start[i].Taken)
		p.end(m)
	}
	for i := range c.Deliver {
		m := p.begin()
		p.setText("k", "d")
		b.packAddress(p, c.Deliver[i].To)
		packEvent(p, c.Deliver[i].Event)
		b.packReply(p, c.Instance, c.Deliver[i].Accepted, c.Deliver[i].Refused)
		p.end(m)
	}
}

func packActivity(p *packer, r backend.ActivityRow) {
	m := p.begin()
	p.key("ref")
	p.int(r.Ref)
	p.key("name")
	p.value(r.Name)
	p.setText("queue", string(r.Queue.OrDefault()))
	packEvent(p, r.Event)
	if !r.Scheduled.IsZero() {
		// As text: a script's numbers hold no nanoseconds.
		p.setText("scheduled", strconv.FormatInt(r.Scheduled.UnixNano(), 10))
	}
	p.setInt("attempt", int64(r.Attempt))
	p.setInt("after", microsOf(r.After))
	p.setText("err", r.LastError)
	p.end(m)
}

func (b *Backend) packCommit(p *packer, c *backend.WorkflowCommit) error {
	p.setText("tok", c.Token)
	p.setInt("seq", c.ExpectSeq)
	p.setText("step", c.StepID)
	if c.Count > 0 {
		p.setInt("n", int64(c.Count))
		packEvent(p, c.Events)
	}
	setList(p, "consume", c.Consume, writeInt)
	setList(p, "timers", c.AddTimers, packTimer)
	setList(p, "dropTimers", timerKeys(c.DropTimers), writeText)
	setList(p, "activities", c.AddActivities, packActivity)
	setList(p, "dropActivities", c.DropActivities, writeInt)
	p.setInt("loc", int64(c.Local))
	b.packSends(p, c)
	setList(p, "closings", c.AddClosings, b.packClosing)
	setList(p, "dropClosings", c.DropClosings, writeInt)
	p.setText("status", string(c.Status))
	if c.Next != nil {
		p.key("next")
		m := p.begin()
		b.packCreation(p, c.Next)
		p.end(m)
	}
	if c.Block != nil {
		packBlock(p, c.Block)
	}
	p.setInt("lease", microsOf(c.Lease))
	p.setTrue("ifReady", c.OnlyIfReady)
	p.setInt("after", microsOf(c.ReadyAfter))
	return packSummary(p, &c.Summary)
}

func packBlock(p *packer, blocked *backend.Block) {
	p.key("block")
	m := p.begin()
	p.setBytes("reason", blocked.Reason)
	p.setText("class", blocked.Class)
	p.setText("build", blocked.Build)
	p.setInt("again", microsOf(blocked.RetryAfter))
	setList(p, "keep", blocked.Keep, writeBytes)
	p.end(m)
}

func packSummary(p *packer, s *backend.SummaryUpdate) error {
	p.setText("worker", s.Worker)
	p.setText("build", s.Build)
	p.setInt("attempt", int64(s.Attempt))
	p.setBytes("tags", packTags(s.Tags))
	if s.StatusLine != nil {
		p.key("line")
		p.value(*s.StatusLine)
	}
	if s.LastError != nil {
		p.key("err")
		p.value(*s.LastError)
	}
	if s.Waiting == nil {
		return nil
	}
	text, err := json.Marshal(s.Waiting)
	if err != nil {
		return fmt.Errorf("encoding what it waits for: %w", err)
	}
	p.setBytes("waiting", text)
	return nil
}
