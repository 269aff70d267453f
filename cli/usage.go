package cli

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"daybook/nearest"
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
	if near := nearest.Hint(name, slices.Values(names)); near != "" {
		hint = strings.TrimPrefix(near, "; ")
	}
	return usage("there is no subcommand %q; %s", name, hint)
}

// unknown is the error of a name that nothing has.
func unknown(kind, name string, names []string) error {
	if hint := nearest.Hint(name, slices.Values(names)); hint != "" {
		return usage("there is no %s %q%s", kind, name, hint)
	}
	return usage("there is no %s %q; there are %s", kind, name, strings.Join(names, ", "))
}

// wrongFlag is the error of flags that can't be parsed.
func wrongFlag(_ context.Context, c *cli.Command, err error, _ bool) error {
	name, undefined := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !undefined {
		return &exitError{exitUsage, cmp.Or(wrongValue(c, err.Error()), err)}
	}
	name = strings.TrimLeft(name, "-")
	var flags []string
	for _, of := range c.Lineage() {
		for _, f := range of.Flags {
			for _, n := range f.Names() {
				flags = append(flags, "-"+n)
			}
		}
	}
	if hint := nearest.Hint("-"+name, slices.Values(flags)); hint != "" {
		return usage("there is no flag -%s%s", name, hint)
	}
	return usage("there is no flag -%s; see %s -help", name, c.FullName())
}

// wrongValue is the error of a flag whose value is of another kind, without what the
// parser of the kind says; nil for another error.
func wrongValue(c *cli.Command, text string) error {
	quoted, isValue := strings.CutPrefix(text, "invalid value ")
	value, err := strconv.QuotedPrefix(quoted)
	if !isValue || err != nil {
		return nil
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(quoted[len(value):], " for flag -"), ":")
	for _, of := range c.Lineage() {
		for _, f := range of.Flags {
			if kind := flagKind(f); kind != "" && slices.Contains(f.Names(), name) {
				return fmt.Errorf("-%s takes %s, not %s", name, kind, value)
			}
		}
	}
	return nil
}

// flagKind says which values a flag takes; "" for any text.
func flagKind(f cli.Flag) string {
	switch f.(type) {
	case *cli.BoolFlag:
		return "true or false"
	case *cli.IntFlag, *cli.Int64Flag:
		return "a whole number"
	case *cli.Uint64Flag:
		return "a whole number that is not negative"
	case *cli.FloatFlag:
		return "a number"
	case *cli.DurationFlag:
		return "a duration such as 90s, 10m or 24h"
	}
	return ""
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
	text := cmp.Or(info.Main.Version, "(devel)")
	if revision := set["vcs.revision"]; revision != "" && !strings.Contains(text, revision[:min(12, len(revision))]) {
		text += " " + revision
		if set["vcs.modified"] == "true" {
			text += "+dirty"
		}
	}
	return text + " " + info.GoVersion
}
