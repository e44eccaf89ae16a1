package replay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrNotReplayer tells that a file does not call Serve. It was not started.
var ErrNotReplayer = errors.New("the program is no replayer")

// marker is in every program that calls Serve, which tells it as the protocol's name,
// and in no other: the linker keeps only what can be reached.
const marker = "github.com/wfops/wfops/diagnostics/replay: this program serves replays"

// needle is marker, put together so that the programs that look for it don't have it.
func needle() []byte {
	return []byte(strings.Join([]string{"github.com/wfops/wfops/diagnostics/replay:", "this", "program", "serves", "replays"}, " "))
}

// inspect looks for the marker in a file, and returns the build id that a worker of
// this program has by default.
func inspect(path string) (build string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(fmt.Errorf("%s is no file: %w", path, ErrNotReplayer), err)
	}
	sum := sha256.New()
	found, err := contains(io.TeeReader(f, sum), needle())
	switch {
	case err != nil:
		return "", fmt.Errorf("reading %s: %w", path, err)
	case !found:
		return "", fmt.Errorf("%s: %w and was not started: its main has to call replay.Serve(registry) first of all; if it does, the file is packed or too old", path, ErrNotReplayer)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6]), nil
}

// contains reads r to its end.
func contains(r io.Reader, want []byte) (found bool, err error) {
	buf, kept := make([]byte, 1<<20), 0
	for {
		n, err := r.Read(buf[kept:])
		got := buf[:kept+n]
		found = found || bytes.Contains(got, want)
		kept = copy(buf, got[max(0, len(got)-len(want)+1):])
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
	}
}
