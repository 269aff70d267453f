package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/explain"
	"daybook/inspect"
)

func explainCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "tell what became of a command, commit, row, claimed value, timer or message, and why it is stuck",
		ArgsUsage: "TOKEN",
		Description: "TOKEN is order/7@3 (a commit), order/7 (a stream), orders/7 (a row), email=a@b.c (a claimed\n" +
			"value), \"fulfilment order/7 confirmation\" (a timer), or the id of a command, commit, timer or\n" +
			"integration event. An id found nowhere else is looked for in the events table, -scan\n" +
			"commits of it. Dead letters that are looked at are hidden from others for a moment.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "exit with 3 when something is stuck"},
			&cli.IntFlag{Name: "scan", Value: 10_000, Usage: "read at most `N` commits to find an id"},
		},
		Action: a.explain,
	}
}

func (a *app) explain(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 || c.Int("scan") < 0 {
		return usage("explain takes one token, such as order/7@3, and -scan is not negative")
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if _, err := s.reachable(ctx); err != nil {
		return err
	}
	installation, err := s.installation()
	if err != nil {
		return err
	}
	scan := c.Int("scan")
	if scan == 0 {
		scan = -1 // 0 is the default
	}
	x, err := explain.Explain(ctx, installation, c.Args().First(), &explain.Options{Tenant: s.tenant, TenantSource: inspect.TenantFlag, Scan: scan})
	if events.CodeOf(err) == events.CodeMalformed {
		return usage("%w", err)
	}
	if err != nil {
		return err
	}
	if s.out.json {
		s.out.value(x)
	} else {
		s.out.printf("%s", x.Text())
	}
	if len(x.Causes) > 0 && c.Bool("check") && s.out.err == nil {
		return found()
	}
	return s.out.err
}
