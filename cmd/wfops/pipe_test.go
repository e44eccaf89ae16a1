package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/servertest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// shell runs a line of sh in which wfops is the program and $FILE a store of three
// instances, of which order-0 has failed and order-1 is complete.
func shell(t *testing.T, path, line string) (out, stderr string, exit int) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no shell")
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "wfops"))
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "sh", "-c", line) //nolint:gosec // ours
	cmd.Env = append(os.Environ(), asProgram+"=1", "WFOPS_DSN=", endsAtOnce(), "FILE="+path, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	return output(t, cmd)
}

// ended is a store in which order-0 has failed, order-1 is complete and order-2 runs.
func ended(t *testing.T) (path string, b backend.Backend) {
	t.Helper()
	path, b = store(t, 3)
	end(t, b)
	return path, b
}

func end(t *testing.T, b backend.Backend) {
	t.Helper()
	claimed, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{Worker: "w-1", Queues: []engine.Queue{"default"}, Workflows: []string{"Order"}, Max: 3, Lease: time.Minute})
	if err != nil || len(claimed.Tasks) != 3 {
		t.Fatalf("%d tasks, %v", len(claimed.Tasks), err)
	}
	failure := "the card was refused"
	bodies := map[string]history.Body{"order-0": history.WorkflowFailed{Failure: &engine.Failure{Message: failure}}, "order-1": history.WorkflowCompleted{}}
	statuses := map[string]engine.Status{"order-0": engine.StatusFailed, "order-1": engine.StatusCompleted, "order-2": engine.StatusRunning}
	for _, task := range claimed.Tasks {
		id := task.Instance.InstanceID
		started, err := task.Inbox[0].Event.DecodeOne()
		if err != nil {
			t.Fatal(err)
		}
		events := []history.Event{started}
		if bodies[id] != nil {
			events = append(events, history.Event{At: time.Now(), Body: bodies[id]})
		}
		encoded, err := history.Encode(events...)
		if err != nil {
			t.Fatal(err)
		}
		commit := backend.WorkflowCommit{
			Instance: task.Instance, Token: task.Token, ExpectSeq: task.LastSeq, StepID: engine.NewID(), Events: encoded, Count: len(events), Consume: []int64{task.Inbox[0].ID}, Status: statuses[id],
		}
		if id == "order-0" {
			commit.Summary.LastError = &failure
		}
		if err := b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{commit})[0].Err; err != nil {
			t.Fatal(err)
		}
	}
}

