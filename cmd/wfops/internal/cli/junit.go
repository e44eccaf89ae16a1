package cli

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

// junitCase is a test case in the format that CI systems read. Numbers of the suite
// are left out, since cases are written as they come.
type junitCase struct {
	XMLName xml.Name     `xml:"testcase"`
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Failure *junitReason `xml:"failure"`
	Error   *junitReason `xml:"error"`
}

type junitReason struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

const (
	junitHead = xml.Header + "<testsuites><testsuite name=\"wfops replay\">\n"
	junitTail = "</testsuite></testsuites>\n"
)

func (g *gate) writeJUnit(a fleet.Answer) error {
	r := a.Result.Report
	one := junitCase{Class: view.Escape(r.Workflow), Name: view.Escape(a.Name)}
	if r.Verdict != diagnostics.VerdictOK {
		var text strings.Builder
		for _, line := range view.Report(r, a.Result.Notes, g.s.view(g.s.clock()), 0) {
			text.WriteString(textOf(line) + "\n")
		}
		reason := &junitReason{Type: string(r.Class), Message: view.Escape(r.Summary), Text: text.String()}
		if one.Error = reason; r.Verdict == diagnostics.VerdictDiverged {
			one.Failure, one.Error = reason, nil
		}
	}
	text, err := xml.Marshal(one)
	if err != nil {
		return err
	}
	lead := ""
	if g.written == 0 {
		lead = junitHead
	}
	_, err = io.WriteString(g.s.env.Out, lead+string(text)+"\n")
	return err
}

func (g *gate) endJUnit() error {
	lead := ""
	if g.written == 0 {
		lead = junitHead
	}
	_, err := io.WriteString(g.s.env.Out, lead+junitTail)
	return err
}
