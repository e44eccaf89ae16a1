package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// setting is a line of doctor.
type setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source,omitempty"`
}

// report is what doctor says.
type report struct {
	Schema   string          `json:"schema"`
	Build    Build           `json:"build"`
	Settings []setting       `json:"settings"`
	Store    *document.Store `json:"store,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// runDoctor reports also where there is no store, or none that can be used; then the
// error comes last.
func runDoctor(ctx context.Context, s *session, _ []string) error {
	r := report{Schema: document.SchemaDoctor, Build: s.env.Build, Settings: s.settings()}
	var failed error
	if dsn, _ := s.connection(); dsn == "" {
		r.add("store", "none", "first argument, --connect or WFOPS_DSN")
	} else {
		failed = s.examine(ctx, &r)
	}
	if failed != nil {
		r.Error = failed.Error()
	}
	t := view.Table{Columns: []view.Column{{Key: "name", Title: "SETTING"}, {Key: "value", Title: "VALUE", Min: 20}, {Key: "source", Title: "FROM", Min: 10}}}
	var names []string
	for _, line := range r.Settings {
		names = append(names, line.Name)
		t.Rows = append(t.Rows, []view.Cell{{Text: line.Name, Style: view.Header}, {Text: line.Value}, {Text: line.Source, Style: view.Muted}})
	}
	if err := s.print(t, r, names); err != nil {
		return err
	}
	return failed
}

func (r *report) add(name, value, source string) {
	r.Settings = append(r.Settings, setting{name, value, source})
}

func (s *session) settings() []setting {
	b := s.env.Build
	revision := b.Revision
	if b.Modified {
		revision += " (modified)"
	}
	colored, why := s.colored()
	ascii, whyASCII := s.ascii()
	config, whose := s.configuration()
	project := "none"
	if found, err := connect.ProjectProfiles("."); err != nil {
		project = err.Error()
	} else if found != nil {
		project = connect.ProjectFile
	}
	return []setting{
		{"version", b.Version, "this program"}, {"revision", revision, "this program"},
		{"configuration", config, whose}, {"project", project, "current folder"},
		{"output", s.flags.output, s.from("output")}, {"times", s.flags.times, s.from("times")},
		{"patience", s.flags.patience.String(), s.from("patience")},
		{"color", yesNo(colored), why}, {"ascii", yesNo(ascii), whyASCII},
		{"width", fmt.Sprint(s.env.Width), "terminal"},
		{"input is a terminal", yesNo(s.env.InTTY), ""}, {"output is a terminal", yesNo(s.env.OutTTY), ""},
		{"TERM", s.env.Getenv("TERM"), "environment"},
		{"acting as", s.env.By, "user and host"},
	}
}

// configuration says where it is, and what is wrong with it.
func (s *session) configuration() (path, whose string) {
	path, whose = connect.ConfigPath(s.env.Getenv)
	if _, err := connect.Profiles(path); err != nil {
		return err.Error(), whose
	}
	if _, err := os.Stat(path); err != nil && whose == "WFOPS_CONFIG" { // elsewhere there need not be one
		return path + ", which is not there", whose
	}
	return path, whose
}

// from says where a setting came from that a flag may change.
func (s *session) from(flag string) string {
	if s.changed != nil && s.changed(flag) {
		return "--" + flag
	}
	return "default"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// examine opens the store and asks it about itself.
func (s *session) examine(ctx context.Context, r *report) (err error) {
	b, err := s.open(ctx)
	if s.source != "" {
		r.add("store", s.target.String(), s.source)
	}
	mode, why := s.target.Mode()
	if mode != "" {
		r.add("mode", string(mode), why)
	}
	s.profileSettings(r)
	if err != nil {
		return err
	}
	defer func() {
		if closed := b.Close(); err == nil {
			err = closed
		}
	}()
	asked := s.clock()
	info, err := s.store.Info(ctx)
	if err != nil {
		return err
	}
	took := s.clock().Sub(asked)
	form := document.OfStore(info)
	r.Store = &form
	r.add("kind", info.Kind+" "+info.Version, "store")
	r.add("schema", fmt.Sprint(info.Schema), "store")
	r.add("durability", info.Durability, "store")
	r.add("read-only", yesNo(info.ReadOnly), "store")
	if skew := info.Now.Sub(asked.Add(took / 2)); skew.Abs() > max(took, time.Second) {
		r.add("clock", fmt.Sprintf("%s off this machine's", skew.Round(time.Millisecond)), "store")
	}
	return nil
}

// profileSettings tells what the profile adds, if one names the store.
func (s *session) profileSettings(r *report) {
	dsn, _ := s.connection()
	if dsn == "" || connect.IsTarget(dsn) {
		return
	}
	p, found, err := s.profile(dsn)
	if !found || err != nil {
		return
	}
	if from := p.PasswordFrom(); from != "" {
		r.add("password", from, p.Source)
	}
	if p.Codec != nil {
		r.add("codec", p.Codec[0], p.Source)
	}
}

func runVersion(_ context.Context, s *session, _ []string) error {
	b := s.env.Build
	if s.isTable() {
		text := "wfops " + b.Version
		if b.Revision != "" {
			text += " " + b.Revision
		}
		_, err := fmt.Fprintln(s.env.Out, text)
		return err
	}
	type version struct {
		Schema string `json:"schema"`
		Build
	}
	return s.print(view.Table{}, version{document.SchemaVersion, b}, []string{b.Version})
}
