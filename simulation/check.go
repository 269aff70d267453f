package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/dynamo"
	"daybook/events"
	"daybook/process"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
)

// Violation is something that must never be.
type Violation struct {
	Check string // which check found it
	Text  string
}

// String returns both in a line.
func (v Violation) String() string { return v.Check + ": " + v.Text }

// checker looks at a run that is over.
type checker struct {
	*system
	options    Options
	order      []place
	groups     [][2]int // ranges of order that one transaction stored
	operations []*operation
	answers    []rowAnswer
	rebuilds   string // the view to build again in the end; "" for none
	found      []Violation

	commits map[events.Stream][]events.Commit        // as they could be read first
	now     map[events.Stream][]events.Commit        // as they can be read now
	about   map[events.Stream]map[events.Stream]bool // who was erased, by the streams that are about them
	byID    map[string][]events.Commit               // commits that answer a command, by its id
	sent    map[string]request                       // commands, by their ids
	owners  map[string]aggregate.Description
	effects []effect
}

// place names a commit in the order in which commits were stored.
type place struct {
	stream events.Stream
	number int64
}

// Names of the checks.
const (
	checkContiguous = "streams are contiguous"
	checkCommands   = "each command once"
	checkDecisions  = "commits match their commands' decisions"
	checkClaims     = "claims are unique"
	checkViews      = "views match their events"
	checkRebuilt    = "rebuilt views match the live ones"
	checkShards     = "shards are read in order"
	checkErased     = "erased values can't be read"
	checkParked     = "nothing is parked"
	checkFollowed   = "every commit is handled"
	checkEffects    = "reactions have their effects"
	checkAnswers    = "answers are right"
	checkTenants    = "nothing of a tenant is in another's answer"
	checkQuiet      = "the system comes to rest"
	checkGoroutines = "no goroutine is left"
	checkRun        = "the run itself"
)

func (c *checker) fail(check, format string, args ...any) {
	c.found = append(c.found, Violation{check, fmt.Sprintf(format, args...)})
}

// all runs the checks in the order in which a reader wants to know.
func (c *checker) all(ctx context.Context) {
	if err := c.load(ctx); err != nil {
		c.fail(checkRun, "the commits can't be read: %v", err)
		return
	}
	c.requests(ctx)
	c.contiguous()
	c.commands(ctx)
	c.invariants()
	c.claims(ctx)
	c.performed(ctx)
	c.decisions(ctx)
	c.followed(ctx)
	c.parked(ctx)
	c.ownAnswers()
	c.views(ctx, checkViews)
	c.erased(ctx)
	if c.rebuilds != "" && len(c.found) == 0 {
		c.rebuilt(ctx)
	}
}

// repair finishes what a deployment began, on a kind network: tables of new versions
// that are not built yet, and what the old program had parked.
func (c *checker) repair(ctx context.Context) {
	o := c.operator(nil)
	ctx = invoked(ctx, "repair")
	if err := o.redrive(ctx, ""); err != nil {
		c.fail(checkRun, "parked streams can't be redriven: %v", err)
	}
	routes, ok := c.routes(ctx)
	if !ok {
		return
	}
	for _, v := range c.app.Views {
		d := v.Describe()
		if routes[d.Name].Serving.Version == d.Version {
			continue
		}
		if err := o.rebuild(ctx, d.Name); err != nil {
			c.fail(checkRebuilt, "version %d of %s can't be built: %v", d.Version, d.Name, err)
		}
	}
}

// repairRest is how long timers are waited for after a repair.
const repairRest = time.Minute

func (c *checker) load(ctx context.Context) error {
	c.commits, c.byID = map[events.Stream][]events.Commit{}, map[string][]events.Commit{}
	c.now, c.about = map[events.Stream][]events.Commit{}, map[events.Stream]map[events.Stream]bool{}
	for _, e := range c.erasures.all {
		c.isAbout(e.subject, e.subject)
	}
	err := eachCommit(ctx, c.raw, func(commit events.Commit) {
		for _, e := range c.erasures.all {
			if isAbout(&commit, e.subject) {
				c.isAbout(commit.Stream, e.subject)
			}
		}
	})
	return errors.Join(err, eachCommit(ctx, c.store, func(commit events.Commit) {
		c.now[commit.Stream] = append(c.now[commit.Stream], commit)
		if past, ok := c.past[place{commit.Stream, commit.Number}]; ok {
			commit = past.Commit
		}
		c.commits[commit.Stream] = append(c.commits[commit.Stream], commit)
		for _, command := range commit.Commands {
			c.byID[command.ID] = append(c.byID[command.ID], commit)
		}
	}))
}