// What people write into scripts.
func TestScripts(t *testing.T) {
	path, _ := ended(t)
	for _, tc := range []struct{ line, out, stderr string }{
		{`wfops "$FILE" list --filter status:failed -o json | jq -r '.schema, .items[].instance_id, .items[].last_error'`, "wfops.list/v1\norder-0\nthe card was refused\n", ""},
		{`wfops "$FILE" list -o jsonl --sort created | jq -r .instance_id`, "order-2\norder-1\norder-0\n", ""},
		{`wfops "$FILE" wait order-1 --for completed --timeout 10s; echo $?`, "order-1 is completed\n0\n", ""},
		{`wfops "$FILE" wait order-0 --for completed --timeout 10s; echo $?`, "order-0 is failed\n1\n", "the card was refused\n"},
		{`wfops "$FILE" wait order-2 --for completed --timeout 100ms 2>/dev/null; echo $?`, "124\n", ""},
		{`wfops "$FILE" wait nobody --timeout 10s; echo $?`, "4\n", "wfops: there is no instance \"nobody\"\n"},
		{`wfops "$FILE" health; echo $?`, "healthy: sqlite, 0 queues, 0 workers\n0\n", ""},
		{`wfops "$FILE" list -o name | head -1; echo $?`, "order-0\n0\n", ""},
		{`wfops "$FILE" list --filter status:failed --columns instance,status`, "order-0\tfailed\n", ""},
		{`wfops "$FILE" list --filter is:open -o name | wfops "$FILE" pause - --reason night --yes; echo $?`, "order-2\trunning\tpause\tdone\n0\n", ""},
		{`wfops "$FILE" terminate order-2 --reason r </dev/null; echo $?`, "5\n", "wfops: not confirmed: terminate 1 instance needs --yes where nobody can be asked\n"},
		{`wfops missing.db list; echo $?; ls`, "3\nwfops\n", "wfops: opening missing.db: stat missing.db: no such file or directory\n"},
		{`export WFOPS_DSN="$FILE"; wfops list -o name | wc -l | tr -d ' '`, "3\n", ""},
		{`wfops "$FILE" list > /dev/full; echo $?`, "74\n", "wfops: the answer can't be written: write /dev/stdout: no space left on device\n"},
		{`wfops help filter > /dev/full; echo $?`, "74\n", "wfops: the answer can't be written: write /dev/stdout: no space left on device\n"},
		{`wfops "$FILE" list --watch=100ms -o jsonl > /dev/full; echo $?`, "74\n", "{\"schema\":\"wfops.error/v1\",\"exit\":74,\"message\":\"the answer can't be written: write /dev/stdout: no space left on device\"}\n"},
		{`wfops "$FILE" queues --watch=100ms -o json > /dev/full; echo $?`, "74\n", "{\"schema\":\"wfops.error/v1\",\"exit\":74,\"message\":\"the answer can't be written: write /dev/stdout: no space left on device\"}\n"},
	} {
		if strings.Contains(tc.line, "jq ") && !has("jq") || strings.Contains(tc.line, "/dev/full") && runtime.GOOS != "linux" {
			continue
		}
		out, stderr, _ := shell(t, path, tc.line)
		if out != tc.out || stderr != tc.stderr {
			t.Errorf("%s\n%s%s\nwant\n%s%s", tc.line, out, stderr, tc.out, tc.stderr)
		}
	}
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// Without a command and a terminal there is help, on standard error, and no screen.
func TestNoCommandIntoAPipe(t *testing.T) {
	path, _ := ended(t)
	for _, line := range []string{`wfops "$FILE" | cat`, `wfops "$FILE" </dev/null | cat`, `wfops | cat`, `TERM=dumb wfops "$FILE" | cat`} {
		out, stderr, _ := shell(t, path, line)
		if out != "" || !strings.Contains(stderr, "Usage:") || strings.Contains(stderr, "\x1b") {
			t.Errorf("%s: %q, %s", line, out, stderr)
		}
	}
	if _, _, exit := shell(t, path, `wfops "$FILE" </dev/null >out`); exit != 2 {
		t.Errorf("exit %d", exit)
	}
}

// Whatever it is that a command waits for, Ctrl-C and SIGTERM end it, with an exit
// code that tells so and nothing to say.
func TestInterruptions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such signals")
	}
	path, _ := ended(t)
	var config net.ListenConfig
	mute, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	came := make(chan struct{}, 10)
	go func() {
		for {
			if _, err := mute.Accept(); err != nil {
				return
			}
			came <- struct{}{}
		}
	}()
	for _, args := range [][]string{
		{path, "list", "--watch=10ms"}, {path, "health", "--watch=10ms"}, {"mysql://app@" + mute.Addr().String() + "/wf", "list"}, {"redis://" + mute.Addr().String() + "/0", "wait", "x"},
	} {
		for sig, exit := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
			cmd := program(t, args...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(args[0], "://") {
				<-came
			} else if _, err := out.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it tells the exit code again
			if got := cmd.ProcessState.ExitCode(); got != exit || stderr.Len() > 0 {
				t.Errorf("%q, %v: exit %d, %s", args, sig, got, stderr.String())
			}
		}
	}
}

// The program says nothing but what it was asked for, on each server.
func TestProgramOnServers(t *testing.T) {
	for _, kind := range servertest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			dsn := servertest.DSN(t, kind)
			b, err := backends.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = b.Close() }()
			create(t, b, 3)
			end(t, b)
			var list struct{ Items []struct{ Status string } }
			out, stderr, exit := output(t, program(t, dsn, "list", "--filter", "status:failed", "-o", "json"))
			if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Items) != 1 || list.Items[0].Status != "failed" || stderr != "" || exit != 0 {
				t.Errorf("exit %d, %v\n%s%s", exit, err, out, stderr)
			}
			if out, stderr, exit := output(t, program(t, dsn, "health")); !strings.HasPrefix(out, "healthy") || stderr != "" || exit != 0 {
				t.Errorf("exit %d\n%s%s", exit, out, stderr)
			}
			if out, stderr, exit := output(t, program(t, dsn, "wait", "order-1", "--for", "completed", "--timeout", "10s")); out != "order-1 is completed\n" || stderr != "" || exit != 0 {
				t.Errorf("exit %d\n%s%s", exit, out, stderr)
			}
			if _, stderr, exit := output(t, program(t, dsn, "pause", "order-2", "--reason", "r")); exit != 5 || !strings.Contains(stderr, "--write") {
				t.Errorf("exit %d\n%s", exit, stderr)
			}
		})
	}
}
