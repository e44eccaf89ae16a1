// Package command is the list of everything that can be done with the console. Help,
// completion, the tree of commands of the command line, and the keys and the palette
// of the screens are made from it, so that they can't tell different stories.
package command

import (
	"slices"
	"strings"
)

// Command is something that can be done.
type Command struct {
	// Name is what is typed, on a command line or behind a colon.
	Name string
	// Title is one line, without a period.
	Title string
	// Help is what there is to say besides, in lines of at most 80 characters.
	Help string
	// Args are the arguments, in order.
	Args []Arg
	// Keys are what is pressed, by screen.
	Keys []Key
	// Needs says what the command needs of a store.
	Needs Need
	// Formats are those that the command can print beside the usual ones.
	Formats []string
	// Dangerous commands can't be taken back. They are confirmed.
	Dangerous bool
	// Examples are whole command lines.
	Examples []string
}

// Use returns how the command is typed: its name and its arguments, those in brackets
// that may be missing.
func (c Command) Use() string {
	words := []string{c.Name}
	for _, a := range c.Args {
		name := a.Name
		if a.Many {
			name += "..."
		}
		if a.Optional {
			name = "[" + name + "]"
		}
		words = append(words, name)
	}
	return strings.Join(words, " ")
}

// Need says what a command needs of a store.
type Need int8

// The closed set of needs.
const (
	NeedsNothing Need = iota
	NeedsRead
	NeedsWrite
	// NeedsHistories is for commands that also take files of exported histories, and
	// read a store only if they are given something else.
	NeedsHistories
)

// Arg is an argument.
type Arg struct {
	// Name as shown in help.
	Name string
	// Kind says how it is completed and checked.
	Kind ArgKind
	// Optional arguments are followed by optional ones only.
	Optional bool
	// Many takes any number. It is the last one.
	Many bool
	// Words are what an ArgWord can be.
	Words []string
}

// ArgKind is what an argument names.
type ArgKind int8

// The closed set of kinds.
const (
	ArgText     ArgKind = iota
	ArgInstance         // an id, or a prefix of one where nothing is changed
	ArgHistory          // an instance, or the file of an exported history
	ArgShell
	ArgWord    // one of Words
	ArgProfile // the name of a profile
	ArgSignal  // the name of a signal
)

// Scope is where a key works.
type Scope string

// The closed set of scopes. A key of an inner scope must not be one of an outer one:
// the tabs of an instance are in its detail, and all are in ScopeAll.
const (
	ScopeAll         Scope = "everywhere"
	ScopeList        Scope = "list"
	ScopeDetail      Scope = "instance"
	ScopeHistory     Scope = "history"
	ScopeTimeline    Scope = "timeline"
	ScopeData        Scope = "data"
	ScopeDiff        Scope = "diff"
	ScopeRules       Scope = "rules"
	ScopeReport      Scope = "report"
	ScopeWall        Scope = "wall"
	ScopeQueues      Scope = "queues"
	ScopeConnections Scope = "connections"
	ScopeLog         Scope = "log"
)

// Key is a key that runs a command.
type Key struct {
	Scope Scope
	Key   string
}

// everywhere is a key that works wherever there is an instance.
func everywhere(key string) []Key { return []Key{{ScopeList, key}, {ScopeDetail, key}} }

var (
	one  = []Arg{{Name: "ID", Kind: ArgInstance}}
	look = []Arg{{Name: "ID|FILE", Kind: ArgHistory}}
	many = []Arg{{Name: "ID", Kind: ArgInstance, Optional: true, Many: true}}
)

const (
	noted    = "The reason is kept with the instance until the next one.\n"
	unstored = "Nothing is left to keep the reason with: it is part of -o json, and nowhere else.\n"
)

const bulkHelp = `The instances are named by id, in full, or chosen by --filter; - reads ids from
standard input. --dry-run shows what would be done. What is more than one instance,
or can't be taken back, is confirmed: on a terminal by an answer, elsewhere by --yes.`

// All returns every command, in the order of the help.
func All() []Command { return slices.Concat(reads(), histories(), changes(), others()) }

