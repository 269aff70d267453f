package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/inspect"
	"daybook/mcp"
)

// localAPI is where the local stack's API answers.
const localAPI = "http://127.0.0.1:8080"

func mcpCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:  "mcp",
		Usage: "serve an agent over the Model Context Protocol, on standard input and output",
		Description: "The agent's tools describe the application, show streams, query views, explain, and tell lag,\n" +
			"parked streams and dead letters, with the rights of your AWS credentials. With -write they also\n" +
			"try commands, and send them through the HTTP API (-api; by default that of the local stack).",
		Flags:  append([]cli.Flag{&cli.BoolFlag{Name: "write", Usage: "let the agent try and send commands"}}, apiFlags()...),
		Action: a.mcp,
	}
}

func (a *app) mcp(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() > 0 {
		return usage("mcp takes no arguments; see -help")
	}
	tenant, err := a.oneTenant(c)
	if err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	installation, err := s.installation()
	if err != nil {
		return err
	}
	options := mcp.Options{Installation: installation, Tenant: tenant, Version: version()}
	if c.Bool("write") {
		if c.String("api") == "" {
			if c.String("stage") != localStage {
				return usage("-write: name the HTTP API of the stage with -api; -sign or -token says who you are")
			}
			if err := c.Set("api", localAPI); err != nil {
				return err
			}
		}
		options.Write = agentWrites{s, c, installation}
	}
	return mcp.Serve(ctx, mcp.New(options), a.stdin, a.stdout)
}

// agentWrites tries commands on an installation and sends them through its API.
type agentWrites struct {
	session      *session
	c            *cli.Command
	installation *inspect.Installation
}

// DryRun implements mcp.Writer.
func (w agentWrites) DryRun(ctx context.Context, c aggregate.Command) (any, error) {
	c.Tenant = w.session.tenant
	return w.installation.DryRun(ctx, c)
}

// Send implements mcp.Writer.
func (w agentWrites) Send(ctx context.Context, c aggregate.Command) (any, error) {
	return w.session.sendToAPI(ctx, w.c, c)
}
