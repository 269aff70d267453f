package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// noSubcommand is the error of an argument that should be a subcommand of c, or of
// none where one is needed.
func noSubcommand(c *cli.Command, hint string) error {
	name := c.Args().First()
	if name == "" {
		return usage("%s", hint)
	}
	var names []string
	for _, sub := range c.Commands {
		names = append(names, sub.Name)
	}
	return usage("there is no subcommand %q%s; %s", name, suggestion(name, names), hint)
}

// unknown is the error of a name that nothing has.
func unknown(kind, name string, names []string) error {
	return usage("there is no %s %q%s; there are %s", kind, name, suggestion(name, names), strings.Join(names, ", "))
}

// suggestion is ", did you mean X?" with the nearest of the names, or nothing.
func suggestion(name string, names []string) string {
	var candidates []*cli.Command
	for _, n := range names {
		candidates = append(candidates, &cli.Command{Name: n})
	}
	nearest := cli.SuggestCommand(candidates, name)
	if !slices.Contains(names, nearest) { // the library may suggest help
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", nearest)
}

// wrongFlag is the error of flags that can't be parsed.
func wrongFlag(_ context.Context, c *cli.Command, err error, _ bool) error {
	name, undefined := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !undefined {
		return &exitError{exitUsage, err}
	}
	name = strings.TrimLeft(name, "-")
	text := ""
	var flags []cli.Flag
	for _, of := range c.Lineage() {
		flags = append(flags, of.Flags...)
	}
	if nearest := strings.TrimLeft(cli.SuggestFlag(flags, name, true), "-"); nearest != "" {
		text = ", did you mean -" + nearest + "?"
	}
	return usage("there is no flag -%s%s; see %s -help", name, text, c.FullName())
}

// hideZero keeps a default that says nothing out of the help: false, 0, "".
func hideZero(f cli.Flag) {
	switch f := f.(type) {
	case *cli.BoolFlag:
		f.HideDefault = true
	case *cli.StringFlag:
		f.HideDefault = f.Value == ""
	case *cli.StringSliceFlag:
		f.HideDefault = len(f.Value) == 0
	case *cli.IntFlag:
		f.HideDefault = f.Value == 0
	case *cli.Int64Flag:
		f.HideDefault = f.Value == 0
	case *cli.Uint64Flag:
		f.HideDefault = f.Value == 0
	case *cli.FloatFlag:
		f.HideDefault = f.Value == 0
	case *cli.DurationFlag:
		f.HideDefault = f.Value == 0
	}
}

// exitHelp is the table of exit codes in the help.
func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:")
	for _, e := range exits() {
		fmt.Fprintf(&b, "\n%5d  %s", e.code, strings.ReplaceAll(e.meaning, "`", ""))
	}
	return b.String()
}

// version is what the program was built from, as Go recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	text := info.Main.Version
	if text == "" {
		text = "(devel)"
	}
	if revision := set["vcs.revision"]; revision != "" && !strings.Contains(text, revision[:min(12, len(revision))]) {
		text += " " + revision
		if set["vcs.modified"] == "true" {
			text += "+dirty"
		}
	}
	return text + " " + info.GoVersion
}
