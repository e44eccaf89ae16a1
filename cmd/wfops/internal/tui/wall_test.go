package tui

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/diagnostics"
)

// program builds one that has the code of some workflows, as of after a change.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaries, "worker")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "../cli/testdata/worker")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// playFleet plays on orders of which some can't be replayed with the worker, which is
// in the current folder.
func playFleet(t *testing.T, w, h int, change func(*Options)) *player {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(path, "worker"); err != nil {
		t.Fatal(err)
	}
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	t.Cleanup(func() { _ = b.Close() })
	rows := []opstest.Row{
		opstest.Shipped("exits-1", "Exits", now.Add(-9*time.Hour), "post"), opstest.Shipped("gone-1", "Gone", now.Add(-8*time.Hour), "post"),
	}
	for i := range 3 {
		rows = append(rows, opstest.Shipped(fmt.Sprintf("renamed-%d", i), "Renamed", now.Add(-time.Duration(7-i)*time.Hour), "post"))
	}
	for i := range 24 {
		rows = append(rows, opstest.Shipped(fmt.Sprintf("good-%02d", i), "Good", now.Add(-4*time.Hour+time.Duration(i)*time.Minute), "rail"))
	}
	opstest.Seed(t, b, clock, rows)
	clock.Set(now)
	return playOn(t, b, clock, w, h, change)
}

func TestWallLooks(t *testing.T) {
	folder, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			p := playFleet(t, size[0], size[1], nil)
			p.press(":", "replay --filter type:* --with ./worker", "Enter")
			p.goldenIn(folder, fmt.Sprintf("wall_%d", size[0]))
		})
	}
	t.Run("ascii", func(t *testing.T) {
		p := playFleet(t, 80, 24, func(o *Options) { o.ASCII = true })
		p.press(":", "replay --filter type:* --with ./worker", "Enter")
		p.goldenIn(folder, "wall_ascii")
	})
}

// From the wall to the report of a group, to the fixtures of all that fail.
func TestWallIsFollowed(t *testing.T) {
	p := playFleet(t, 100, 30, nil)
	p.press(":", "replay --filter type:* --with ./worker", "Enter")
	p.sees("29 of 29 replayed", "24 ok", "3 diverged", "2 unanswerable", "NAME", "activity Charge | activity Charge")
	p.press("Enter")
	p.sees("DIVERGED  NAME  at event 3", "history says", "activity ChargeCard  at main.go:", "what you can do", "more below")
	p.press("G")
	p.sees("3 of 29 replayed differ alike: renamed-0, renamed-1, renamed-2", "stack of the code")
	p.press("Esc", "E", "Ctrl-U", "failing", "Enter")
	p.sees("5 histories were written to failing")
	files, err := filepath.Glob("failing/*")
	if err != nil || len(files) != 5 {
		t.Fatalf("%v, %v", files, err)
	}
	b, err := diagnostics.ReadFile(files[4])
	if err != nil || !strings.HasPrefix(b.Instance.InstanceID, "renamed-") {
		t.Errorf("%s holds %s, %v", files[4], b.Instance, err)
	}
}

// One instance, replayed with the program that was named once: report, all rows, and
// all that are open.
func TestReplayIsFollowed(t *testing.T) {
	p := playFleet(t, 100, 30, nil)
	p.press("/", "renamed-1", "Enter", "r", "./worker", "Enter")
	p.sees("DIVERGED  NAME  at event 3 of 9", "history says   activity Charge", "your code did  activity ChargeCard", "nothing was written", "wfops replay renamed-1 --with ./worker")
	p.press("d")
	p.sees("A history of renamed-1", "B your code", "activity Ship", "≠", "what follows the first difference")
	p.press("Esc", "A")
	p.sees("is:open type:Renamed", "no instance matches")
	p.press("Esc", "Esc")
	p.press("/", "Ctrl-U", "good-01", "Enter", "r")
	p.sees("OK", "the code repeats all 9 events")
}

func TestReplayWithNoReplayer(t *testing.T) {
	p := playFleet(t, 100, 30, nil)
	if err := os.WriteFile("text", []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.press(":", "replay --with ./text good-01", "Enter")
	p.sees("was not started")
	p.press("Esc", ":", "replay --with ./text --filter type:*", "Enter")
	p.sees("was not started", "nothing was replayed", "not all were replayed")
}

// A run that is interrupted leaves no process behind, and can be begun again.
func TestWallStops(t *testing.T) {
	p := playFleet(t, 100, 30, nil)
	p.press(":", "replay --filter type:* --with ./worker")
	for _, ev := range append(events("Enter"), events("Ctrl-C")...) {
		p.app.events <- ev
	}
	p.settle()
	p.sees("stopped before its end", "canceled")
	p.press("r")
	p.sees("29 of 29 replayed", "done")
}
