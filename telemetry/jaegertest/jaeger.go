// Package jaegertest runs a real Jaeger for tests: it starts one of its own, with
// OTLP and the query API on free ports of 127.0.0.1 and nothing else, and reads
// traces back.
//
// It is a module of its own, so that nothing of Jaeger reaches the go.mod of users.
// make test-jaeger builds the binary, once for each version, and runs the tests.
package jaegertest

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// BinaryVariable names the Jaeger to run. Tests skip what needs one where it is empty.
const BinaryVariable = "WFOPS_TEST_JAEGER"

//go:embed jaeger.yaml
var config []byte

// Jaeger is one that runs.
type Jaeger struct {
	// GRPC and HTTP are where it takes OTLP, and Query where its API is: URLs
	// without a path.
	GRPC, HTTP, Query string

	process *exec.Cmd
	ended   chan struct{} // closed when the process has
	err     error         // what it ended with; read it after ended
	log     bytes.Buffer  // what it printed; likewise
	dir     string        // its configuration
}

// attempts bounds how often Start looks for ports.
const attempts = 5

// Start runs the binary until Stop, and returns when it takes spans and answers
// queries. It is killed if ctx ends before it is ready.
func Start(ctx context.Context, binary string) (*Jaeger, error) {
	var err error
	for range attempts {
		// Between here and there another process can take a port.
		var j *Jaeger
		if j, err = start(ctx, binary); err == nil {
			return j, nil
		}
		if !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	return nil, err
}

func start(ctx context.Context, binary string) (*Jaeger, error) {
	dir, err := os.MkdirTemp("", "wfops-jaeger")
	if err != nil {
		return nil, err
	}
	j := &Jaeger{dir: dir, ended: make(chan struct{})}
	if err := errors.Join(os.WriteFile(dir+"/jaeger.yaml", config, 0o600), j.run(context.WithoutCancel(ctx), binary)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := j.ready(ctx); err != nil {
		_ = j.process.Process.Kill() // the error says that it has ended already
		<-j.ended
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return j, nil
}

func (j *Jaeger) run(ctx context.Context, binary string) error {
	at, err := freeAddresses(ctx, 3)
	if err != nil {
		return err
	}
	j.GRPC, j.HTTP, j.Query = "http://"+at[0], "http://"+at[1], "http://"+at[2]
	j.process = exec.CommandContext(ctx, binary, "--config", j.dir+"/jaeger.yaml")
	j.process.SysProcAttr = endsWithParent()
	j.process.Dir = j.dir
	j.process.Env = []string{"WFOPS_JAEGER_OTLP_GRPC=" + at[0], "WFOPS_JAEGER_OTLP_HTTP=" + at[1], "WFOPS_JAEGER_QUERY=" + at[2]}
	j.process.Stdout, j.process.Stderr = &j.log, &j.log
	if err := j.process.Start(); err != nil {
		return fmt.Errorf("starting Jaeger: %w", err)
	}
	go func() {
		defer close(j.ended)
		j.err = j.process.Wait()
	}()
	return nil
}

// freeAddresses returns n addresses that nobody listens at.
func freeAddresses(ctx context.Context, n int) (at []string, err error) {
	var open []net.Listener // until the end, so that they differ
	for range n {
		l, failed := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if failed != nil {
			err = failed
			break
		}
		open, at = append(open, l), append(at, l.Addr().String())
	}
	for _, l := range open {
		err = errors.Join(err, l.Close())
	}
	return at, err
}

// ready waits until Jaeger takes an empty export and answers a query.
func (j *Jaeger) ready(ctx context.Context) error {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		err := j.answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-j.ended:
			return fmt.Errorf("Jaeger ended before it was ready: %w\n%s", j.err, j.log.Bytes())
		case <-ctx.Done():
			return fmt.Errorf("waiting for Jaeger: %w: %w", context.Cause(ctx), err)
		case <-t.C:
		}
	}
}

func (j *Jaeger) answers(ctx context.Context) error {
	if err := j.Export(ctx, []byte("{}")); err != nil {
		return err
	}
	_, err := j.Services(ctx)
	return err
}

// Export sends a request of OTLP in its JSON form, as a program without an SDK would.
func (j *Jaeger) Export(ctx context.Context, request []byte) error {
	_, err := call(ctx, http.MethodPost, j.HTTP+"/v1/traces", request)
	return err
}

// Stop ends Jaeger and waits until it has. The error tells if that was by force, or
// if it had ended by itself.
func (j *Jaeger) Stop() (err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(j.dir)) }()
	select {
	case <-j.ended:
		return fmt.Errorf("Jaeger ended by itself: %w\n%s", j.err, j.log.Bytes())
	default:
	}
	if err := j.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-j.ended:
		return nil
	case <-time.After(patience):
	}
	err = j.process.Process.Kill()
	<-j.ended
	return errors.Join(fmt.Errorf("Jaeger did not end within %s\n%s", patience, j.log.Bytes()), err)
}

// patience is how long Jaeger may take to stop.
const patience = 10 * time.Second

// call makes a request and returns the body of the answer.
func call(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, statusError{method + " " + url, answer.StatusCode, string(got)}
	}
	return got, nil
}

type statusError struct {
	request string
	code    int
	body    string
}

func (e statusError) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.request, e.code, http.StatusText(e.code), strings.TrimSpace(e.body))
}
