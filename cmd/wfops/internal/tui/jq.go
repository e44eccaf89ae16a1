package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// jqScreen is what a jq program makes of a document.
type jqScreen struct {
	a       *app
	doc     string
	program string
	// twin is the command line that shows the same.
	twin func(program string) string
	json jsonPane
	err  error
}

// Bounds of what a program may do.
const (
	jqTime    = 2 * time.Second
	jqResults = 10_000
	jqBytes   = 8 << 20
)

// askJQ asks for a program, and shows what it makes of a document.
func (a *app) askJQ(doc, program string, twin func(string) string) {
	a.over = newPrompt("jq: ", program, func(text string, final bool) {
		if final && text != "" {
			a.show(&jqScreen{a: a, doc: doc, program: text, twin: twin})
		}
	})
}

func (*jqScreen) scopes() []command.Scope   { return []command.Scope{command.ScopeData} }
func (j *jqScreen) title() string           { return "jq " + view.Clip(j.program, 40) }
func (*jqScreen) chosen() []backend.Summary { return nil }

func (j *jqScreen) facts() []view.Cell {
	if j.json.wanted != "" {
		return []view.Cell{{Text: "/" + j.json.wanted + " n N", Style: view.Waiting}}
	}
	return []view.Cell{{Text: "Esc back to the whole", Style: view.Muted}}
}

// refresh runs the program, once.
func (j *jqScreen) refresh() {
	if j.json.tree != nil || j.err != nil || j.a.underWay(j, "jq") {
		return
	}
	doc, program := j.doc, j.program
	ask(j.a, j, "jq", func(ctx context.Context) (*view.JSON, error) {
		ctx, cancel := context.WithTimeout(ctx, jqTime)
		defer cancel()
		return queried(ctx, program, []byte(doc))
	}, func(tree *view.JSON, err error) { j.json.tree, j.err = tree, err })
}

// queried returns the one result of a program, or the list of its results.
func queried(ctx context.Context, program string, doc []byte) (*view.JSON, error) {
	var all [][]byte
	size, note := 0, ""
	for v, err := range values.Query(ctx, program, doc) {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("it was not done after %v", jqTime)
		}
		var text []byte
		if err == nil {
			text, err = values.QueryJSON(v)
		}
		if err != nil {
			return nil, err
		}
		all, size = append(all, text), size+len(text)
		if len(all) == jqResults || size > jqBytes {
			note = fmt.Sprintf("the first %s results", view.Count(int64(len(all))))
			break
		}
	}
	if len(all) == 0 {
		return nil, errors.New("it has no result")
	}
	text := all[0]
	if len(all) > 1 {
		text = append(append([]byte("["), bytes.Join(all, []byte(","))...), ']')
	}
	tree := view.ParseJSON(text)
	if note != "" {
		tree.Note = note
	}
	return tree, nil
}

func (j *jqScreen) draw(at grid.Area, o view.Options) {
	at, foot := at.Bottom(1)
	foot.Right(0, 0, view.Cell{Text: j.twin(j.program), Style: view.Muted})
	switch {
	case j.err != nil:
		at.Line(0, 0, view.Cell{Text: "jq: " + j.err.Error(), Style: view.Bad})
	case j.json.tree == nil:
		at.Line(0, 0, view.Cell{Text: "working...", Style: view.Muted})
	default:
		j.json.draw(at, o, true)
	}
}

func (j *jqScreen) do(name string) bool {
	if j.json.do(name) {
		return true
	}
	switch name {
	case "jq": // another try of the same
		j.a.back()
		j.a.askJQ(j.doc, j.program, j.twin)
	case "filter":
		j.a.over = newPrompt("/", j.json.wanted, func(text string, _ bool) {
			j.json.wanted = text
			j.json.find(false)
		})
	case "next", "previous":
		if !j.json.find(name == "previous") {
			j.a.say(view.Muted, "no value has "+j.json.wanted)
		}
	default:
		return false
	}
	return true
}

func (j *jqScreen) click(x, y int) { j.json.click(x, y) }

func (j *jqScreen) copies() []copyItem {
	twin := copyItem{"command that shows this", j.twin(j.program)}
	if j.json.tree == nil {
		return []copyItem{twin}
	}
	return []copyItem{{"value under the cursor", j.json.tree.Text(j.json.table.cursor)}, {"all of it", j.json.tree.Doc()}, twin}
}

var _ copier = (*jqScreen)(nil)
