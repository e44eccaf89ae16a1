package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/internal/spelling"
)

// handler is what the command line adds to a command.
type handler struct {
	flags func(*session, *pflag.FlagSet)
	run   func(context.Context, *session, []string) error
}

// handlers has one for each command.
func handlers() map[string]handler {
	return map[string]handler{
		"list":       {listFlags, runList},
		"get":        {detailFlags, runGet},
		"history":    {historyFlags, runHistory},
		"tree":       {watchFlags, runTree},
		"pending":    {detailFlags, runPending},
		"data":       {dataFlags, runData},
		"queues":     {watchFlags, runQueues},
		"workers":    {watchFlags, runWorkers},
		"health":     {healthFlags, runHealth},
		"signal":     {signalFlags, runSignal},
		"cancel":     {changeFlags, runChange("cancel")},
		"terminate":  {changeFlags, runChange("terminate")},
		"retry":      {changeFlags, runChange("retry")},
		"pause":      {changeFlags, runChange("pause")},
		"resume":     {changeFlags, runChange("resume")},
		"remove":     {changeFlags, runChange("remove")},
		"wait":       {waitFlags, runWait},
		"trace":      {traceFlags, runTrace},
		"export":     {exportFlags, runExport},
		"replay":     {replayFlags, runReplay},
		"why":        {nil, runWhy},
		"diff":       {diffFlags, runDiff},
		"timeline":   {timelineFlags, runTimeline},
		"doctor":     {nil, runDoctor},
		"ctx":        {nil, runContext},
		"completion": {nil, nil}, // needs the tree of commands, see newCommand
		"version":    {nil, runVersion},
	}
}

const rootHelp = `wfops looks into a store of workflow instances, and operates them.

The store is a file, a connection string, a profile, or what WFOPS_DSN names:

  wfops ./app.db list
  wfops mysql://user@host:3306/db health
  WFOPS_DSN=redis://host:6379/0 wfops list --filter is:blocked

Stores on servers are opened for reading only, unless --write is given or their
profile says mode: rw.`

func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use: "wfops [STORE] COMMAND", Long: rootHelp, SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return s.unknown(args[0])
			}
			if err := s.canShowScreens(); err != nil {
				cmd.SetOut(s.env.Err)
				_ = cmd.Help() // it can only fail to write to standard error
				return err
			}
			return wrapRun(s.screens(cmd.Context()))
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if rest := s.rest; cmd == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			return s.unknown(rest[0]) // whose flags these are nobody knows
		}
		return err
	})
	root.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if s.first != "" || s.flags.connect != "" || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return s.stores(cmd, args, begun)
	}
	globalFlags(s, root.PersistentFlags())
	_ = root.RegisterFlagCompletionFunc("connect", s.stores)        // it has the flag
	_ = root.RegisterFlagCompletionFunc("columns", completeColumns) // it has the flag
	screenFlags(s, root.Flags())
	completeFlags(root)
	byName := handlers()
	for _, c := range command.All() {
		root.AddCommand(newCommand(s, root, c, byName[c.Name]))
	}
	for _, topic := range topics() {
		root.AddCommand(topic)
	}
	return root
}

// unknown is the error of a first word that is none of ours. If no store was named yet
// it may have been meant for one.
func (s *session) unknown(word string) error {
	if s.first != "" {
		return fmt.Errorf("there is no command %q%s", word, instead(word, commandNames()))
	}
	profiles, _ := s.profiles() // what can't be read has no names
	return fmt.Errorf("there is no command, store or profile %q%s", word, instead(word, append(commandNames(), namesOf(profiles)...)))
}

// instead says what a word may have been meant for.
func instead(word string, names []string) string {
	if nearest := spelling.Nearest(word, names); nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	return "; see: wfops --help"
}

func commandNames() (names []string) {
	for _, c := range command.All() {
		names = append(names, c.Name)
	}
	return names
}

