package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// patience is how long a completion may take.
const patience = 300 * time.Millisecond

// offered is how many ids a completion offers.
const offered = 50

// completer completes the arguments of a command. What can't be found out in time is
// not offered; errors would only disturb the line that is being typed.
func (s *session) completer(c command.Command) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		at := len(args)
		if n := len(c.Args); n > 0 && at >= n && c.Args[n-1].Many {
			at = n - 1
		}
		if at >= len(c.Args) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		switch c.Args[at].Kind {
		case command.ArgShell:
			return shells, cobra.ShellCompDirectiveNoFileComp
		case command.ArgInstance:
			return s.ids(cmd.Context(), begun), cobra.ShellCompDirectiveNoFileComp
		case command.ArgHistory:
			return s.ids(cmd.Context(), begun), cobra.ShellCompDirectiveDefault // which completes files
		case command.ArgWord:
			return c.Args[at].Words, cobra.ShellCompDirectiveNoFileComp
		case command.ArgProfile:
			profiles, _ := s.profiles() // what can't be read is not offered
			return namesOf(profiles), cobra.ShellCompDirectiveNoFileComp
		case command.ArgSignal:
			return s.signals(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		case command.ArgText:
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFlags completes the values of flags that have a closed set of them.
func completeFlags(cmd *cobra.Command) {
	sets := map[string][]string{
		"output": formats(), "color": {colorAuto, colorAlways, colorNever}, "times": {"relative", "utc", "local"}, "sort": texts(ops.Sorts()),
		"for": append([]string{"final", "paused"}, texts(engine.Statuses())...),
	}
	for name, values := range sets {
		if cmd.Flag(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // it has the flag
		}
	}
	if cmd.Flag("filter") != nil {
		_ = cmd.RegisterFlagCompletionFunc("filter", func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) { // it has the flag
			return filter.Complete(begun), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		})
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

func (s *session) ids(ctx context.Context, begun string) (ids []string) {
	for _, i := range s.some(ctx, backend.Query{IDPrefix: begun}) {
		ids = append(ids, i.Instance.InstanceID)
	}
	return ids
}

// signals are those that instances wait for.
func (s *session) signals(ctx context.Context) (names []string) {
	for _, i := range s.some(ctx, backend.Query{WaitingKind: engine.WaitSignal}) {
		if i.Waiting != nil && !slices.Contains(names, i.Waiting.Name) {
			names = append(names, i.Waiting.Name)
		}
	}
	return names
}

// some returns a few instances, or what can be had of them in time.
func (s *session) some(ctx context.Context, q backend.Query) []backend.Summary {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b, err := s.open(ctx)
	if err != nil {
		return nil
	}
	defer b.Close() //nolint:errcheck // nothing was written
	q.Limit = offered
	page, err := b.List(ctx, q)
	if err != nil {
		return nil
	}
	return page.Items
}

// stores completes where a store is named: by a profile, or by a file.
func (s *session) stores(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	profiles, _ := s.profiles() // what can't be read is not offered
	return namesOf(profiles), cobra.ShellCompDirectiveDefault
}

var shells = []string{"bash", "zsh", "fish", "powershell"}

// completion writes the script for a shell.
func completion(root *cobra.Command) func(context.Context, *session, []string) error {
	return func(_ context.Context, s *session, args []string) error {
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(s.env.Out, true)
		case "zsh":
			return root.GenZshCompletion(s.env.Out)
		case "fish":
			return root.GenFishCompletion(s.env.Out, true)
		case "powershell":
			return root.GenPowerShellCompletionWithDesc(s.env.Out)
		}
		return usageError{fmt.Errorf("there is no completion for %q; there is for %v", args[0], shells)}
	}
}
