package simulation

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"daybook/aggregate"
	"daybook/events"
	"daybook/functions/names"
	"daybook/personal"
	"daybook/sealed"
	"daybook/view"
	"daybook/view/admin"
)

// erasures are those of a run, and all commits as they could be read before.
type erasures struct {
	mu      sync.Mutex
	all     []*erasure
	deleted int // keys
	past    map[place]pastCommit
}

// pastCommit is a commit as it could be read after a number of deletions of keys.
type pastCommit struct {
	events.Commit
	deleted int
}

// erasure is the erasure of a person.
type erasure struct {
	step    string
	subject events.Stream
	deleted int         // keys, before that of the person; -1 if the person had none
	done    bool        // the operator has finished it
	answers [][2]string // paths of queries after it, and their bodies
}

// erasing returns the erasure of a step, which begins now if it has not.
func (e *erasures) erasing(step string, subject events.Stream) *erasure {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.all {
		if one.step == step {
			return one
		}
	}
	e.all = append(e.all, &erasure{step: step, subject: subject, deleted: -1})
	return e.all[len(e.all)-1]
}

// sealer returns what decrypts personal values around the network, with keys as they are
// now.
func (s *system) sealer() (sealed.With, error) {
	c := s.base
	c.Messaging = s.services
	return c.Sealing(s.app, s.kind)
}

// beforeRequest keeps what is not to be readable in a request, and all commits as they can
// be read before a data key is deleted.
func (s *system) beforeRequest(c *call) {
	s.passing.record(c)
	if c.operation != "DeleteItem" || c.tables.short() != names.KeysTable {
		return
	}
	with, err := s.sealer()
	if err != nil {
		return // newSystem had no error
	}
	s.erasures.mu.Lock()
	defer s.erasures.mu.Unlock()
	for _, e := range s.all {
		if string(e.subject) == scalar(c.tables.Key.Subject) && !e.done {
			e.deleted = s.deleted
		}
	}
	// Around the network, where nothing fails.
	_ = eachCommit(context.Background(), with.Store(s.raw), func(commit events.Commit) {
		at := place{commit.Stream, commit.Number}
		if _, ok := s.past[at]; !ok {
			s.past[at] = pastCommit{commit, s.deleted}
		}
	})
	s.deleted++
}

// eachCommit visits all commits of a store.
func eachCommit(ctx context.Context, store events.Store, visit func(events.Commit)) error {
	for page, err := range events.Pages(ctx, store.Scan, 0, 1) {
		if err != nil {
			return err
		}
		for _, commit := range page {
			visit(commit)
		}
	}
	return nil
}

// subjects are the names of the aggregates whose streams an operator erases: those with a
// command for it, all where none has one.
func subjects(of []aggregate.Description) (all []string) {
	var others []string
	for _, d := range of {
		others = append(others, d.Aggregate)
		if d.Erases {
			all = append(all, d.Aggregate)
		}
	}
	if len(all) == 0 {
		all = others
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// erase erases a person as daybook erase does.
func (o *operator) erase(ctx context.Context, s step) error {
	t, err := o.tools()
	if err != nil {
		return err
	}
	subject := s.person()
	e := o.erasing(s.name, subject)
	streams, err := streamsAbout(ctx, t.raw, subject)
	if err != nil {
		return err
	}
	if err := o.sendErasing(ctx, t, s, subject); err != nil {
		return err
	}
	if _, err := t.sealing.Ring().Delete(ctx, string(subject)); err != nil {
		return err
	}
	o.network.pause(s.name+" waits until nobody holds the key", personal.ErasedAfter)
	done, err := admin.Remake(ctx, t.store, o.codec, t.tables, o.app.Views, streams)
	if err != nil {
		return err
	}
	for _, name := range done.Keyed {
		if err := o.rebuild(ctx, name); err != nil {
			return err
		}
	}
	e.done = true
	o.readBack(ctx, e, streams)
	return nil
}

// streamsAbout are the streams with values of a person, and the person's own.
func streamsAbout(ctx context.Context, raw events.Store, subject events.Stream) (streams []events.Stream, err error) {
	streams = []events.Stream{subject}
	return streams, eachCommit(ctx, raw, func(c events.Commit) {
		if isAbout(&c, subject) && !slices.Contains(streams, c.Stream) {
			streams = append(streams, c.Stream)
		}
	})
}

// isAbout reports whether a commit, as it is stored, has values of a person.
func isAbout(c *events.Commit, subject events.Stream) bool {
	return slices.ContainsFunc(c.Events, func(e events.Event) bool {
		about, err := personal.Subjects(e.Data, personal.Place{Subject: string(c.Stream)})
		return err != nil || slices.Contains(about, string(subject))
	})
}

// sendErasing sends the command that erases, if there is one, to a person who is known.
func (o *operator) sendErasing(ctx context.Context, t tools, s step, subject events.Stream) error {
	started, err := t.raw.Started(ctx, []events.Stream{subject})
	if err != nil || !started[0] {
		return err
	}
	for _, d := range o.app.Commands() {
		if !d.Erases || d.Aggregate != subject.Aggregate() {
			continue
		}
		handler, err := aggregate.NewHandler(t.store, o.app.Aggregates, &aggregate.Options{Tenants: o.app.Tenancy.On()})
		if err != nil {
			return err
		}
		_, err = handler.Handle(ctx, aggregate.Command{Tenant: subject.Tenant(), Name: d.Name, ID: subject.ID(), CommandID: s.commandID(), Actor: "operator"})
		return err
	}
	return nil
}

// readBack asks the functions for all that they answer about a person right after an
// erasure, with whatever they have in memory.
func (o *operator) readBack(ctx context.Context, e *erasure, streams []events.Stream) {
	c := &client{system: o.system, tenant: e.subject.Tenant()}
	var paths []string
	for _, stream := range streams {
		paths = append(paths, "/streams/"+stream.Aggregate()+"/"+url.PathEscape(stream.ID())+"?limit=1000")
		for _, v := range o.app.Views {
			if d := v.Describe(); d.Kind == view.KindRows && slices.Contains(d.Aggregates, stream.Aggregate()) {
				paths = append(paths, "/"+d.Name+"/"+url.PathEscape(stream.ID()))
			}
		}
	}
	for i, path := range paths {
		if _, body, err := c.ask(ctx, fmt.Sprintf("%s/read-%d", e.step, i+1), http.MethodGet, path, "", nil); err == nil {
			e.answers = append(e.answers, [2]string{path, string(body)})
		}
	}
}
