package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/dynamo"
	"daybook/events"
	"daybook/functions/names"
	"daybook/inspect"
)

func tenantCommand(a *app) *cli.Command {
	scan := []cli.Flag{
		&cli.IntFlag{Name: "scan", Usage: "read at most about `N` commits; 0 for all"},
		&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts of the table at the same time"},
	}
	return &cli.Command{
		Name:  "tenant",
		Usage: "list tenants, measure what they use, export or delete one",
		Action: func(_ context.Context, c *cli.Command) error {
			return noSubcommand(c, "tenant takes list, usage, export or delete; see "+a.of.Name+" tenant -help")
		},
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list the tenants that have streams", ArgsUsage: "[TENANT]",
				Description: "Reads the events table.",
				Flags:       scan,
				Action:      a.tenantList,
			},
			{
				Name: "usage", Usage: "measure what tenants store", ArgsUsage: "[TENANT]",
				Description: "Reads the events table, and prints queries of CloudWatch Logs Insights for the requests\n" +
					"and for the commands and capacity units of each tenant.",
				Flags:  scan,
				Action: a.tenantUsage,
			},
			{
				Name: "export", Usage: "write a tenant's commits as JSON Lines, as export does", ArgsUsage: "TENANT",
				Flags: exportCommand(a).Flags,
				Action: func(ctx context.Context, c *cli.Command) error {
					tenant, err := a.theTenant(c)
					if err != nil {
						return err
					}
					return a.exportOf(ctx, c, tenant)
				},
			},
			tenantDeleteCommand(a),
		},
	}
}

// theTenant is the tenant that a subcommand is about.
func (a *app) theTenant(c *cli.Command) (string, error) {
	tenant, err := a.maybeTenant(c)
	if err == nil && tenant == "" {
		return "", usage("%s takes one tenant, as its argument or by -tenant; see %s tenant list", c.Name, a.of.Name)
	}
	return tenant, err
}

// maybeTenant is the tenant that the argument or -tenant names, "" for none. All
// subcommands of tenant take both.
func (a *app) maybeTenant(c *cli.Command) (string, error) {
	if !a.of.Tenancy.On() {
		return "", usage("%s has no tenants: see docs/tenants.md", a.of.Name)
	}
	flag, err := a.checkTenant(c)
	if err != nil {
		return "", err
	}
	name := c.Args().First()
	switch {
	case c.Args().Len() > 1:
		return "", usage("%s takes one tenant; see %s tenant list", c.Name, a.of.Name)
	case !c.Args().Present():
		return flag, nil
	case flag != "" && name != flag:
		return "", usage("the argument is tenant %s, and %s says %s: leave out one of them", name, inspect.TenantFlag, flag)
	}
	if err := events.ValidateTenant("tenant", name); err != nil {
		return "", usage("%q: %w", name, err)
	}
	return name, nil
}

// tenantLine is what a tenant stores in the events table.
type tenantLine struct {
	Tenant  string    `json:"tenant"`
	Streams int64     `json:"streams"`
	Commits int64     `json:"commits"`
	Events  int64     `json:"events"`
	Bytes   int64     `json:"bytes"` // as DynamoDB bills them
	Last    time.Time `json:"last"`  // commit
}

// tenantSums are the lines of tenants, by name.
type tenantSums map[string]*tenantLine

func (s tenantSums) add(l tenantLine) {
	sum := s[l.Tenant]
	if sum == nil {
		sum = &tenantLine{Tenant: l.Tenant}
		s[l.Tenant] = sum
	}
	sum.Streams, sum.Commits, sum.Events, sum.Bytes = sum.Streams+l.Streams, sum.Commits+l.Commits, sum.Events+l.Events, sum.Bytes+l.Bytes
	if l.Last.After(sum.Last) {
		sum.Last = l.Last
	}
}

