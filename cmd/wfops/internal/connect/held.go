package connect

import (
	"os"
	"slices"
	"sync"

	"github.com/wfops/wfops/engine/backend"
)

// held are the database files that this process has open. POSIX drops all locks that a
// process has on a file when it closes any descriptor of it. So a file that SQLite has
// open must not be opened beside it, not even to be read: another process that closes
// its store would take the log for nobody's and remove it, with what is written to it
// after that.
var held openFiles

type openFiles struct {
	mu    sync.Mutex
	files []os.FileInfo
}

// add notes that a file is about to be opened.
func (o *openFiles) add(f os.FileInfo) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files = append(o.files, f)
}

// remove notes that a file that was added is closed.
func (o *openFiles) remove(f os.FileInfo) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.Index(o.files, f); i >= 0 {
		o.files = slices.Delete(o.files, i, i+1)
	}
}

// orLook returns what look finds out about a file, unless that is open: then it is a
// store. None is opened meanwhile.
func (o *openFiles) orLook(path string, look func(path string) bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	same := func(f os.FileInfo) bool { return os.SameFile(f, info) }
	return slices.ContainsFunc(o.files, same) || look(path)
}

// heldStore is a store whose file is held until it is closed.
type heldStore struct {
	backend.Backend

	file os.FileInfo
}

// Close implements backend.Backend.
func (h heldStore) Close() error {
	defer held.remove(h.file)
	return h.Backend.Close()
}
