package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfops/wfops/engine"
)

// migrate brings the schema up to date, or says why the store can't be used.
func (st *Store) migrate(ctx context.Context) error {
	latest := len(st.d.Migrations())
	return st.patiently(ctx, func() error {
		return st.writers.with(ctx, func(s *Session) (err error) {
			if st.schema, err = st.d.Schema(ctx, s); err != nil {
				return err
			}
			switch {
			case st.schema == latest:
				return nil
			case st.schema > latest:
				return fmt.Errorf("%w: its schema has version %d, this program knows versions up to %d; use a newer program",
					engine.ErrSchemaVersion, st.schema, latest)
			case st.cfg.ReadOnly || st.cfg.NoMigrations:
				return fmt.Errorf("%w: its schema has version %d, this program needs version %d; "+
					"open it once for writing with migrations, or run the statements of Migrations",
					engine.ErrSchemaVersion, st.schema, latest)
			}
			err = st.migrateTo(ctx, s, latest)
			if st.d.Classify(err) == Denied {
				err = fmt.Errorf("migrating the schema from version %d to %d, which an administrator can do with the statements of MigrationStatements: %w",
					st.schema, latest, err)
			}
			return err
		})
	})
}

// migrateTo applies what is missing, all in one transaction. Another process may
// have done it while this one waited for the lock.
func (st *Store) migrateTo(ctx context.Context, s *Session, latest int) error {
	if err := st.d.LockSchema(ctx, s); err != nil {
		return err
	}
	defer func() {
		if unlock := st.d.UnlockSchema(context.WithoutCancel(ctx), s); unlock != nil {
			s.broken = true // which ends it too
		}
	}()
	err := func() (err error) {
		if st.schema, err = st.d.Schema(ctx, s); err != nil {
			return err
		}
		for ; st.schema < latest; st.schema++ {
			if err := st.applyMigration(ctx, s, st.d.Migrations()[st.schema]); err != nil {
				return err
			}
			if err := st.d.SetSchema(ctx, s, st.schema+1); err != nil {
				return err
			}
		}
		_, err = s.Exec(ctx, "COMMIT")
		return err
	}()
	if err == nil {
		return nil
	}
	_, rollback := s.Exec(context.WithoutCancel(ctx), "ROLLBACK")
	s.broken = rollback != nil
	return errors.Join(err, rollback)
}

func (st *Store) applyMigration(ctx context.Context, s *Session, m Migration) error {
	for _, statement := range m.Statements {
		if _, err := s.Exec(ctx, statement); err != nil && st.d.Classify(err) != Repeated {
			return fmt.Errorf("migration %s: %w", m.Name, err)
		}
	}
	return nil
}
