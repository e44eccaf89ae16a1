package cli

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/exported"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/tui"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// places opens stores for the screens. It is called from several goroutines.
type places struct {
	s *session
	// named are stores that the command line has named, by what the screens call them.
	named map[string]string

	mu sync.Mutex
	// open closes what is open.
	open map[int]func() error
	last int
}

func newPlaces(s *session) *places {
	return &places{s: s, named: map[string]string{}, open: map[int]func() error{}}
}

// close closes what the screens have left open.
func (p *places) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, shut := range p.open {
		_ = shut() // nothing is written that could be lost
	}
}

// keep notes that something is open, and returns what closes it. To close it twice is
// allowed.
func (p *places) keep(shut func() error) func() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	id := p.last
	p.open[id] = shut
	return func() error {
		p.mu.Lock()
		delete(p.open, id)
		p.mu.Unlock()
		return shut()
	}
}

// first opens the store that the command line has named.
func (p *places) first(ctx context.Context) (*tui.Connection, error) {
	b, err := p.s.open(ctx)
	if err != nil {
		return nil, err
	}
	dsn, source := p.s.connection()
	name := placeOf(dsn, source, p.s.target)
	if name != dsn {
		p.named[name] = dsn
	}
	return p.opened(ctx, name, b, p.s.store, p.s.target, p.s.named)
}

// target finds out what a place is.
func (p *places) target(ctx context.Context, name string, o connect.Options) (connect.Target, connect.Profile, error) {
	dsn := name
	if named, ok := p.named[name]; ok {
		dsn = named
	} else if name == string(connect.FromEnvironment) {
		dsn = p.s.env.Getenv("WFOPS_DSN")
	}
	return p.s.targetOf(ctx, dsn, o)
}

// connect opens a place for the screens.
func (p *places) connect(ctx context.Context, name string, write bool) (*tui.Connection, error) {
	within, cancel := p.s.patient(ctx)
	defer cancel()
	target, profile, err := p.target(within, name, connect.Options{Write: write || p.s.flags.write, ReadOnly: p.s.flags.readOnly})
	if err != nil {
		return nil, err
	}
	b, err := p.s.env.Open(within, target)
	if err != nil {
		return nil, err
	}
	return p.opened(within, name, b, p.s.storeOf(b, target), target, profile)
}

// opened makes a connection of an open store, once that has answered.
func (p *places) opened(ctx context.Context, name string, b backend.Backend, store *ops.Store, target connect.Target, profile connect.Profile) (*tui.Connection, error) {
	var sealer *codec.Process
	if len(profile.Codec) > 0 {
		sealer = codec.New(profile.Codec, p.s.flags.patience)
	}
	shut := p.keep(func() error {
		if sealer != nil {
			sealer.Close()
		}
		return b.Close()
	})
	info, err := store.Info(ctx)
	if err != nil {
		return nil, errors.Join(err, shut())
	}
	_, why := target.Mode()
	c := &tui.Connection{
		Name: cmp.Or(profile.Name, target.String()), Kind: info.Kind, Store: store, Why: why, Close: shut, Place: name, Environment: profile.Environment,
		Replayer: cmp.Or(p.s.o.with, profile.ReplayerPath(p.s.env.Getenv)), Protected: p.protected(target, profile),
	}
	if sealer != nil { // an interface that holds a nil pointer is not nil
		c.Codec = sealer
	}
	if target.IsBundle() {
		only, err := store.Get(ctx, engine.Instance{InstanceID: exported.This})
		if err != nil {
			return nil, errors.Join(err, shut())
		}
		c.Instance = only.Instance
	}
	return c, nil
}

// codecOf is the program that opens and seals payloads, or "".
func codecOf(profile connect.Profile) string {
	if len(profile.Codec) == 0 {
		return ""
	}
	return profile.Codec[0]
}

// protected says why a store is never opened for changes from a screen, if that is so.
func (p *places) protected(target connect.Target, profile connect.Profile) string {
	mode, why := target.Mode()
	switch {
	case mode == connect.ReadWrite:
		return ""
	case profile.Project:
		return "profile " + profile.Name + " is of the project's file, which must not allow changes: give it a name in your own configuration, or use --write"
	}
	asked := target.Reopened(connect.Options{Write: true, ReadOnly: p.s.flags.readOnly}, profile)
	if asked == connect.ReadOnly {
		return "it can't be opened for changes: " + why
	}
	return ""
}

// names returns those of the profiles, as far as the configuration can be read: the
// list says what is wrong with it.
func (p *places) names() []string {
	profiles, _ := p.s.profiles()
	names := make([]string, len(profiles))
	for i := range profiles {
		names[i] = profiles[i].Name
	}
	return names
}

// list returns what there is to connect to.
func (p *places) list(context.Context) ([]view.Place, error) {
	profiles, err := p.s.profiles()
	var all []view.Place
	for _, place := range connect.Places(profiles, ".", connect.Options{Write: p.s.flags.write, ReadOnly: p.s.flags.readOnly}, p.s.env.Getenv) {
		mode, why := place.Target.Mode()
		v := view.Place{
			Name: place.Name, From: string(place.Origin), Kind: place.Target.Kind(), Target: place.Target.String(), Writable: mode == connect.ReadWrite, Why: why,
			Password: place.Profile.PasswordFrom(), Source: place.Profile.Source, Replayer: place.Profile.ReplayerPath(p.s.env.Getenv), Environment: place.Profile.Environment,
			Quick: place.Target.Quick(), Problem: place.Err, Codec: codecOf(place.Profile),
		}
		if place.Origin == connect.FromEnvironment { // its name may have secrets
			v.Name = string(place.Origin)
		}
		all = append(all, v)
	}
	return all, err
}
