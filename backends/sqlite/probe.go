package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
)

// refuseForeign returns an error if the file certainly belongs to something else.
// It leaves no trace: SQLite is told that the file never changes, and so takes no
// lock, and neither makes nor recovers a -wal file. (The file is not read without
// SQLite: closing it would drop the locks that other connections of this process
// have on it.) What is uncertain is decided later, under a lock.
func refuseForeign(ctx context.Context, path string) (err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sqlite: looking at %s: %w", path, err)
	}
	if info.Size() == 0 {
		return nil
	}
	d := &dialect{}
	err = sqlstore.Once(ctx, d, opener(fileURI(path, "mode=ro&immutable=1"), true), func(s *sqlstore.Session) error {
		_, err := d.Schema(ctx, s)
		return err
	})
	switch {
	case errors.Is(err, engine.ErrNotAStore):
		return fmt.Errorf("sqlite: %s: %w", path, err)
	case d.Classify(err) == sqlstore.NotAStore:
		return fmt.Errorf("sqlite: %s: %w: %w", path, engine.ErrNotAStore, err)
	}
	return nil
}
