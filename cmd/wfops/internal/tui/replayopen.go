package tui

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// replayArgs are what can be said behind replay.
type replayArgs struct {
	with, filter string
	names        []string
}

func parseReplay(args []string) (o replayArgs, err error) {
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		if name != "--with" && name != "--filter" {
			if strings.HasPrefix(name, "-") {
				return o, fmt.Errorf("there is no %s here; there are --with PROGRAM and --filter FILTER", name)
			}
			o.names = append(o.names, args[i])
			continue
		}
		if !joined {
			if i++; i == len(args) {
				return o, errors.New("behind " + name + " something is missing")
			}
			value = args[i]
		}
		if name == "--with" {
			o.with = value
			continue
		}
		o.filter = strings.TrimSpace(o.filter + " " + value)
	}
	if len(o.names) > 0 && o.filter != "" {
		err = errors.New("name instances or files, or choose instances by --filter, but not both")
	}
	return o, err
}

// openReplay replays what is named, or what is chosen: one has a report, several have
// a wall of verdicts.
func (a *app) openReplay(args ...string) bool {
	o, err := parseReplay(args)
	if err != nil {
		a.say(view.Bad, "replay: "+err.Error())
		return true
	}
	if o.with != "" {
		a.conn.Replayer = o.with
	}
	chosen := a.top().chosen()
	switch {
	case o.filter != "":
		a.program(func() { a.openWall(o.filter) })
	case len(o.names) == 1:
		a.showReport(newReport(a, o.names[0], nil), true)
	case len(o.names) > 1:
		a.program(func() {
			a.show(newWall(a, "", o.names, func(context.Context) iter.Seq[fleet.Job] { return fleet.Named(o.names) }))
		})
	case len(chosen) == 1:
		a.showReport(newReport(a, chosen[0].Instance.InstanceID, &chosen[0]), true)
	case len(chosen) > 1:
		names := make([]string, len(chosen))
		for i := range chosen {
			names[i] = chosen[i].Instance.InstanceID
		}
		a.program(func() {
			a.show(newWall(a, "", names, func(context.Context) iter.Seq[fleet.Job] { return fleet.Chosen(chosen) }))
		})
	case o.with != "":
		a.say(view.Plain, "histories are replayed with "+o.with)
	default:
		a.say(view.Waiting, "name an instance: replay ID, or replay --filter FILTER")
	}
	return true
}

// openWhy shows what the store knows of why an instance is blocked.
func (a *app) openWhy(args ...string) bool {
	chosen := a.top().chosen()
	switch {
	case len(args) == 1:
		a.showReport(newReport(a, args[0], nil), false)
	case len(args) == 0 && len(chosen) == 1:
		a.showReport(newReport(a, chosen[0].Instance.InstanceID, &chosen[0]), false)
	default:
		a.say(view.Waiting, "name one instance: why ID")
	}
	return true
}

func (a *app) showReport(r *report, wanted bool) {
	r.wanted = wanted
	a.show(r)
}

// openWall replays all that match a filter.
func (a *app) openWall(text string) {
	f, err := filter.Parse(text)
	if err != nil {
		a.say(view.Bad, "replay: "+err.Error())
		return
	}
	a.show(newWall(a, text, nil, ofFilter(a.conn.Store, f)))
}

// program does something that needs the program that has the code, and asks which one
// it is unless that is known.
func (a *app) program(then func()) {
	if a.conn.Replayer != "" {
		then()
		return
	}
	a.over = newPrompt("program that has the code (its main calls replay.Serve): ", "", func(text string, final bool) {
		if final && text != "" {
			a.conn.Replayer = text
			then()
		}
	})
}

// folder asks for a folder to write histories into.
func (a *app) folder(then func(string)) {
	a.over = newPrompt("write histories into the folder: ", "testdata/histories", func(text string, final bool) {
		if final && text != "" {
			then(text)
		}
	})
}
