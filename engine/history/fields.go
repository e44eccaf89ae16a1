package history

import "github.com/wfops/wfops/engine"

// The lists of fields: names and order on the wire. They are frozen by the golden
// files; new fields are added at the end of a list.

func (b *WorkflowStarted) fields(c *coder) {
	str(c, "workflow", &b.Workflow)
	c.payloads("args", &b.Args)
	str(c, "queue", &b.Queue)
	c.parent("parent", &b.Parent)
	str(c, "first_execution", &b.FirstExecution)
	str(c, "continued_from", &b.ContinuedFrom)
	c.carried("signals", &b.Signals)
	stringMap(c, "tags", &b.Tags)
	c.duration("timeout", &b.Timeout)
	c.time("deadline", &b.Deadline)
	stringMap(c, "headers", &b.Headers)
	c.trace("trace", &b.Trace)
}

func (b *TaskStarted) fields(c *coder) {
	str(c, "worker", &b.Worker)
	str(c, "build", &b.Build)
	c.int64("bytes", &b.Bytes)
	c.bool("suggest_continue_as_new", &b.Suggest)
}

func (b *SignalReceived) fields(c *coder) {
	str(c, "name", &b.Name)
	c.payload("arg", &b.Arg)
	c.instancePointer("sender", &b.Sender)
	stringMap(c, "headers", &b.Headers)
	c.trace("trace", &b.Trace)
}

func (b *EventDropped) fields(c *coder) {
	c.payload("event", (*engine.Payload)(&b.Event))
	str(c, "reason", &b.Reason)
}

func (b *CancelRequested) fields(c *coder) { str(c, "reason", &b.Reason) }

func (b *WorkflowTimedOut) fields(*coder) {}

func (b *WorkflowCompleted) fields(c *coder) { c.payload("result", &b.Result) }

func (b *WorkflowFailed) fields(c *coder) { c.failure("failure", &b.Failure) }

func (b *WorkflowCanceled) fields(c *coder) { c.failure("failure", &b.Failure) }

func (b *WorkflowTerminated) fields(c *coder) { str(c, "reason", &b.Reason) }

func (b *WorkflowContinuedAsNew) fields(c *coder) {
	str(c, "new_execution", &b.NewExecution)
	c.payloads("args", &b.Args)
	c.site("site", &b.Site)
}

func (b *ActivityScheduled) fields(c *coder) {
	str(c, "name", &b.Name)
	str(c, "id", &b.ID)
	c.payloads("args", &b.Args)
	str(c, "queue", &b.Queue)
	c.retry("retry", &b.Retry)
	c.timeouts("timeouts", &b.Timeouts)
	stringMap(c, "headers", &b.Headers)
	c.trace("trace", &b.Trace)
	c.site("site", &b.Site)
}

func (b *ActivityCanceled) fields(c *coder) { c.site("site", &b.Site) }

func (b *TimerScheduled) fields(c *coder) {
	str(c, "name", &b.Name)
	c.duration("duration", &b.Duration)
	c.time("until", &b.Until)
	c.site("site", &b.Site)
}

func (b *TimerCanceled) fields(c *coder) { c.site("site", &b.Site) }

func (b *ChildScheduled) fields(c *coder) {
	str(c, "workflow", &b.Workflow)
	c.instance("instance", &b.Instance)
	c.payloads("args", &b.Args)
	str(c, "queue", &b.Queue)
	str(c, "parent_close", &b.ParentClose)
	c.int("attempt", &b.Attempt)
	stringMap(c, "headers", &b.Headers)
	c.trace("trace", &b.Trace)
	c.site("site", &b.Site)
}

func (b *ChildCancelRequested) fields(c *coder) { c.site("site", &b.Site) }

func (b *SignalSent) fields(c *coder) {
	str(c, "instance_id", &b.InstanceID)
	str(c, "name", &b.Name)
	c.payload("arg", &b.Arg)
	stringMap(c, "headers", &b.Headers)
	c.trace("trace", &b.Trace)
	c.site("site", &b.Site)
}

func (b *SideEffectRecorded) fields(c *coder) {
	c.payload("value", &b.Value)
	c.site("site", &b.Site)
	c.failure("failure", &b.Failure)
}

func (b *MutableSideEffectRecorded) fields(c *coder) {
	str(c, "id", &b.ID)
	c.int64("call", &b.Call)
	c.payload("value", &b.Value)
	c.site("site", &b.Site)
	c.failure("failure", &b.Failure)
}

func (b *VersionMarked) fields(c *coder) {
	str(c, "change_id", &b.ChangeID)
	c.int("version", &b.Version)
	c.site("site", &b.Site)
}

func (b *ActivityCompleted) fields(c *coder) {
	c.payload("result", &b.Result)
	c.run("run", &b.Run)
}

func (b *ActivityFailed) fields(c *coder) {
	c.failure("failure", &b.Failure)
	c.run("run", &b.Run)
}

func (b *ActivityAttemptFailed) fields(c *coder) {
	c.failure("failure", &b.Failure)
	c.run("run", &b.Run)
	c.time("next", &b.Next)
}

func (b *TimerFired) fields(*coder) {}

func (b *ChildCompleted) fields(c *coder) { c.payload("result", &b.Result) }

func (b *ChildFailed) fields(c *coder) {
	c.failure("failure", &b.Failure)
	str(c, "status", &b.Status)
}

func (b *SignalDelivered) fields(*coder) {}

func (b *SignalFailed) fields(c *coder) { c.failure("failure", &b.Failure) }

// What several bodies are made of.

