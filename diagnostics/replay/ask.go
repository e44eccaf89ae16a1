package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
)

// once has a child replay one history, and gives it back or ends it.
func (r *Replayer) once(ctx context.Context, c *child, b diagnostics.Bundle, q request) (Result, error) {
	body, err := encode(q, b)
	if err != nil {
		r.put(c)
		return Result{}, err
	}
	c.served++
	go c.send(frame{kindRequest, c.served, body})
	end := r.await(ctx, c)
	switch {
	case end.answer != nil:
		res := Result{Report: end.answer.Report, Notes: leftNotes(end.answer.Left)}
		res.Instance, res.Workflow, res.Events = b.Instance, b.Workflow, len(b.Events)
		if end.answer.Spent {
			c.kill()
		} else {
			r.put(c)
		}
		return res, nil
	case end.err != nil:
		c.kill()
		return Result{}, fmt.Errorf("replay: %s: %w%s", r.binary, end.err, c.said())
	}
	return end.failed.result(b, c), nil
}

// encode writes the body of a request.
func encode(q request, b diagnostics.Bundle) ([]byte, error) {
	line, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	buf.Write(append(line, '\n'))
	if err := diagnostics.Write(&buf, b); err != nil {
		return nil, err
	}
	if buf.Len() > maxRequest {
		return nil, fmt.Errorf("replaying %s: %w", b.Instance, diagnostics.ErrBundleTooLarge)
	}
	return buf.Bytes(), nil
}

// send must not be waited for: a child that does not read blocks it until it ends,
// which shows in its frames.
func (c *child) send(f frame) { _ = writeFrame(c.in, c.nonce, f) }

// ending is what became of a request: an answer, a failure that is charged to the
// instance, or an error.
type ending struct {
	answer *answer
	failed *failure
	err    error
}

// failure is how the child ended while an instance was running.
type failure struct {
	class   diagnostics.Class
	message string
	stack   string
}

func (f *failure) result(b diagnostics.Bundle, c *child) Result {
	res := Result{Report: unanswered(b, f.class, f.message)}
	res.Divergence.Stack = f.stack
	if said := c.said(); said != "" && f.stack == "" {
		res.Notes = append(res.Notes, "the program ended"+said)
	}
	return res
}

// errIdle: nothing of the instance has run.
var errIdle = errors.New("it ended before it began to replay")

// await waits for the answer to the last request.
func (r *Replayer) await(ctx context.Context, c *child) ending {
	limit := time.NewTimer(r.opts.StartTimeout)
	defer limit.Stop()
	for begun := false; ; {
		select {
		case <-ctx.Done():
			return ending{err: ctx.Err()}
		case <-limit.C:
			if !begun {
				return ending{err: fmt.Errorf("%w: no sign of it within %s", errIdle, r.opts.StartTimeout)}
			}
			return ending{failed: c.hung(r.opts.Timeout)}
		case f, ok := <-c.frames:
			switch {
			case f.kind == kindMemory && !begun: // what earlier instances have left
				return ending{err: fmt.Errorf("%w: %s", errIdle, f.body)}
			case !ok && !begun:
				return ending{err: fmt.Errorf("%w: %w", errIdle, c.cause())}
			case !ok:
				return ending{failed: c.died()}
			case f.kind == kindBegun && f.number == c.served:
				begun = true
				limit.Reset(r.opts.Timeout)
			case f.kind == kindMemory:
				return ending{failed: c.outOfMemory(f.body)}
			case f.kind == kindAnswer && f.number == c.served && begun:
				return c.answered(f.body)
			default:
				return ending{failed: c.garbled(fmt.Errorf("%w that belongs here: kind %q, number %d", errFrame, rune(f.kind), f.number))}
			}
		}
	}
}

func (c *child) answered(body []byte) ending {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return ending{failed: c.garbled(err)}
	}
	return ending{answer: &a}
}

// hung ends a child that has taken too long.
func (c *child) hung(limit time.Duration) *failure {
	crash := c.interrupt()
	return &failure{class: diagnostics.ClassHang, message: fmt.Sprintf("no answer within %s; the program was ended", limit), stack: crash.stack}
}

func (c *child) garbled(err error) *failure {
	c.kill()
	return &failure{message: fmt.Sprintf("the program wrote into the connection: %v", err)}
}

func (c *child) outOfMemory(body []byte) *failure {
	c.kill()
	var message string
	if err := json.Unmarshal(body, &message); err != nil {
		message = "the program uses too much memory"
	}
	return &failure{message: message}
}

// exitCrash is what the runtime ends a process with.
const exitCrash = 2

// died tells how a child ended by itself.
func (c *child) died() *failure {
	if c.err != nil && !errors.Is(c.err, io.EOF) {
		return c.garbled(c.err)
	}
	c.gone()
	var exit *exec.ExitError
	if crash := crashOf(c.output.String()); crash.message != "" && errors.As(c.exit, &exit) && exit.ExitCode() == exitCrash {
		return &failure{class: diagnostics.ClassPanic, message: "the program crashed: " + crash.message, stack: crash.stack}
	}
	return &failure{message: fmt.Sprintf("the program ended in the middle of the replay: %s; something has called os.Exit or log.Fatal", c.cause())}
}

// cause says how a child has ended.
func (c *child) cause() error {
	c.gone()
	var exit *exec.ExitError
	switch {
	case c.err != nil && !errors.Is(c.err, io.EOF):
		return c.err
	case errors.As(c.exit, &exit):
		return errors.New(strings.ReplaceAll(exit.Error(), "exit status", "exit code"))
	case c.exit != nil:
		return c.exit
	}
	return errors.New("exit code 0")
}
