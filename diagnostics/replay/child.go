package replay

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
)

// child is one process that replays. One request at a time is under way.
type child struct {
	cmd    *exec.Cmd
	dir    string
	nonce  string
	in     io.WriteCloser
	stdout io.ReadCloser
	output *tail
	hello  hello

	frames chan frame // closed when nothing more comes
	ended  chan struct{}
	// err is why nothing more comes, set before frames is closed; exit is how the
	// process ended, set before ended is closed.
	err  error
	exit error

	served uint32
}

// passedOn are the only variables that a child has from its parent: without them some
// programs can't start, and some code tells another time of day.
var passedOn = []string{"TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT"}

const (
	// grace is how long a child may take to end by itself.
	grace = time.Second
	// dumping is how long it may take to print its stacks.
	dumping = 2 * time.Second
)

// startChild starts a child and waits until it serves.
func startChild(ctx context.Context, binary string, o Options, sink *sink) (c *child, err error) {
	raw := make([]byte, nonceBytes/2)
	_, _ = rand.Read(raw) // it never fails
	c = &child{nonce: hex.EncodeToString(raw), output: &tail{sink: sink}, frames: make(chan frame), ended: make(chan struct{})}
	if c.dir, err = os.MkdirTemp("", "wfops-replay-*"); err != nil {
		return nil, fmt.Errorf("replay: making the child's folder: %w", err)
	}
	if err := c.spawn(binary, o); err != nil {
		return nil, errors.Join(fmt.Errorf("replay: starting %s: %w", binary, err), os.RemoveAll(c.dir))
	}
	greeted := make(chan error, 1)
	go c.listen(greeted)
	ctx, cancel := context.WithTimeout(ctx, o.StartTimeout)
	defer cancel()
	select {
	case err = <-greeted:
	case <-ctx.Done():
		err = ctx.Err()
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("it does not serve after %s; replay.Serve has to come first in its main: %w", o.StartTimeout, err)
		}
	}
	if err != nil {
		c.kill()
		return nil, fmt.Errorf("replay: %s: %w%s", binary, err, c.said())
	}
	return c, nil
}

func (c *child) spawn(binary string, o Options) (err error) {
	c.cmd = exec.Command(binary) //nolint:gosec,noctx // it is what the caller wants to run; it is ended by hand
	c.cmd.Dir = c.dir
	c.cmd.Env = append([]string{"TMPDIR=" + c.dir, "TMP=" + c.dir, "TEMP=" + c.dir}, o.Env...)
	for _, name := range passedOn {
		if v, ok := os.LookupEnv(name); ok {
			c.cmd.Env = append(c.cmd.Env, name+"="+v)
		}
	}
	c.cmd.Env = append(c.cmd.Env, "GOMEMLIMIT="+strconv.FormatInt(o.MemoryBytes, 10), engine.ReplayVariable+"="+c.nonce)
	c.cmd.Stderr = c.output
	c.cmd.WaitDelay = grace // what the child has started may hold its standard error
	detach(c.cmd)
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	if c.stdout, err = c.cmd.StdoutPipe(); err != nil {
		return err
	}
	return c.cmd.Start()
}

// listen takes what comes from the child, to the end of the process.
func (c *child) listen(greeted chan<- error) {
	r := bufio.NewReader(c.stdout)
	c.err = c.receive(r, greeted)
	close(c.frames)
	_, _ = io.Copy(c.output, r) // so that it can't block
	kill(c.cmd)                 // what it has started; it is at its own end
	c.exit = c.cmd.Wait()
	_ = os.RemoveAll(c.dir)
	close(c.ended)
}

func (c *child) receive(r *bufio.Reader, greeted chan<- error) error {
	err := c.greet(r)
	if greeted <- err; err != nil {
		return err
	}
	for {
		f, err := readFrame(r, c.nonce, maxAnswer)
		if err != nil {
			return err
		}
		c.frames <- f
	}
}

// greet waits for the child's hello. What is printed before is its output.
func (c *child) greet(r *bufio.Reader) error {
	if err := skipTo(r, c.nonce, c.output); err != nil {
		return errors.New("the program ended without serving; replay.Serve has to come first in its main")
	}
	f, err := readFrame(r, c.nonce, maxHello)
	if err != nil {
		return fmt.Errorf("its first frame can't be read: %w", err)
	}
	if err := json.Unmarshal(f.body, &c.hello); err != nil {
		return fmt.Errorf("its first frame can't be read: %w: %w", errFrame, err)
	}
	if c.hello.Protocol != string(needle()) || c.hello.Version != Version {
		return fmt.Errorf("it speaks version %d of the replay protocol, this program version %d: build both with the same release of wfops", c.hello.Version, Version)
	}
	return nil
}

// kill ends the child and waits until it is gone.
func (c *child) kill() {
	kill(c.cmd)
	c.gone()
}

// gone waits for the end of a child that was told to end.
func (c *child) gone() {
	late := time.AfterFunc(grace, func() {
		kill(c.cmd)
		_ = c.stdout.Close() // something else holds the other end
	})
	defer late.Stop()
	for open := true; open; { // a frame may be on its way
		_, open = <-c.frames
	}
	<-c.ended
}

// close ends a child that has nothing to do.
func (c *child) close() {
	_ = c.in.Close()
	c.gone()
}

// interrupt ends a child that hangs, and has it tell where.
func (c *child) interrupt() crash {
	if dump(c.cmd) {
		select {
		case <-c.ended:
		case <-time.After(dumping):
		}
	}
	c.kill()
	return crashOf(c.output.String())
}

// said is what the child has printed last, for errors.
func (c *child) said() string {
	text := strings.TrimSpace(c.output.String())
	if text == "" {
		return ""
	}
	const most = 2 << 10
	if len(text) > most {
		text = "… " + strings.ToValidUTF8(text[len(text)-most:], "")
	}
	return "; its output:\n" + text
}

// sink hands the output of all children on.
type sink struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.w.Write(p) // who looks at it may go; the replay goes on
	return len(p), nil
}

// tail keeps the end of what a child prints.
type tail struct {
	sink *sink
	mu   sync.Mutex
	text []byte
}

const maxTail = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.text = append(t.text, p...)
	if n := len(t.text) - maxTail; n > maxTail { // seldom, so that it costs nothing
		t.text = append([]byte(nil), t.text[n:]...)
	}
	t.mu.Unlock()
	return t.sink.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text[max(0, len(t.text)-maxTail):])
}
