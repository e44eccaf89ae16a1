package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
)

const environmentHelp = `WFOPS_DSN       the store, where neither the first argument nor --connect names one
WFOPS_CONFIG    the configuration; else wfops/config.yaml in XDG_CONFIG_HOME or ~/.config
NO_COLOR        if not empty, no colors
CLICOLOR_FORCE  if not empty nor 0, colors also into a pipe
TERM            dumb means no colors, and no screens
LC_ALL          or LC_CTYPE, or LANG: a character set other than UTF-8 means signs in ASCII
VISUAL          or EDITOR: what opens a line of code from the screens
XDG_STATE_HOME  what screens save, copy and remember is in wfops there; else in ~/.local/state

The configuration is never written by wfops, see: wfops help profiles`

const profilesHelp = `The configuration gives names to stores:

  profiles:
    prod:
      dsn: mysql://app@db-3:3306/wf?tls=true
      password_env: PROD_PASSWORD      # or password_file: PATH
      mode: ro                         # or password_command: [pass, show, prod]
                                       # or password_keyring: [SERVICE, ACCOUNT]
      codec: [payload-codec]           # a program that opens and seals payloads
      replayer: ./bin/worker           # the program that has the code, for the screens
      environment: production          # what it is used for, shown on the screens

wfops prod list uses one, wfops ctx shows and tries them. The password is put into dsn.
Without mode a store on a server is read-only, also on this machine, unless --write is
given. Paths of files are relative to the configuration, or begin with ~/.

A project may have profiles too, in .wfops.yaml of the current folder. They hold dsn,
environment and mode: ro and nothing else: no password, nor where one is, and no program,
for such a file comes with other people's code. They can't take the name of one of yours.`

const jsonHelp = `-o json writes one document, -o jsonl one for each line as they are read, -o yaml the
same as YAML. queues, workers, ctx and changes write an array of documents.

A document names its schema, like wfops.instance/v1; fields are only ever added to one.
Names are in snake_case, times in RFC 3339 and UTC, durations in milliseconds with a
name that ends in _ms, ids are texts. Nothing is cut or escaped for eyes. Events are in
the wire format of histories: payloads that are JSON stand for themselves, others are
{"$bytes":"base64"}.

--jq EXPRESSION takes pieces out of the documents that -o jsonl would write, one after
the other; texts are written as they are:

  wfops app.db list --filter is:blocked --jq .instance_id

Errors are documents on standard error: {"schema":"wfops.error/v1","exit":4,...}.

The schemas, and who writes them:
`

func jsonTopic() string {
	var b strings.Builder
	b.WriteString(jsonHelp + "\n")
	for _, d := range document.Schemas() {
		fmt.Fprintf(&b, "  %-20s %s\n", d.Schema, d.By)
	}
	return strings.TrimRight(b.String(), "\n")
}

// topics are pages of help that belong to no command.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "filter", Short: "Help: how instances are chosen", Long: filterHelp()},
		{Use: "exit-codes", Short: "Help: what exit codes mean", Long: exitHelp()},
		{Use: "environment", Short: "Help: what is read from the environment", Long: environmentHelp},
		{Use: "profiles", Short: "Help: names for stores", Long: profilesHelp},
		{Use: "json", Short: "Help: what programs get", Long: jsonTopic()},
	}
}

func filterHelp() string {
	var b strings.Builder
	b.WriteString("A filter is a list of terms that must all match:\n\n")
	for _, k := range filter.Keys() {
		fmt.Fprintf(&b, "  %-24s %s\n", k.Example, k.Help)
		if k.Values != nil {
			fmt.Fprintf(&b, "  %-24s   %s\n", "", strings.Join(k.Values, ", "))
		}
	}
	b.WriteString(`  word, "two words"        in id, workflow, error, status line, name of what is waited for
  /re/                     an RE2 expression, in the same texts
  !term, key:!value        the opposite

Alternatives are separated by commas: status:failed,blocked. An unquoted * stands for
any run of characters. Words ignore case unless they have capitals. Times are written
as 90s, 1h30m, 2d or 1w.

What the store can't do itself is looked for in what it answers, instance by instance,
up to --scan of them: words, expressions, most opposites, patterns outside of type.`)
	return b.String()
}

func exitHelp() string {
	var b strings.Builder
	for _, e := range exits {
		fmt.Fprintf(&b, "%4d  %s\n", e.code, e.says)
	}
	return b.String()
}
