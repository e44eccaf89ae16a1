package diagnostics

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wfops/wfops/engine/history"
)

// Write writes b as JSON. The error wraps ErrBundleTooLarge if Read would not take it.
func Write(w io.Writer, b Bundle) error { return write(w, b, MaxBundleEvent, MaxBundleBytes) }

func write(w io.Writer, b Bundle, event, all int) error {
	buf := bufio.NewWriter(w)
	top, err := json.Marshal(head{Format: bundleFormat, Version: BundleVersion, Wire: history.Version, Bundle: b})
	if err != nil {
		return fmt.Errorf("writing the bundle of %s: %w", b.Instance, err)
	}
	top = append(top[:len(top)-1], `,"events":[`...)
	if _, err := buf.Write(top); err != nil {
		return fmt.Errorf("writing the bundle of %s: %w", b.Instance, err)
	}
	size := len(top) + len("\n]}")
	for i, ev := range b.Events {
		line, err := eventLine(ev)
		if size += len(line) + len(",\n"); err == nil && (len(line) > event || size > all) {
			err = fmt.Errorf("event %d: %w", ev.Seq, ErrBundleTooLarge)
		}
		if err != nil {
			return fmt.Errorf("writing the bundle of %s: %w", b.Instance, err)
		}
		if i > 0 {
			_ = buf.WriteByte(',') // its error stays, and comes from Flush
		}
		_ = buf.WriteByte('\n')
		_, _ = buf.Write(line)
	}
	_, _ = buf.WriteString("\n]}\n")
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("writing the bundle of %s: %w", b.Instance, err)
	}
	return nil
}

// eventLine is the wire format of an event with its number in front: a run of
// events can do without, but a person who looks for event 31, or cuts out a line,
// can't.
func eventLine(ev history.Event) ([]byte, error) {
	enc, err := history.Encode(ev)
	if err != nil {
		return nil, err
	}
	line := append([]byte(`{"seq":`), strconv.FormatInt(ev.Seq, 10)...)
	line = append(line, ',')
	return append(line, enc[len(`[{`):len(enc)-len(`]`)]...), nil
}

// WriteFile writes b to a file that only its owner can read, packed if the name
// ends in .gz. The file appears whole or not at all; one of that name is replaced.
func WriteFile(name string, b Bundle) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".wfh-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing a bundle: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(writePacked(f, b, strings.HasSuffix(name, ".gz")), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// FileName returns a name for the file of b, made of its ids. What a file can't be called
// is left out: nobody shall choose the folder by the id of an instance.
func (b Bundle) FileName() string {
	return fmt.Sprintf("%s-%s.wfh.gz", fileSafe(b.Instance.InstanceID), fileSafe(b.Instance.ExecutionID))
}

func fileSafe(id string) string {
	const longest = 80
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, id)
	return safe[:min(len(safe), longest)]
}

func writePacked(w io.Writer, b Bundle, pack bool) error {
	if !pack {
		return Write(w, b)
	}
	z := gzip.NewWriter(w)
	return errors.Join(Write(z, b), z.Close())
}
