// Command worker is a worker with every vice that a replayer has to survive. The
// variable VICE says what it does before it serves, and the name of a workflow what
// that does.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/wfops/wfops/diagnostics/replay"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

// early is what some logger keeps before main runs.
var early = os.Stdout

func main() {
	before(os.Getenv("VICE"))
	reg := registry.New()
	for name, wf := range workflows {
		if err := reg.RegisterWorkflow(wf, registry.WithName(name)); err != nil {
			panic(err)
		}
	}
	s := settings.Settings{Codec: codec{}}
	if os.Getenv("VICE") == "patient" {
		s.StepDeadline = -1
	}
	replay.Serve(reg, replay.WithSettings(s))
	work("")
}

func before(vice string) {
	switch vice {
	case "prints":
		fmt.Println("welcome to the worker")
		fmt.Fprintln(os.Stderr, "and to its log")
	case "floods":
		line := make([]byte, 1000)
		for range 3000 {
			fmt.Printf("%x\n", line)
		}
	case "shows its environment":
		for _, v := range os.Environ() {
			fmt.Println(v)
		}
		dir, _ := os.Getwd()
		files, _ := os.ReadDir(dir)
		fmt.Println("files:", len(files))
	case "reads":
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	case "blocks":
		select {}
	case "exits":
		fmt.Println("no configuration")
		os.Exit(3)
	case "panics":
		panic("no configuration")
	case "version":
		say("H", 0, fmt.Sprintf(`{"protocol":%q,"version":99}`, "github.com/wfops/wfops/diagnostics/replay: this program serves replays"))
		select {}
	case "another protocol":
		say("H", 0, `{"protocol":"of another program","version":1}`)
		select {}
	case "garbled hello":
		say("H", 0, `{"protocol":`)
		select {}
	case "endless hello":
		fmt.Print(os.Getenv("WFOPS_REPLAY") + "H\x00\x00\x00\x00\xff\xff\xff\xff")
		select {}
	case "garbage":
		hello()
		fmt.Println("and now for something completely different, at some length")
		select {}
	case "garbage later":
		hello()
		say("B", 1, "{}")
		fmt.Println("and now for something completely different, at some length")
		select {}
	case "another's answer":
		hello()
		say("B", 1, "{}")
		say("A", 7, "{}")
		select {}
	case "garbled answer":
		hello()
		say("B", 1, "{}")
		say("A", 1, `{"report":7}`)
		select {}
	case "deaf":
		hello()
		select {}
	case "works before it serves":
		os.Clearenv()
		work("as a replayer")
	}
}

func hello() {
	say("H", 0, `{"protocol":"github.com/wfops/wfops/diagnostics/replay: this program serves replays","version":1}`)
}

// say writes a frame without the package's help.
func say(kind string, number byte, body string) {
	fmt.Print(os.Getenv("WFOPS_REPLAY") + kind + string([]byte{0, 0, 0, number, 0, 0, 0, byte(len(body))}) + body)
}

var (
	count int
	eaten [][]byte
)

// workflows do what their names say, and then what history has.
var workflows = map[string]any{
	"ok":      good,
	"changed": func(ctx workflow.Context, _ int) (int, error) { return run(ctx, "b", 1) },
	"prints": func(ctx workflow.Context, n int) (int, error) {
		fmt.Println("printed by a workflow")
		fmt.Fprintln(early, "printed early by a workflow")
		other := exec.Command("/bin/echo", "printed by another program")
		other.Stdout = os.Stdout
		_ = other.Run()
		return good(ctx, n)
	},
	"reads": func(ctx workflow.Context, n int) (int, error) {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if line != "" || err == nil {
			return run(ctx, "has read "+line, 1)
		}
		return good(ctx, n)
	},
	"exits":  func(workflow.Context, int) (int, error) { os.Exit(3); return 0, nil },
	"goexit": func(ctx workflow.Context, n int) (int, error) { runtime.Goexit(); return 0, nil },
	"panics": func(ctx workflow.Context, n int) (int, error) { panic("in the workflow") },
	"panics elsewhere": func(ctx workflow.Context, n int) (int, error) {
		go explode()
		<-time.After(time.Minute)
		return good(ctx, n)
	},
	"loops": func(workflow.Context, int) (int, error) {
		for {
			count++
		}
	},
	"waits": func(workflow.Context, int) (int, error) { return stuck(), nil },
	"spawns": func(ctx workflow.Context, n int) (int, error) {
		go leftBehind()
		return good(ctx, n)
	},
	"eats": func(ctx workflow.Context, n int) (int, error) {
		for begun := time.Now(); time.Since(begun) < 10*time.Second; {
			b := make([]byte, 4<<20)
			for i := range b {
				b[i] = byte(i)
			}
			eaten = append(eaten, b)
		}
		return len(eaten), nil
	},
	"grows": func(ctx workflow.Context, n int) (int, error) {
		time.AfterFunc(300*time.Millisecond, func() {
			for begun := time.Now(); time.Since(begun) < 10*time.Second; {
				eaten = append(eaten, bytes.Repeat([]byte{1}, 4<<20))
			}
		})
		return good(ctx, n)
	},
	"recurses": func(workflow.Context, int) (int, error) { return forever(1), nil },
	"leaks": func(ctx workflow.Context, n int) (int, error) {
		if count++; count > 70 { // more than the passes of one replay
			return run(ctx, "b", 1)
		}
		return good(ctx, n)
	},
	"drawn: first as recorded": func(ctx workflow.Context, n int) (int, error) { return drawn(ctx, !first) },
	"drawn: then as recorded":  func(ctx workflow.Context, n int) (int, error) { return drawn(ctx, first) },
	"random": func(ctx workflow.Context, n int) (int, error) {
		if rand.IntN(2) == 0 {
			return run(ctx, "b", 1)
		}
		return good(ctx, n)
	},
	"codec": good,
	"steps": func(ctx workflow.Context, n int) (int, error) { return run(ctx, "a", n) },
	"late": func(ctx workflow.Context, n int) (int, error) {
		if _, err := run(ctx, "a", n/2); err != nil {
			return 0, err
		}
		if _, err := run(ctx, "b", 1); err != nil {
			return 0, err
		}
		return run(ctx, "a", n)
	},
}

func good(ctx workflow.Context, _ int) (int, error) { return run(ctx, "a", 1) }

func run(ctx workflow.Context, activity string, times int) (int, error) {
	for range times {
		if _, err := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, activity).Get(ctx); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// first tells that no process before this one was told of the same file.
var first = func() bool {
	f, err := os.OpenFile(os.Getenv("MARK"), os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	return err == nil
}()

func drawn(ctx workflow.Context, otherwise bool) (int, error) {
	if otherwise {
		return run(ctx, "b", 1)
	}
	return run(ctx, "a", 1)
}

func explode() { panic("in a goroutine") }

func leftBehind() { select {} }

func stuck() int {
	<-make(chan int)
	return 0
}

func forever(n int) int { return n + forever(n+1) }

// codec is none, but for payloads that tell it to misbehave.
type codec struct{}

func (codec) Seal(b engine.Payload) (engine.Payload, error) { return b, nil }

func (codec) Open(b engine.Payload) (engine.Payload, error) {
	if n, err := strconv.Atoi(string(b)); err == nil {
		switch n {
		case 1001:
			panic("in the codec")
		case 1002:
			runtime.Goexit()
		case 1003:
			select {}
		case 1004:
			return nil, errors.New("no key")
		}
	}
	return b, nil
}
