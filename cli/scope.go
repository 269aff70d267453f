package cli

import (
	"errors"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/inspect"
)

// tenantFlag says whose streams, rows and commands a command line is about.
func tenantFlag() cli.Flag {
	return &cli.StringFlag{Name: "tenant", Sources: cli.EnvVars("DAYBOOK_TENANT"), Usage: "act on the streams, rows and commands of tenant `NAME`, in an application with tenants"}
}

// checkTenant reports what is wrong with -tenant. It returns the tenant, "" for none.
func (a *app) checkTenant(c *cli.Command) (string, error) {
	tenant := c.String("tenant")
	switch {
	case tenant == "":
		return "", nil
	case !a.of.Tenancy.On():
		return "", usage("-tenant %s: %s has no tenants; leave out the flag, and unset DAYBOOK_TENANT", tenant, a.of.Name)
	case events.ValidateTenant("tenant", tenant) != nil:
		return "", usage("-tenant %q: %w", tenant, events.ValidateTenant("tenant", tenant))
	}
	return tenant, nil
}

// oneTenant is the tenant that -tenant names. In an application with tenants there must
// be one; in any other it is "".
func (a *app) oneTenant(c *cli.Command) (string, error) {
	tenant, err := a.checkTenant(c)
	if err == nil && tenant == "" && a.of.Tenancy.On() {
		return "", usage("%s has tenants: name one with -tenant, or in DAYBOOK_TENANT", a.of.Name)
	}
	return tenant, err
}

// stream reads a stream's name as an operator writes it: user/7 of the tenant that
// -tenant names, or in full, acme:user/7.
func (a *app) stream(c *cli.Command, text string) (events.Stream, error) {
	tenant, err := a.checkTenant(c)
	if err != nil {
		return "", err
	}
	stream, err := inspect.StreamNamed(a.of, text, tenant)
	if e, ok := errors.AsType[*events.Error](err); ok {
		return "", usage("%s", e.Message)
	}
	return stream, nil
}
