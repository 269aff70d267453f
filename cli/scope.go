package cli

import (
	"github.com/urfave/cli/v3"

	"daybook/events"
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
	stream, err := events.ParseStored(text)
	if err != nil {
		return "", usage("%q is not the name of a stream: write AGGREGATE/ID", text)
	}
	switch named := stream.Tenant(); {
	case named != "" && !a.of.Tenancy.On():
		return "", usage("%s: %s has no tenants: write %s", text, a.of.Name, stream.In(""))
	case named != "" && tenant != "" && named != tenant:
		return "", usage("%s is a stream of tenant %s, and -tenant or DAYBOOK_TENANT says %s: leave out one of them", text, named, tenant)
	case named == "" && a.of.Tenancy.On():
		if tenant, err = a.oneTenant(c); err != nil {
			return "", usage("%s: %s has tenants: name one with -tenant, or write TENANT:%s", text, a.of.Name, text)
		}
		return stream.In(tenant), nil
	}
	return stream, nil
}
