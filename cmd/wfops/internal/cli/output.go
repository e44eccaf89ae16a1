package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// The output formats.
const (
	formatTable = "table"
	formatWide  = "wide"
	formatJSON  = "json"
	formatJSONL = "jsonl"
	formatYAML  = "yaml"
	formatName  = "name"
)

func formats() []string {
	return []string{formatTable, formatWide, formatJSON, formatJSONL, formatYAML, formatName}
}

func (s *session) isJSON() bool {
	return s.flags.output == formatJSON || s.flags.output == formatJSONL
}

// isTable reports whether people read the output.
func (s *session) isTable() bool {
	return s.flags.output == formatTable || s.flags.output == formatWide
}

// print writes one answer: a table for people, a document for programs. names are
// what -o name prints.
func (s *session) print(t view.Table, doc any, names []string) error {
	switch s.flags.output {
	case formatTable, formatWide:
		return s.table(t, true)
	case formatName:
		return s.names(names)
	}
	return s.document(doc)
}

// table writes a table; further pages of one have no titles.
func (s *session) table(t view.Table, first bool) error {
	t, done, err := s.selectColumns(t)
	if err != nil || done {
		return err
	}
	if !s.env.OutTTY {
		return s.tabbed(t.Words(), first && s.flags.header)
	}
	width := s.env.Width
	if s.flags.output == formatWide {
		width = 0
	}
	lines := view.Layout(t, width)
	if !first {
		lines = lines[1:]
	}
	return s.lines(lines)
}

// selectColumns applies --columns and -o wide. done tells that the columns themselves
// were asked for.
func (s *session) selectColumns(t view.Table) (selected view.Table, done bool, err error) {
	switch {
	case slices.Equal(s.flags.columns, []string{"help"}):
		return t, true, s.printColumns(t)
	case len(s.flags.columns) > 0:
		picked, unknown := t.Select(s.flags.columns)
		if len(unknown) > 0 {
			err = usageError{fmt.Errorf("there is no column %q; there are %s", unknown[0], strings.Join(t.Keys(), ", "))}
		}
		return picked, false, err
	case s.flags.output == formatWide:
		return t, false, nil
	}
	return t.Narrow(), false, nil
}

// tabbed writes a line for each row, whole. It has colors only where these are forced.
func (s *session) tabbed(t view.Table, header bool) error {
	var b strings.Builder
	if header {
		titles := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			titles[i] = c.Title
		}
		b.WriteString(strings.Join(titles, "\t") + "\n")
	}
	for _, row := range t.Rows {
		texts := make([]string, len(row))
		for i, c := range row {
			c.Text = view.Escape(c.Text)
			texts[i] = s.paint(c)
		}
		b.WriteString(strings.Join(texts, "\t") + "\n")
	}
	_, err := io.WriteString(s.env.Out, b.String())
	return err
}

// names writes what other commands take as arguments. A terminal gets them escaped;
// one that has a line break is never written as it is.
func (s *session) names(names []string) error {
	var b strings.Builder
	for _, name := range names {
		if s.env.OutTTY || strings.ContainsAny(name, "\r\n") {
			name = view.Escape(name)
		}
		b.WriteString(name + "\n")
	}
	_, err := io.WriteString(s.env.Out, b.String())
	return err
}

// document writes one document.
func (s *session) document(doc any) error {
	line, err := encode(doc)
	if err != nil {
		return err
	}
	switch {
	case s.flags.jq != "":
		return s.query(line)
	case s.flags.output == formatYAML:
		return writeYAML(s.env.Out, line)
	case s.flags.output == formatJSON:
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, line, "", "  "); err != nil {
			return err
		}
		line = pretty.Bytes()
	}
	_, err = s.env.Out.Write(append(line, '\n'))
	return err
}

// encode writes characters as they are, and not for HTML, except for those that a
// terminal would act upon: what they are is escaped, which JSON allows for any.
func encode(doc any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("encoding a document: %w", err)
	}
	return view.EscapeJSON(bytes.TrimRight(b.Bytes(), "\n")), nil
}
