package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// profile is the form of a profile.
type profile struct {
	Schema string `json:"schema"`
	Name   string `json:"profile"`
	Store  string `json:"store"`
	Mode   string `json:"mode"`
	Source string `json:"source"`
	// Why the mode is what it is, and where password and codec come from.
	Why      string `json:"why,omitempty"`
	Password string `json:"password,omitempty"`
	Codec    string `json:"codec,omitempty"`
	// What a test found out.
	Usable *bool   `json:"usable,omitempty"`
	TookMS float64 `json:"took_ms,omitempty"`
	Kind   string  `json:"kind,omitempty"`
	Error  string  `json:"error,omitempty"`
}

func namesOf(profiles []connect.Profile) []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name
	}
	return names
}

// runContext is ctx list, ctx show and ctx test.
func runContext(ctx context.Context, s *session, args []string) error {
	verb := "list"
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	profiles, err := s.profiles()
	if err != nil {
		return err
	}
	if profiles, err = named(profiles, args); err != nil {
		return err
	}
	switch verb {
	case "list":
		return s.listProfiles(ctx, profiles)
	case "show":
		return s.showProfiles(ctx, profiles)
	case "test":
		return s.testProfiles(ctx, profiles)
	}
	return usageError{fmt.Errorf("ctx is followed by list, show or test, not by %q", verb)}
}

// named returns the profiles of these names, or all.
func named(profiles []connect.Profile, names []string) (chosen []connect.Profile, err error) {
	if len(names) == 0 {
		return profiles, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(profiles, func(p connect.Profile) bool { return p.Name == name })
		if i < 0 {
			return nil, usageError{fmt.Errorf("there is no profile %q; there are: %s", name, cmp.Or(strings.Join(namesOf(profiles), ", "), "none"))}
		}
		chosen = append(chosen, profiles[i])
	}
	return chosen, nil
}

// form describes a profile. Passwords are not fetched for it.
func (s *session) form(ctx context.Context, p connect.Profile) (profile, error) {
	bare := p
	bare.PasswordEnv, bare.PasswordFile, bare.PasswordCommand, bare.PasswordKeyring = "", "", nil, nil
	target, err := bare.Target(ctx, connect.Options{Write: s.flags.write, ReadOnly: s.flags.readOnly}, s.env.Getenv)
	if err != nil {
		return profile{}, fmt.Errorf("%s: %w", p.Source, err)
	}
	mode, why := target.Mode()
	form := profile{Schema: document.SchemaProfile, Name: p.Name, Store: target.String(), Mode: string(mode), Source: p.Source, Why: why, Password: p.PasswordFrom()}
	if p.Codec != nil {
		form.Codec = p.Codec[0]
	}
	return form, nil
}

func (s *session) listProfiles(ctx context.Context, profiles []connect.Profile) error {
	t := view.Table{Columns: []view.Column{
		{Key: "profile", Title: "PROFILE"}, {Key: "store", Title: "STORE", Min: 20}, {Key: "mode", Title: "MODE"}, {Key: "source", Title: "FROM", Min: 10},
	}}
	docs := make([]any, len(profiles))
	for i, p := range profiles {
		form, err := s.form(ctx, p)
		if err != nil {
			return err
		}
		docs[i] = form
		t.Rows = append(t.Rows, []view.Cell{{Text: form.Name}, {Text: form.Store}, {Text: form.Mode}, {Text: form.Source, Style: view.Muted}})
	}
	return s.printAll(t, docs, namesOf(profiles))
}

// showProfiles says of each setting where it came from.
func (s *session) showProfiles(ctx context.Context, profiles []connect.Profile) error {
	t := view.Table{Columns: []view.Column{{Key: "profile", Title: "PROFILE"}, {Key: "name", Title: "SETTING"}, {Key: "value", Title: "VALUE", Min: 20}, {Key: "source", Title: "FROM", Min: 10}}}
	docs := make([]any, len(profiles))
	for i, p := range profiles {
		form, err := s.form(ctx, p)
		if err != nil {
			return err
		}
		docs[i] = form
		for _, line := range []setting{{"store", form.Store, form.Source}, {"mode", form.Mode, form.Why}, {"password", form.Password, form.Source}, {"codec", form.Codec, form.Source}} {
			if line.Value != "" {
				t.Rows = append(t.Rows, []view.Cell{{Text: form.Name}, {Text: line.Name, Style: view.Header}, {Text: line.Value}, {Text: line.Source, Style: view.Muted}})
			}
		}
	}
	return s.printAll(t, docs, namesOf(profiles))
}

// testProfiles opens the store of each, for reading only, and asks it about itself.
func (s *session) testProfiles(ctx context.Context, profiles []connect.Profile) error {
	t := view.Table{Columns: []view.Column{
		{Key: "profile", Title: "PROFILE"}, {Key: "store", Title: "STORE", Min: 20, Rank: 1}, {Key: "outcome", Title: "OUTCOME", Min: 24}, {Key: "took", Title: "TOOK", Right: true},
	}}
	docs := make([]any, len(profiles))
	bad := false
	for i, p := range profiles {
		form, err := s.form(ctx, p)
		if err != nil {
			return err
		}
		start := s.clock()
		info, err := s.try(ctx, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		took, usable := s.clock().Sub(start), err == nil
		form.Usable, form.TookMS, form.Kind = &usable, float64(took.Microseconds())/1000, info.Kind
		outcome := view.Cell{Text: "usable: " + info.Kind + " " + info.Version, Style: view.Good}
		if err != nil {
			bad, form.Error = true, err.Error()
			outcome = view.Cell{Text: err.Error(), Style: view.Bad}
		}
		docs[i] = form
		t.Rows = append(t.Rows, []view.Cell{{Text: form.Name}, {Text: form.Store}, outcome, {Text: took.Round(time.Millisecond).String(), Style: view.Muted}})
	}
	if err := s.printAll(t, docs, namesOf(profiles)); err != nil {
		return err
	}
	if bad {
		return errNo
	}
	return nil
}

func (s *session) try(ctx context.Context, p connect.Profile) (info backend.Info, err error) {
	if s.flags.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.flags.patience)
		defer cancel()
	}
	target, err := p.Target(ctx, connect.Options{ReadOnly: true}, s.env.Getenv)
	if err != nil {
		return info, err
	}
	b, err := s.env.Open(ctx, target)
	if err != nil {
		return info, err
	}
	info, err = b.Info(ctx)
	return info, errors.Join(err, b.Close())
}