// tenants measures the events table, and reports whether it read all of it.
func (s *session) tenants(ctx context.Context, budget, atOnce int) ([]*tenantLine, bool, error) {
	info, err := s.reachable(ctx)
	if err != nil {
		return nil, false, err
	}
	bar := s.progress("tenants", "commits", info.Items)
	defer bar.end()
	var mu sync.Mutex
	sums, whole := tenantSums{}, true
	err = inParallel(ctx, atOnce, atOnce, func(ctx context.Context, segment int) error {
		own, read := tenantSums{}, 0
		var before dynamo.StoredSize
		for page, err := range events.Pages(ctx, s.store.ScanSizes, segment, atOnce) {
			if err != nil {
				return err
			}
			if budget > 0 && read >= max(1, budget/atOnce) {
				mu.Lock()
				whole = false
				mu.Unlock()
				break
			}
			bar.add(int64(len(page)))
			for _, c := range page {
				l := tenantLine{Tenant: c.Stream.Tenant(), Commits: 1, Events: c.Version, Bytes: int64(c.Bytes), Last: c.Time}
				if c.Stream == before.Stream {
					l.Events -= before.Version
				} else {
					l.Streams = 1
				}
				own.add(l)
				before = c
			}
			read += len(page)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, l := range own {
			sums.add(*l)
		}
		return nil
	})
	lines := slices.SortedFunc(maps.Values(sums), func(a, b *tenantLine) int { return cmp.Compare(a.Tenant, b.Tenant) })
	return lines, whole, err
}

// measuredTenants are the tenants that a command line asks for.
type measuredTenants struct {
	*session
	only  string // tenant; "" for all
	lines []*tenantLine
}

// measureTenants opens the installation and measures it as argument and flags say.
func (a *app) measureTenants(ctx context.Context, c *cli.Command) (m measuredTenants, err error) {
	if m.only, err = a.maybeTenant(c); err != nil {
		return m, err
	}
	if c.Int("scan") < 0 {
		return m, usage("-scan must not be negative")
	}
	if err := checkParallel(c.Int("parallel")); err != nil {
		return m, err
	}
	if m.session, err = a.open(ctx, c); err != nil {
		return m, err
	}
	lines, whole, err := m.tenants(ctx, c.Int("scan"), c.Int("parallel"))
	m.lines = slices.DeleteFunc(lines, func(l *tenantLine) bool { return m.only != "" && l.Tenant != m.only })
	if err == nil && !whole {
		m.note("only a part of the events table was read: tenants may be missing, and figures are too low")
	}
	return m, err
}

func (a *app) tenantList(ctx context.Context, c *cli.Command) error {
	m, err := a.measureTenants(ctx, c)
	if err != nil {
		return err
	}
	t := m.out.table("TENANT", "STREAMS", "LAST COMMIT")
	for _, l := range m.lines {
		t.row(l, l.Tenant, l.Streams, l.Last)
	}
	t.end("no tenants")
	return m.out.err
}

func (a *app) tenantUsage(ctx context.Context, c *cli.Command) error {
	m, err := a.measureTenants(ctx, c)
	if err != nil {
		return err
	}
	t := m.out.table("TENANT", "STREAMS", "COMMITS", "EVENTS", "BYTES", "LAST COMMIT")
	for _, l := range m.lines {
		t.row(l, l.Tenant, l.Streams, l.Commits, l.Events, l.Bytes, l.Last)
	}
	t.end("no streams")
	for _, q := range usageQueries(m.only) {
		m.note("CloudWatch Logs Insights, log group /%s/%s: %s", m.prefix, q[0], q[1])
	}
	return m.out.err
}

// usageQueries are queries of log groups: the requests of tenants in the access log, and
// their commands and capacity units in the command function's metric lines.
func usageQueries(tenant string) [][2]string {
	filter := "filter ispresent(tenant)"
	if tenant != "" {
		filter = fmt.Sprintf("filter tenant = %q", tenant)
	}
	sum := func(m names.Metric) string { return "sum(" + m.String() + ") as " + m.String() }
	measured := []string{sum(names.MetricAccepted), sum(names.MetricRejected), sum(names.MetricReadUnits), sum(names.MetricWriteUnits)}
	return [][2]string{
		{"access", filter + " | stats count(*) as requests by tenant"},
		{names.Command, filter + " | stats " + strings.Join(measured, ", ") + " by tenant"},
	}
}