func (c *coder) site(name string, s *Site) {
	if f, ok := c.begin(name); ok {
		for c.visit() {
			str(c, "func", &s.Function)
			str(c, "file", &s.File)
			c.int("line", &s.Line)
		}
		c.end(f)
	}
}

func (c *coder) trace(name string, t *Trace) {
	if f, ok := c.begin(name); ok {
		for c.visit() {
			str(c, "traceparent", &t.Parent)
			str(c, "tracestate", &t.State)
		}
		c.end(f)
	}
}

func (c *coder) run(name string, r *Run) {
	if f, ok := c.begin(name); ok {
		for c.visit() {
			c.int("attempt", &r.Attempt)
			c.time("scheduled", &r.Scheduled)
			c.time("started", &r.Started)
			str(c, "worker", &r.Worker)
			str(c, "build", &r.Build)
		}
		c.end(f)
	}
}

func (c *coder) retry(name string, p *engine.RetryPolicy) {
	if f, ok := c.begin(name); ok {
		for c.visit() {
			c.int("max_attempts", &p.MaxAttempts)
			c.duration("first_retry_interval", &p.FirstRetryInterval)
			c.duration("max_retry_interval", &p.MaxRetryInterval)
			c.float("backoff_coefficient", &p.BackoffCoefficient)
			c.duration("retry_timeout", &p.RetryTimeout)
			c.float("jitter", &p.Jitter)
			c.strings("non_retryable", &p.NonRetryable)
		}
		c.end(f)
	}
}

func (c *coder) timeouts(name string, t *Timeouts) {
	if f, ok := c.begin(name); ok {
		for c.visit() {
			c.duration("schedule_to_start", &t.ScheduleToStart)
			c.duration("start_to_close", &t.StartToClose)
			c.duration("schedule_to_close", &t.ScheduleToClose)
			c.duration("heartbeat", &t.Heartbeat)
		}
		c.end(f)
	}
}

func (c *coder) instance(name string, i *engine.Instance) {
	if f, ok := c.begin(name); ok {
		for c.visit() {
			c.instanceFields(i)
		}
		c.end(f)
	}
}

func (c *coder) instanceFields(i *engine.Instance) {
	str(c, "instance_id", &i.InstanceID)
	str(c, "execution_id", &i.ExecutionID)
}

func (c *coder) instancePointer(name string, p **engine.Instance) {
	if c.writing && *p == nil {
		return
	}
	if f, ok := c.begin(name); ok {
		ensure(p)
		for c.visit() {
			c.instanceFields(*p)
		}
		c.endKept(f)
	}
}

func (c *coder) parent(name string, p **Parent) {
	if c.writing && *p == nil {
		return
	}
	if f, ok := c.begin(name); ok {
		ensure(p)
		for c.visit() {
			c.instanceFields(&(*p).Instance)
			c.int64("ref", &(*p).Ref)
			str(c, "workflow", &(*p).Workflow)
		}
		c.endKept(f)
	}
}

func ensure[T any](p **T) {
	if *p == nil {
		*p = new(T)
	}
}

func (c *coder) carried(name string, p *[]CarriedSignal) {
	if !c.writing {
		if c.take(name) {
			*p = nil
			for more := c.openArray(); more; more = c.nextElement() {
				var s CarriedSignal
				c.carriedSignal(&s)
				*p = append(*p, s)
			}
			c.advance()
		}
		return
	}
	if len(*p) == 0 {
		return
	}
	c.name(name)
	for i := range *p {
		c.buf = append(c.buf, "[,"[min(i, 1)])
		c.carriedSignal(&(*p)[i])
	}
	c.buf = append(c.buf, ']')
}

func (c *coder) carriedSignal(s *CarriedSignal) {
	if f, ok := c.open(); ok {
		for c.visit() {
			str(c, "name", &s.Name)
			c.payload("arg", &s.Arg)
			c.instancePointer("sender", &s.Sender)
			c.time("at", &s.At)
		}
		c.close(f)
	}
}

func (c *coder) failure(name string, p **engine.Failure) {
	if c.writing && *p == nil {
		return
	}
	if f, ok := c.begin(name); ok {
		ensure(p)
		c.failureFields(*p)
		c.endKept(f)
	}
}

func (c *coder) failureFields(f *engine.Failure) {
	for c.visit() {
		str(c, "type", &f.Type)
		str(c, "message", &f.Message)
		str(c, "code", &f.Code)
		c.bool("permanent", &f.Permanent)
		c.bool("panic", &f.Panic)
		str(c, "stack", &f.StackTrace)
		c.causes("causes", &f.Causes)
	}
}

func (c *coder) causes(name string, p *[]*engine.Failure) {
	if !c.writing {
		if c.take(name) {
			*p = nil
			for more := c.openArray(); more; more = c.nextElement() {
				*p = append(*p, c.readCause())
			}
			c.advance()
		}
		return
	}
	if len(*p) == 0 {
		return
	}
	c.name(name)
	for i, f := range *p {
		c.buf = append(c.buf, "[,"[min(i, 1)])
		c.writeCause(f)
	}
	c.buf = append(c.buf, ']')
}

// A failure without a name for itself is one of several causes, and null if it
// is nil.

func (c *coder) writeCause(f *engine.Failure) {
	if f == nil {
		c.buf = append(c.buf, "null"...)
		return
	}
	if outer, ok := c.open(); ok {
		c.failureFields(f)
		c.close(outer)
	}
}

func (c *coder) readCause() *engine.Failure {
	if c.null() {
		return nil
	}
	f := new(engine.Failure)
	if outer, ok := c.open(); ok {
		c.failureFields(f)
		c.close(outer)
	}
	return f
}