// reads show what is in a store.
func reads() []Command {
	return []Command{
		{
			Name: "list", Title: "List instances", Needs: NeedsRead,
			Help:     "What needs attention comes first: blocked, failed within a day, many attempts.\nSee: wfops help filter",
			Examples: []string{"wfops app.db list --filter 'is:open waiting:signal idle:>1h'", "wfops app.db list --filter status:failed -o json"},
		},
		{
			Name: "get", Title: "Show one instance", Args: one, Keys: []Key{{ScopeDetail, "1"}}, Needs: NeedsRead,
			Help:     "ID may be the beginning of an id, or ID/EXECUTION.",
			Examples: []string{"wfops app.db get order-8841"},
		},
		{
			Name: "history", Title: "Show the events of an instance", Args: look, Keys: []Key{{ScopeDetail, "2"}}, Needs: NeedsHistories,
			Examples: []string{"wfops app.db history order-8841 -o jsonl"},
		},
		{
			Name: "tree", Title: "Show an instance and its children", Args: one, Keys: []Key{{ScopeDetail, "6"}}, Needs: NeedsRead,
			Examples: []string{"wfops app.db tree import-311"},
		},
		{
			Name: "pending", Title: "Show what an instance has under way", Args: one, Keys: []Key{{ScopeDetail, "4"}}, Needs: NeedsRead,
			Help: "Activities, timers, and events that it has not read.", Examples: []string{"wfops app.db pending order-8841"},
		},
		{
			Name: "data", Title: "Show the payloads of an instance", Args: look, Needs: NeedsHistories, Keys: []Key{{ScopeDetail, "5"}},
			Help:     dataHelp,
			Examples: []string{"wfops app.db data order-8841", "wfops app.db data order-8841 --path result --raw > result.json", "wfops app.db data order-8841 --path 'args[0].sku' --raw"},
		},
		{
			Name: "queues", Title: "Show depth and age of the queues", Needs: NeedsRead, Keys: []Key{{ScopeAll, "Q"}}, Examples: []string{"wfops app.db queues"},
		},
		{
			Name: "workers", Title: "Show the workers", Needs: NeedsRead, Keys: []Key{{ScopeAll, "W"}}, Examples: []string{"wfops app.db workers -o wide"},
		},
		{
			Name: "health", Title: "Look for what is wrong", Needs: NeedsRead, Keys: []Key{{ScopeAll, "H"}},
			Help: "Exits with 0 if nothing is, with 1 if something is, with 2 or more if it can't be\ntold: an exported history knows no queues or workers.", Examples: []string{"wfops app.db health --max-wait 5m"},
		},
		{
			Name: "wait", Title: "Wait until an instance has a status", Args: one, Needs: NeedsRead,
			Help:     "Exits with 0 if it has, with 1 if it ended otherwise, with 124 when time is up.",
			Examples: []string{"wfops app.db wait order-8841 --for completed --timeout 5m"},
		},
		{
			Name: "trace", Title: "Show the trace of an instance, or export it", Args: one, Needs: NeedsRead,
			Help:     "Of the instance, its children and all that it continued as, as histories have it.\nWith --otlp it is sent to a collector: what a crash has lost is filled in.",
			Examples: []string{"wfops app.db trace order-8841", "wfops app.db trace order-8841 --otlp http://localhost:4318"},
		},
	}
}

// histories look into what instances did. They take files as well.
func histories() []Command {
	return []Command{
		{
			Name: "export", Title: "Write the history of an instance to a file", Args: look, Keys: []Key{{ScopeDetail, "7"}}, Needs: NeedsHistories,
			Help:     "The file can be read by its owner only, and is packed if its name ends in .gz.\nWithout --file it goes to standard output, and to a terminal only by --file -.\n--redact replaces values by their shape, length and hash; that can't be replayed.",
			Examples: []string{"wfops app.db export order-8841 --file order-8841.wfh.gz", "wfops app.db export order-8841 --redact > order-8841.wfh"},
		},
		{
			Name: "replay", Title: "Run the code of a program against histories", Needs: NeedsHistories, Formats: []string{"junit"},
			Args: []Arg{{Name: "ID|FILE", Kind: ArgHistory, Optional: true, Many: true}}, Keys: append(everywhere("r"), Key{ScopeReport, "r"}, Key{ScopeWall, "r"}),
			Help:     replayHelp,
			Examples: []string{"wfops app.db replay order-8702 --with ./bin/worker", "wfops app.db replay --filter 'is:open type:Order*' --with ./bin/worker --export-failing failing", "wfops replay testdata/histories/*.wfh --with ./bin/worker -o junit"},
		},
		{
			Name: "why", Title: "Show why an instance is blocked", Args: one, Needs: NeedsRead,
			Help:     "The report that the worker stored, with the place in the code. It needs no program.\nExits with 1 if the instance is not blocked.",
			Examples: []string{"wfops app.db why order-8702", "wfops app.db why order-8702 -o json --jq .divergence.code"},
		},
		{
			Name: "diff", Title: "Compare two executions step by step", Needs: NeedsHistories, Keys: everywhere("d"),
			Args:     []Arg{{Name: "A", Kind: ArgHistory}, {Name: "B", Kind: ArgHistory}},
			Help:     "Each is an instance or the file of an exported history. Exits with 1 if they differ.\nWhat differs between any two executions, such as times, is counted and not shown.\n--level event compares every event, by what it holds for the code, and --level raw by all\nthat is stored of it.",
			Examples: []string{"wfops app.db diff order-8790 order-8788", "wfops diff a.wfh b.wfh --ignore 'args[0].request_id'"},
		},
		{
			Name: "timeline", Title: "Draw what an instance did in time", Args: look, Keys: []Key{{ScopeDetail, "3"}}, Needs: NeedsHistories,
			Examples: []string{"wfops app.db timeline order-8841 --critical", "wfops order.wfh timeline"},
		},
	}
}