func (c *checker) isAbout(stream, subject events.Stream) {
	if c.about[stream] == nil {
		c.about[stream] = map[events.Stream]bool{}
	}
	c.about[stream][subject] = true
}

// readable reports whether a commit of a stream can be compared with a decision: nobody
// whom the stream is about was erased before.
func (c *checker) readable(commit events.Commit) bool {
	past, ok := c.past[place{commit.Stream, commit.Number}]
	return len(c.about[commit.Stream]) == 0 || ok && past.deleted == 0
}

// streams are the names of all streams, sorted.
func (c *checker) streams() []events.Stream { return slices.Sorted(maps.Keys(c.commits)) }

// contiguous: numbers and versions go up without a gap, and nothing that was stored
// was stored over.
func (c *checker) contiguous() {
	seen := map[place]bool{}
	for _, w := range c.order {
		if seen[w] {
			c.fail(checkContiguous, "commit %d of %s was stored twice: the second overwrote the first", w.number, w.stream)
		}
		seen[w] = true
	}
	ids := map[string]place{}
	for _, stream := range c.streams() {
		var version int64
		for i, commit := range c.commits[stream] {
			if commit.Number != int64(i+1) {
				c.fail(checkContiguous, "%s has commit %d in place of commit %d", stream, commit.Number, i+1)
			}
			if version += int64(len(commit.Events)); commit.Version != version {
				c.fail(checkContiguous, "commit %d of %s has version %d, but its events add up to %d", commit.Number, stream, commit.Version, version)
			}
			if other, ok := ids[commit.ID]; ok && other.stream == stream {
				c.fail(checkContiguous, "commits %d and %d of %s share an id", other.number, commit.Number, stream)
			}
			ids[commit.ID] = place{stream, commit.Number}
		}
	}
}

// commands: one that was acknowledged is there once, as it was answered, and no other
// is there twice.
func (c *checker) commands(ctx context.Context) {
	for _, id := range slices.Sorted(maps.Keys(c.byID)) {
		own := map[events.Stream]int{}
		for _, commit := range c.byID[id] {
			if own[commit.Stream]++; own[commit.Stream] == 2 {
				c.fail(checkCommands, "command %s is in two commits of %s", id, commit.Stream)
			}
		}
	}
	statuses := dynamo.NewRequests(c.kind, c.base.RequestsTable)
	for _, op := range c.operations {
		c.expectations(op)
		switch {
		case op.queued:
			c.queuedCommand(ctx, statuses, op)
		case op.accepted:
			c.acknowledged(ctx, op.step, op.key, op.stream, op.version)
		}
	}
}

// acknowledged: a command that was accepted has its events at the version that its
// sender was told, or had none to write.
func (c *checker) acknowledged(ctx context.Context, of step, key string, stream events.Stream, version int64) {
	for _, commit := range c.byID[key] {
		if commit.Stream != stream {
			continue
		}
		for _, command := range commit.Commands {
			if command.ID == key && command.Version != version {
				c.fail(checkCommands, "%s: answered with version %d, but commit %d of %s holds it at version %d", of, version, commit.Number, stream, command.Version)
			}
		}
		return
	}
	if of.command.Across || len(c.about[stream]) > 0 {
		return // what it would decide depends on other streams, or on a key, at a time that nobody knows
	}
	again := c.sent[key].Command
	again.ID = stream.ID()
	got, err := c.decide(ctx, stream, version, time.Now(), []aggregate.Command{again})
	switch {
	case err != nil:
		c.fail(checkCommands, "%s: acknowledged as %s@%d, but no commit holds it, and at that version it is rejected: %v", of, stream, version, err)
	case len(got.Events) > 0:
		c.fail(checkCommands, "%s: acknowledged as %s@%d, but no commit holds it, and at that version it emits %v", of, stream, version, namesOf(got.Events))
	}
}

func (c *checker) queuedCommand(ctx context.Context, statuses *dynamo.Requests, op *operation) {
	status, err := statuses.Get(ctx, time.Now(), op.tenant, op.key)
	switch {
	case err != nil:
		c.fail(checkCommands, "%s: its status can't be read: %v", op.step, err)
	case status == nil:
		if time.Since(c.network.trace.began) < 20*time.Hour {
			c.fail(checkCommands, "%s: queued, but has no status", op.step)
		}
	case status.State == async.StatePending:
		c.fail(checkCommands, "%s: queued, but never handled", op.step)
	case status.State == async.StateAccepted:
		c.acknowledged(ctx, op.step, op.key, status.Stream, status.Result.Version)
	case status.State == async.StateFailed:
		c.fail(checkCommands, "%s: queued, but failed: %v", op.step, status.Problem)
	}
}

