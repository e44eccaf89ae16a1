package orders

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/wfops/wfops/engine/activity"
)

// Journal is a file of one line for each beginning and each end of an attempt:
//
//	instance ref attempt start|end unix-nanoseconds
//
// Each line is one write to a file opened for appending, so it is there whole even
// if the process is killed right after, and any number of processes may share it.
type Journal struct{ file *os.File }

type phase string

const (
	phaseStart phase = "start"
	phaseEnd   phase = "end"
)

// OpenJournal opens or creates a journal.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return &Journal{file: f}, nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

func (j *Journal) note(info activity.Task, p phase) error {
	_, err := fmt.Fprintf(j.file, "%s %d %d %s %d\n", info.Instance, info.Ref, info.Attempt, p, time.Now().UnixNano())
	return err
}

// entry is one line of a journal.
type entry struct {
	job
	attempt int
	phase   phase
	at      time.Time
}

// job is an activity of an execution.
type job struct {
	instance string
	ref      int64
}

// readJournal returns the entries in the order in which they were written.
func readJournal(path string) ([]entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	var entries []entry
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e entry
		var ns int64
		if _, err := fmt.Sscan(lines.Text(), &e.instance, &e.ref, &e.attempt, &e.phase, &ns); err != nil {
			return nil, fmt.Errorf("line %d of the journal, %q: %w", len(entries)+1, strings.TrimSpace(lines.Text()), err)
		}
		e.at = time.Unix(0, ns)
		entries = append(entries, e)
	}
	return entries, nil
}
