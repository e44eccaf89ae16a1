package view

import (
	"strings"
	"time"
)

// Place is a store that could be opened.
type Place struct {
	// Name opens it, and has no secrets.
	Name string
	// From is where it is known from: profile, WFOPS_DSN, this folder.
	From string
	// Kind of store, and where it is, without secrets.
	Kind, Target string
	// Writable tells whether it would be opened for changes, Why is the reason.
	Writable bool
	Why      string
	// Password is where that comes from, Source where the place is written down,
	// Replayer the program that has the code, Environment what it is used for. Each may
	// be empty.
	Password, Source, Replayer, Environment string
	// Codec is the program that opens and seals payloads, or "".
	Codec string
	// Quick ones are tried without being asked to: nobody is asked for a password, and it
	// takes no time.
	Quick bool
	// Problem is why it can't be opened as it is written, or nil.
	Problem error
}

// Check is one thing that was looked at when a place was tried.
type Check struct {
	Name string
	// Style is Good, Waiting for what is odd, or Bad.
	Style Style
	Text  string
}

// Checked is what trying a place has told.
type Checked struct {
	Checks []Check
	// Summary is a line of it; if the place can't be used, Err is why.
	Summary string
	Err     error
	Took    time.Duration
}

// Trial is how far the trial of a place is.
type Trial struct {
	// Running trials have no answer yet. Done ones have one.
	Running, Done bool
	Checked
}

// Places is the table of stores that could be opened, with what trying them has told.
func Places(all []Place, trials []Trial, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "place", Title: "NAME", Min: 8, Max: 30},
		{Key: "kind", Title: "KIND", Rank: 3},
		{Key: "target", Title: "STORE", Min: 16, Max: 60, Rank: 1},
		{Key: "mode", Title: "MODE"},
		{Key: "from", Title: "FROM", Rank: 4},
		{Key: "status", Title: "STATUS", Min: 16},
	}}
	for i, p := range all {
		mode := Cell{"RO", Good}
		if p.Writable {
			mode = Cell{"RW", Attention}
		}
		target := address(p.Target)
		if p.Target == p.Name {
			target = ""
		}
		t.Rows = append(t.Rows, []Cell{{p.Name, Plain}, {p.Kind, Muted}, {target, Plain}, mode, {p.From, Muted}, o.trial(p, trials[i])})
	}
	return t
}

// address is where a store is, without what other columns say or nobody needs.
func address(target string) string {
	if _, rest, found := strings.Cut(target, "://"); found {
		return strings.Replace(rest, ":••••@", "@", 1)
	}
	return target
}

func (o Options) trial(p Place, t Trial) Cell {
	switch {
	case p.Problem != nil:
		return Cell{o.cell(signFailed, Bad).Text + " " + p.Problem.Error(), Bad}
	case t.Running:
		return Cell{"trying...", Muted}
	case !t.Done:
		return Cell{"not tried", Muted}
	case t.Err != nil:
		return Cell{o.cell(signFailed, Bad).Text + " " + t.Err.Error(), Bad}
	}
	style := Good
	for _, c := range t.Checks {
		if c.Style != Good {
			style = Waiting
		}
	}
	if style == Waiting {
		return Cell{o.cell(signAttention, Waiting).Text + " " + t.Summary, Waiting}
	}
	return Cell{o.cell(signCompleted, Good).Text + " " + t.Summary, Good}
}

// PlaceFacts says in lines what is known of a place.
func PlaceFacts(p Place, width int) Lines {
	var l Lines
	mode := "read-only"
	if p.Writable {
		mode = "read-write"
	}
	for _, fact := range []struct {
		name, value string
		style       Style
	}{
		{"store", p.Target, Plain}, {"password", fromWhere(p.Password), Plain}, {"mode", mode + ": " + p.Why, Plain}, {"used for", p.Environment, Plain},
		{"replayer", p.Replayer, Plain}, {"codec", p.Codec, Plain}, {"source", p.Source, Muted},
	} {
		l.fact(fact.name, fact.value, fact.style, width)
	}
	return l
}

func fromWhere(password string) string {
	if password == "" {
		return ""
	}
	return "from " + password
}

// factName is how wide the names of facts are.
const factName = 10

// fact adds a name with a value that may take several lines.
func (l *Lines) fact(name, value string, style Style, width int) {
	for _, line := range Paragraph(value, width-factName) {
		l.add(Cell{Pad(Clip(name, factName-1), factName, false), Header}, Cell{line, style})
		name = ""
	}
}

// TrialFacts says in lines what trying a place has told, errors in full.
func TrialFacts(p Place, t Trial, o Options, width int) Lines {
	var l Lines
	switch {
	case p.Problem != nil:
		l.check(Check{"written", Bad, p.Problem.Error()}, o, width)
	case t.Running:
		l.add(Cell{"trying...", Muted})
	case !t.Done:
		l.add(Cell{"not tried yet: t tries it", Muted})
	}
	for _, c := range t.Checks {
		l.check(c, o, width)
	}
	if t.Done && t.Err != nil {
		l.check(Check{"error", Bad, t.Err.Error()}, o, width)
	}
	return l
}

func (l *Lines) check(c Check, o Options, width int) {
	s := signCompleted
	switch c.Style { //nolint:exhaustive // Good is the third
	case Waiting:
		s = signAttention
	case Bad:
		s = signFailed
	}
	mark := o.cell(s, c.Style).Text + " "
	name := Pad(Clip(c.Name, factName-1), factName, false)
	for _, line := range Paragraph(c.Text, width-factName-Width(mark)) {
		l.add(Cell{mark, c.Style}, Cell{name, Header}, Cell{line, Plain})
		mark, name = strings.Repeat(" ", Width(mark)), strings.Repeat(" ", factName)
	}
}