// invariants checks those of the user at every moment, and those that hold in the end.
func (c *checker) invariants() {
	w := newWorld(c.app, c.codec)
	stored := map[place]events.Commit{}
	for stream, commits := range c.commits {
		for _, commit := range commits {
			stored[place{stream, commit.Number}] = commit
		}
	}
	broken := map[string]bool{}
	holders := map[string]events.Stream{}
	seen := map[place]bool{}
	for i, at := range c.order {
		commit, ok := stored[at]
		if !ok || seen[at] {
			continue
		}
		seen[at] = true
		if err := w.add(commit); err != nil {
			c.fail(checkDecisions, "%v", err)
			return
		}
		c.hold(holders, commit, i)
		if i+1 < len(c.order) && c.together(i) {
			continue // one transaction: nobody sees a part of it
		}
		for _, v := range c.options.Always {
			if broken[v.Name] {
				continue
			}
			if err := holds(v, w); err != nil {
				broken[v.Name] = true
				c.fail(v.Name, "after commit %d of %s (%s): %v", commit.Number, commit.Stream, namesOf(commit.Events), err)
			}
		}
	}
	for _, v := range c.options.Eventually {
		if err := holds(v, w); err != nil {
			c.fail(v.Name, "at the end of the run: %v", err)
		}
	}
}

// together reports whether the commits at i and i+1 were stored by one transaction.
func (c *checker) together(i int) bool {
	return slices.ContainsFunc(c.groups, func(g [2]int) bool { return g[0] <= i && i+1 < g[1] })
}

// hold follows who holds the values that commits claim.
func (c *checker) hold(holders map[string]events.Stream, commit events.Commit, i int) {
	defer func() {
		for _, claim := range commit.Releases {
			if holders[claim.Key(commit.Stream.Tenant())] == commit.Stream {
				delete(holders, claim.Key(commit.Stream.Tenant()))
			}
		}
	}()
	for _, claim := range commit.Claims {
		if other, ok := holders[claim.Key(commit.Stream.Tenant())]; ok && other != commit.Stream && !c.inGroup(i) {
			c.fail(checkClaims, "commit %d of %s takes claim %s, which %s holds", commit.Number, commit.Stream, claim.Key(commit.Stream.Tenant()), other)
		}
		holders[claim.Key(commit.Stream.Tenant())] = commit.Stream
	}
}

func (c *checker) inGroup(i int) bool {
	return slices.ContainsFunc(c.groups, func(g [2]int) bool { return g[0] <= i && i < g[1] && g[1]-g[0] > 1 })
}

func namesOf(es []events.Event) (names []string) {
	for _, e := range es {
		names = append(names, e.Name)
	}
	return names
}

// holds asks an invariant, whose own panic breaks it.
func holds(v Invariant, w *World) (err error) {
	if panicked := events.Guard("the invariant", func() { err = v.Holds(w) }); panicked != nil {
		return panicked
	}
	return err
}

func (c *checker) claims(ctx context.Context) {
	_, err := events.VerifyClaims(ctx, c.raw, 1, func(f events.ClaimFault) error {
		c.fail(checkClaims, "claim %s is held by %q; according to the commits its holder is %q", f.Key, f.Holder, f.Owner)
		return nil
	})
	if err != nil {
		c.fail(checkRun, "the claims can't be compared: %v", err)
	}
}

// followed: shards were read in order, nothing was given up, and each process has
// handled all it reacts to.
func (c *checker) followed(ctx context.Context) {
	for _, reads := range c.reads {
		for _, text := range reads.faults {
			c.fail(checkShards, "%s", text)
		}
	}
	for _, text := range c.discarded.all {
		c.fail(checkFollowed, "%s", text)
	}
	c.eachEntry(ctx, func(r process.Reactor, stream events.Stream, entry process.Entry) {
		d := r.Describe()
		for _, commit := range c.commits[stream] {
			if reactsTo(d, commit) && entry.Commit < commit.Number {
				c.fail(checkFollowed, "%v %s is at commit %d of %s, so it has not handled commit %d (%v)", d.Kind, d.Name, entry.Commit, stream, commit.Number, namesOf(commit.Events))
				return
			}
		}
	})
}

