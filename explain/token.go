package explain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"daybook/events"
	"daybook/inspect"
	"daybook/view"
)

// answer finds out what the question is about, and answers.
func (e *explainer) answer(ctx context.Context, token string) error {
	fields := strings.Fields(token)
	timer := len(fields) == 3 && e.i.App().Process(fields[0]) != nil
	named := token
	if timer {
		named = fields[1]
	}
	tenant, plain, err := e.scope(named)
	if err != nil {
		return err
	}
	in := func(s events.Stream) events.Stream { return s.In(tenant) }
	if t, err := events.ParseToken(plain); err == nil && e.i.App().Aggregate(t.Stream.Aggregate()) != nil {
		return e.answerToken(ctx, events.Token{Stream: in(t.Stream), Version: t.Version})
	}
	name, key, isPath := strings.Cut(plain, "/")
	switch {
	case timer:
		return e.answerTimer(ctx, fields[0], in(events.Stream(plain)), fields[2])
	case isPath && e.i.App().Aggregate(name) != nil:
		if stream, err := events.ParseStream(plain); err == nil {
			return e.answerStream(ctx, in(stream))
		}
	case isPath && e.i.App().View(name) != nil:
		return e.answerRow(ctx, tenant, name, key)
	}
	kind, _, isClaim := strings.Cut(plain, "=")
	if !isClaim {
		kind, _, isClaim = strings.Cut(plain, "#")
	}
	if !isClaim {
		return e.answerID(ctx, tenant, plain)
	}
	if found, err := e.answerClaim(ctx, events.Scoped(tenant, plain)); found || err != nil {
		return err
	}
	err = e.answerID(ctx, tenant, plain)
	if events.CodeOf(err) == events.CodeNotFound && events.ValidateName("claim", kind) == nil {
		err = events.Errorf(events.CodeNotFound, "no stream holds a value %s of %s", token, kind)
	}
	return err
}

// scope returns the tenant of a question, and the question without it. An id is never
// one with a tenant: it may hold a colon.
func (e *explainer) scope(token string) (tenant, plain string, err error) {
	tenant, plain = e.opts.Tenant, token
	named, rest, ok := strings.Cut(token, ":")
	of := ok && e.i.App().Tenancy.On() && strings.ContainsAny(rest, "/=#") && events.ValidateTenant("tenant", named) == nil
	if of {
		if tenant != "" && tenant != named {
			return "", "", inspect.OtherTenant(token+" is of tenant "+named, cmp.Or(e.opts.TenantSource, "the question"), tenant)
		}
		tenant, plain = named, rest
	}
	return tenant, plain, e.i.CheckTenant(tenant)
}

// commitAt returns the commit that has a version of a stream, nil for none.
func (e *explainer) commitAt(ctx context.Context, t events.Token) (*events.Commit, error) {
	page, err := e.i.Stream(ctx, t.Stream, inspect.StreamQuery{From: t.Version, Limit: 1})
	if events.CodeOf(err) == events.CodeNotFound || err == nil && len(page.Commits) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	read, err := e.s.Events.Read(ctx, t.Stream, page.Commits[0].Number, 1)
	if err != nil || len(read) == 0 {
		return nil, err
	}
	return &read[0], nil
}

// answerToken answers for the commit that has a version.
func (e *explainer) answerToken(ctx context.Context, t events.Token) error {
	c, err := e.commitAt(ctx, t)
	if err != nil {
		return err
	}
	if c == nil {
		return events.Errorf(events.CodeNotFound, "there is no commit with version %d of %s", t.Version, t.Stream)
	}
	return e.chain(ctx, c, true)
}

// answerStream answers for the newest commits of a stream.
func (e *explainer) answerStream(ctx context.Context, stream events.Stream) error {
	page, err := e.i.Stream(ctx, stream, inspect.StreamQuery{Limit: e.opts.Commits})
	if err != nil {
		return err
	}
	if len(page.Commits) > 0 {
		e.out.Partial = page.Older > 0
		commits, err := e.s.Events.Read(ctx, stream, page.Commits[0].Number, len(page.Commits))
		if err != nil {
			return err
		}
		for n := range commits {
			if err := e.chain(ctx, &commits[n], true); err != nil {
				return err
			}
		}
	}
	e.out.Roots = append(e.out.Roots, e.letterNodes(ctx, stream)...)
	return nil
}