const dataHelp = `Input, result, error and signals, and those of activities, children and side effects.
Each has a path: args[0], result, error, signals[2], activities[0].args[1].
--path chooses one, or a part of it: 'args[0].lines[2].sku'; --event those of an event.
--raw writes the bytes of one payload as they are stored.`

const replayHelp = `The program has to call replay.Serve first of all in its main. It is run, and no
sandbox keeps its code from anything; but no activity runs, no store can be opened, and
nothing is written but what --export-failing asks for. --all tells of one instance how
many open ones of its workflow come to the same. Exits with 0 if the code repeats what
all histories have, with 1 if any differs, else with 6 if any gives no answer, with 4
if nothing matches, and with 2 if the program is no replayer. -o junit is what CI
systems read.`

// changes need a connection that may write.
func changes() []Command {
	return []Command{
		{
			Name: "signal", Title: "Send a signal", Args: []Arg{{Name: "NAME", Kind: ArgSignal}, {Name: "ID", Kind: ArgInstance, Optional: true, Many: true}}, Needs: NeedsWrite, Keys: everywhere("s"),
			Help:     "The argument of the signal is JSON: --input '{\"ok\":true}', --input @FILE, or --input -.\n" + bulkHelp,
			Examples: []string{`wfops app.db signal decision kyc-5520 --input '"approve"' --reason "ticket 12"`},
		},
		{
			Name: "cancel", Title: "Ask instances to cancel", Args: many, Needs: NeedsWrite, Dangerous: true, Keys: everywhere("c"),
			Help: "Their code is told, and may clean up.\n" + bulkHelp, Examples: []string{`wfops app.db cancel order-8841 --reason "ordered twice"`},
		},
		{
			Name: "terminate", Title: "End instances at once", Args: many, Needs: NeedsWrite, Dangerous: true,
			Help: "Their code is not asked. It needs no worker.\n" + bulkHelp, Examples: []string{`wfops app.db terminate --filter 'is:blocked type:Old*' --reason "retired"`},
		},
		{
			Name: "retry", Title: "Try blocked instances again", Args: many, Needs: NeedsWrite,
			Help: "Also on builds that have failed on them.\n" + noted + bulkHelp, Examples: []string{`wfops app.db retry order-8702 --reason "fixed in 9c1e"`},
		},
		{
			Name: "pause", Title: "Keep instances from moving", Args: many, Needs: NeedsWrite,
			Help: "No step and no attempt begins until they are resumed; what runs ends.\n" + noted + bulkHelp, Examples: []string{`wfops app.db pause import-311 --reason "disk full"`},
		},
		{
			Name: "resume", Title: "Let paused instances move again", Args: many, Needs: NeedsWrite,
			Help: noted + bulkHelp, Examples: []string{`wfops app.db resume import-311 --reason "disk has room"`},
		},
		{
			Name: "remove", Title: "Delete finished instances with all that is stored of them", Args: many, Needs: NeedsWrite, Dangerous: true,
			Help: unstored + bulkHelp, Examples: []string{`wfops app.db remove --filter 'is:final age:>30d' --reason retention --yes`},
		},
	}
}

// others need no store.
func others() []Command {
	return []Command{
		{
			Name: "ctx", Title: "Show the profiles of the configuration, and try them", Needs: NeedsNothing, Keys: []Key{{ScopeAll, "P"}},
			Args:     []Arg{{Name: "list|show|test", Kind: ArgWord, Words: []string{"list", "show", "test"}, Optional: true}, {Name: "PROFILE", Kind: ArgProfile, Optional: true, Many: true}},
			Help:     "A profile is a name for a store: wfops NAME list. See: wfops help profiles\nlist names them, show says what is known of each and from where, test opens each:\nit exits with 1 if one can't be used.",
			Examples: []string{"wfops ctx", "wfops ctx show prod", "wfops ctx test -o json"},
		},
		{Name: "doctor", Title: "Show what wfops works with, and where each setting came from", Needs: NeedsNothing, Examples: []string{"wfops app.db doctor"}},
		{
			Name: "completion", Title: "Write a script that completes commands", Args: []Arg{{Name: "bash|zsh|fish|powershell", Kind: ArgShell}}, Needs: NeedsNothing,
			Help:     "bash needs its package bash-completion.",
			Examples: []string{"source <(wfops completion bash)"},
		},
		{Name: "version", Title: "Show the version", Needs: NeedsNothing, Examples: []string{"wfops version -o json"}},
	}
}