// parked: no stream is parked, and no message is a dead letter.
func (c *checker) parked(ctx context.Context) {
	tables, views, err := admin.Pin(ctx, c.tables(), c.app.Views)
	if err != nil {
		c.fail(checkRun, "the views' tables can't be found: %v", err)
		return
	}
	projector, err := projection.New(c.store, c.codec, tables, views, nil)
	if err != nil {
		c.fail(checkRun, "%v", err)
		return
	}
	for _, v := range views {
		name := v.Describe().Name
		faults, err := projector.Parked(ctx, name, "", 100)
		if err != nil {
			c.fail(checkRun, "the parked streams of %s can't be read: %v", name, err)
		}
		for _, f := range faults {
			c.fail(checkParked, "view %s parked %s at commit %d: %s", name, f.Stream, f.Commit, f.Text)
		}
	}
	ledger := dynamo.NewProcesses(c.kind, c.base.ProcessesTable)
	for _, r := range c.app.Processes {
		d := r.Describe()
		entries, err := ledger.Parked(ctx, d.Name, "", 100)
		if err != nil {
			c.fail(checkRun, "the parked streams of %s can't be read: %v", d.Name, err)
		}
		for _, e := range entries {
			c.fail(checkParked, "%v %s parked %s at commit %d: %s", d.Kind, d.Name, e.Stream, e.Fault.Commit, e.Fault.Text)
		}
	}
	if n := c.depth(c.base.DeadQueue); n > 0 {
		c.fail(checkParked, "%d messages are dead letters", n)
	}
}

// tables are those of the views, around the network.
func (c *checker) tables() driver.AdminTables {
	with, err := c.sealer()
	if err != nil {
		c.fail(checkRun, "%v", err)
	}
	return with.Tables(dynamo.NewTables(c.kind, c.base.ViewPrefix))
}

// routes are the tables of each view; ok is false after a failure, which is recorded.
func (c *checker) routes(ctx context.Context) (routes map[string]admin.Route, ok bool) {
	rebuilder, err := admin.NewRebuilder(c.store, c.codec, c.tables(), c.app.Views, nil)
	if err != nil {
		c.fail(checkRun, "%v", err)
		return nil, false
	}
	if routes, err = rebuilder.Routes(ctx); err != nil {
		c.fail(checkRun, "the views' tables can't be found: %v", err)
		return nil, false
	}
	return routes, true
}

// views compares all tables that get live commits with what the events make of them.
func (c *checker) views(ctx context.Context, check string) {
	if len(c.app.Views) == 0 {
		return
	}
	routes, ok := c.routes(ctx)
	if !ok {
		return
	}
	c.compare(ctx, check, c.app.Views)
	for _, v := range c.app.Views {
		route := routes[v.Describe().Name]
		for _, t := range route.Tables {
			if t.Right() && t.Target != route.Answering(time.Now()) {
				c.compare(ctx, check, []view.View{v}, t.Target)
			}
		}
	}
}

// compare compares one table of each view with what the events make of it.
func (c *checker) compare(ctx context.Context, check string, of []view.View, at ...driver.Target) {
	tables, views, err := admin.Pin(ctx, c.tables(), of, at...)
	if err != nil {
		c.fail(checkRun, "the views' tables can't be found: %v", err)
		return
	}
	verifier, err := admin.NewVerifier(c.store, c.codec, tables, views, &admin.VerifyOptions{Segments: 1, Parallel: 1, Patience: time.Nanosecond})
	if err != nil {
		c.fail(checkRun, "%v", err)
		return
	}
	report, err := verifier.Verify(ctx)
	if err != nil {
		c.fail(checkRun, "the views can't be compared: %v", err)
		return
	}
	for _, v := range report.Views {
		for _, f := range v.Findings {
			if f.Kind == admin.FoundParked && len(at) > 0 {
				continue // the fault of a table that does not answer
			}
			c.fail(check, "%s %s: %s", v.Name, v.Table, findingText(f))
		}
	}
}

func findingText(f admin.Finding) string {
	text := fmt.Sprintf("row %q is %s", f.Row, f.Kind)
	if f.Stream != "" {
		text += fmt.Sprintf(", at commit %d of %d of %s", f.Applied, f.Last, f.Stream)
	}
	for _, d := range f.Fields {
		text += fmt.Sprintf("; %s is %s, should be %s", d.Name, d.Stored, d.Expected)
	}
	if f.Text != "" {
		text += "; " + f.Text
	}
	return text
}

// rebuilt builds a view again and compares both tables with the events.
func (c *checker) rebuilt(ctx context.Context) {
	if err := c.operator(nil).rebuild(invoked(ctx, "check"), c.rebuilds); err != nil {
		c.fail(checkRebuilt, "%s can't be rebuilt: %v", c.rebuilds, err)
		return
	}
	c.views(ctx, checkRebuilt)
}