// answerRow answers for a row: for the stream that it follows, or for what holds a
// row of many streams up.
func (e *explainer) answerRow(ctx context.Context, tenant, name, key string) error {
	d := e.i.App().View(name).Describe()
	if d.Kind != view.KindRows {
		return e.answerKeyedRow(ctx, tenant, d, key)
	}
	if err := e.answerStream(ctx, events.StreamOf(d.Aggregates[0], key).In(tenant)); err != nil {
		return err
	}
	each(e.out.Roots, func(n *Node, _ int) { n.Asked = n.Kind == KindRow && n.Name == rowName(tenant, name, key) })
	return nil
}

// answerKeyedRow answers for a row that many streams feed: whether it is there, and
// which streams the view can't follow.
func (e *explainer) answerKeyedRow(ctx context.Context, tenant string, d view.Description, key string) error {
	name := d.Name
	row := &Node{Kind: KindRow, Name: rowName(tenant, name, key), By: name, State: StateDone, Asked: true}
	e.out.Roots = append(e.out.Roots, row)
	stored, err := e.i.Row(ctx, tenant, name, key)
	switch {
	case events.CodeOf(err) == events.CodeNotFound:
		row.State, row.Text = StateUnknown, "there is no such row: no stream contributes to it, or it is hidden"
	case err != nil:
		row.State, row.Code, row.Text = StateLate, string(events.CodeOf(err)), events.FaultText(err)
	default:
		row.Text = fmt.Sprintf("many streams feed the row; explain one of them: %s", strings.Join(d.Aggregates, "/…, ")+"/…")
	}
	if err == nil && !stored.Parked {
		return nil
	}
	parked, err := e.i.Parked(ctx, inspect.ParkedQuery{Tenant: tenant, Names: []string{name}, Limit: 20})
	if err != nil {
		return err
	}
	for _, p := range parked.Parked {
		if e.room() {
			row.Effects = append(row.Effects, parkedNode(KindRow, name+" of "+string(p.Stream), name, p, e.redrive(name, p.Stream)))
		}
	}
	e.out.Partial = e.out.Partial || parked.Next != nil
	return nil
}

// answerClaim answers for a claimed value, by its key; found is false when the text
// is not one, or nobody holds it.
func (e *explainer) answerClaim(ctx context.Context, key string) (found bool, err error) {
	held, err := e.s.Events.Holders(ctx, []string{key})
	if err != nil || held[0].Stream == "" {
		return false, err
	}
	commits, err := e.s.Events.Read(ctx, held[0].Stream, held[0].Commit, 1)
	if err != nil || len(commits) == 0 {
		return false, err
	}
	if err := e.chain(ctx, &commits[0], false); err != nil {
		return true, err
	}
	each(e.out.Roots, func(n *Node, _ int) { n.Asked = n.Kind == KindClaim && n.Name == key })
	return true, nil
}

// answerTimer answers for a timer: for the newest commit of the stream that sets it.
func (e *explainer) answerTimer(ctx context.Context, manager string, stream events.Stream, name string) error {
	if !slices.Contains(e.i.App().Process(manager).Describe().Aggregates, stream.Aggregate()) {
		return events.Errorf(events.CodeNotFound, "%s does not follow %s", manager, stream)
	}
	if err := e.answerStream(ctx, stream); err != nil {
		return err
	}
	asked := false
	each(e.out.Roots, func(n *Node, _ int) {
		n.Asked = n.Kind == KindTimer && n.By == manager && strings.HasPrefix(n.Name, name+": ")
		asked = asked || n.Asked
	})
	if !asked {
		return events.Errorf(events.CodeNotFound, "no reaction of %s to %s sets a timer %s", manager, stream, name)
	}
	return nil
}
