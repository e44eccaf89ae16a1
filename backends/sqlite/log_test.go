package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wfops/wfops/engine"
)

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func createMany(t *testing.T, b *Backend, n int) {
	t.Helper()
	for i := range n {
		create(t, b, fmt.Sprintf("i%d", i))
	}
}

func TestABusyStoreMakesItsLogLongAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	b := open(t, file)
	createMany(t, b, busyCommits/2)
	if got := size(t, file+"-wal"); got >= logPages*pageSize {
		t.Fatalf("the log of an idle store has %d bytes", got)
	}
	before := size(t, file)
	for i := range busyCommits {
		create(t, b, fmt.Sprintf("more%d", i))
	}
	if got := size(t, file+"-wal"); got < logPages*pageSize {
		t.Errorf("the log of a busy store has %d bytes", got)
	}
	if got := size(t, file); got > before {
		t.Errorf("the database has grown from %d to %d bytes before its log was copied", before, got)
	}
	closeStore(t, b)

	b = open(t, file)
	defer closeStore(t, b)
	if _, err := b.Get(t.Context(), engine.Instance{InstanceID: "more99"}); err != nil {
		t.Error(err)
	}
}

func TestABusyStoreDoesWithoutRoomForALongerLog(t *testing.T) {
	b := openLimited(t, filepath.Join(t.TempDir(), "a.db"))
	defer closeStore(t, b)
	createMany(t, b, busyCommits+10)
}
