package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// Question is a query and what is done with each row of its answer.
type Question struct {
	Query string
	Args  []any
	Each  func(*Row)
}

// Asker is a driver.Stmt whose rows can be asked for together with those of the next
// statement. Its QueryContext returns a driver.RowsNextResultSet, which begins with the
// rows that were asked for before.
type Asker interface {
	AskContext(ctx context.Context, args []driver.NamedValue) error
}

// QueryAll runs queries together, in order, if the driver can, and hands out their
// answers in the same order.
func (s *Session) QueryAll(ctx context.Context, questions []Question) error {
	if len(questions) == 0 {
		return nil
	}
	for i := range questions[:len(questions)-1] {
		q := &questions[i]
		stmt, err := s.prepared(ctx, q.Query)
		if err != nil {
			return err
		}
		asker, ok := stmt.(Asker)
		if !ok { // and none of the others is one
			return s.queryInTurn(ctx, questions)
		}
		named, err := s.bind(q.Args)
		if err != nil {
			return err
		}
		if err := asker.AskContext(ctx, named); err != nil {
			return s.failed(q.Query, err)
		}
	}
	return s.answers(ctx, questions)
}

func (s *Session) queryInTurn(ctx context.Context, questions []Question) error {
	for _, q := range questions {
		if err := s.Query(ctx, q.Query, q.Each, q.Args...); err != nil {
			return err
		}
	}
	return nil
}

// answers asks the last question and reads the answers to all of them.
func (s *Session) answers(ctx context.Context, questions []Question) (err error) {
	last := questions[len(questions)-1]
	stmt, err := s.prepared(ctx, last.Query)
	if err != nil {
		return err
	}
	rows, err := s.begin(ctx, stmt, last.Query, last.Args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for i, q := range questions {
		if i > 0 {
			sets, ok := rows.(driver.RowsNextResultSet)
			if !ok {
				return fmt.Errorf("driver's %T lacks NextResultSet", rows)
			}
			if err := sets.NextResultSet(); err != nil {
				return s.failed(q.Query, err)
			}
		}
		if err := s.scan(rows, q.Query, q.Each); err != nil {
			return err
		}
	}
	return s.fail.reach(last.Query)
}
