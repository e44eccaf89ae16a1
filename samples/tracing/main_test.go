package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestMain runs the program itself when a test, or the program, starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("TRACING_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The tree is the one that make test-jaeger reads back from a Jaeger.
func TestItPrintsOneTree(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), "TRACING_PROCESS=1", endpoint+"=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	want, err := os.ReadFile("testdata/tree.txt")
	if err != nil {
		t.Fatal(err)
	}
	answer, tree, _ := strings.Cut(string(out), "\n")
	m := regexp.MustCompile(`^carried by pigeon, error <nil>, trace ([0-9a-f]{32})$`).FindStringSubmatch(answer)
	if m == nil {
		t.Fatalf("the answer is %q", answer)
	}
	if tree != "trace "+m[1]+"\n"+string(want) {
		t.Errorf("got\n%s\nwant one trace, %s\n%s", tree, m[1], want)
	}
}