func globalFlags(s *session, fs *pflag.FlagSet) {
	f := &s.flags
	fs.StringVarP(&f.connect, "connect", "c", "", "the `store`: a file, a connection string or a profile")
	fs.BoolVar(&f.write, "write", false, "allow changes in a store on a server")
	fs.BoolVar(&f.readOnly, "read-only", false, "allow no changes")
	fs.StringVarP(&f.output, "output", "o", formatTable, strings.Join(formats(), "|"))
	fs.StringSliceVar(&f.columns, "columns", nil, "the `columns` of a table; \"help\" lists them")
	fs.BoolVar(&f.header, "header", false, "print a heading also into a pipe")
	fs.StringVar(&f.jq, "jq", "", "take pieces out of the JSON with a jq `expression`")
	fs.StringVar(&f.color, "color", colorAuto, "auto|always|never")
	fs.BoolVar(&f.ascii, "ascii", false, "use no other characters for signs")
	fs.StringVar(&f.times, "times", "relative", "relative|utc|local")
	fs.DurationVar(&f.patience, "patience", 30*time.Second, "how long the store may take for one answer; 0 means for ever")
}

// checkFlags refuses values that flags can't have.
func (s *session) checkFlags(c command.Command) error {
	for _, one := range []struct {
		name, value string
		of          []string
	}{
		{"output", s.flags.output, append(formats(), c.Formats...)},
		{"color", s.flags.color, []string{colorAuto, colorAlways, colorNever}},
		{"times", s.flags.times, []string{"relative", "utc", "local"}},
	} {
		if !slices.Contains(one.of, one.value) {
			return usageError{fmt.Errorf("--%s is one of %s, not %q", one.name, strings.Join(one.of, ", "), one.value)}
		}
	}
	if s.flags.jq != "" {
		if s.flags.output == formatTable {
			s.flags.output, s.jqAlone = formatJSONL, true
		}
		if !s.isJSON() {
			return usageError{errors.New("--jq needs -o json or jsonl")}
		}
	}
	return nil
}

func newCommand(s *session, root *cobra.Command, c command.Command, h handler) *cobra.Command {
	cmd := &cobra.Command{
		Use: c.Use(), Short: c.Title, Long: strings.TrimSpace(c.Title + ".\n\n" + c.Help), Example: "  " + strings.Join(c.Examples, "\n  "),
		Args: func(_ *cobra.Command, args []string) error {
			if s.asksForColumns(c.Name) {
				return nil
			}
			return checkArgs(c, s.withFile(c, args))
		},
	}
	if h.flags != nil {
		h.flags(s, cmd.Flags())
	}
	cmd.ValidArgsFunction = s.completer(c)
	completeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s.changed = cmd.Flags().Changed
		run := h.run
		if c.Name == "completion" {
			run = completion(root)
		}
		return wrapRun(s.execute(cmd.Context(), c, args, run))
	}
	return cmd
}

// wrapRun marks an error as one of the command itself.
func wrapRun(err error) error {
	if err == nil {
		return nil
	}
	return ranError{err}
}

// execute gives a command what it needs.
func (s *session) execute(ctx context.Context, c command.Command, args []string, run func(context.Context, *session, []string) error) (err error) {
	if err := s.checkFlags(c); err != nil {
		return err
	}
	if s.asksForColumns(c.Name) {
		return s.printColumns(tableOf(c.Name))
	}
	args = s.withFile(c, args)
	if c.Needs == command.NeedsNothing || c.Needs == command.NeedsHistories && s.onlyFiles(args) {
		return run(ctx, s, args)
	}
	if _, err := s.filter(); err != nil { // before anything else takes time
		return err
	}
	b, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if s.codec != nil {
			s.codec.Close()
		}
		if closed := b.Close(); err == nil && closed != nil {
			err = fmt.Errorf("closing the store: %w", closed)
		}
	}()
	if c.Needs == command.NeedsWrite && s.store.ReadOnly() && !s.o.dryRun {
		return fmt.Errorf("%s: %w", c.Name, engine.ErrReadOnly)
	}
	if s.o.watch > 0 && (c.Name != "list" || s.env.OutTTY && s.isTable()) {
		return s.repeat(ctx, args, run)
	}
	return run(ctx, s, args)
}

func checkArgs(c command.Command, args []string) error {
	least, most := 0, 0
	for _, a := range c.Args {
		if !a.Optional {
			least++
		}
		if most++; a.Many {
			most = len(args) + 1
		}
	}
	switch {
	case len(args) < least:
		return fmt.Errorf("%s is missing: wfops %s", c.Args[len(args)].Name, c.Use())
	case len(args) > most:
		return fmt.Errorf("%q is one argument too many: wfops %s", args[most], c.Use())
	}
	return nil
}
