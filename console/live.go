package console

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json/v2"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"

	"daybook/events"
	"daybook/inspect"
)

const (
	keptCommits = 500             // that the newest are shown of
	keptStreams = 250_000         // about 50 MB; the oldest fall out
	history     = time.Hour       // of changes that are read at first
	idle        = 2 * time.Minute // without a request, after which nothing is followed
	pauseRetry  = 3 * time.Second
)

// live is what a console knows of an installation between two requests: the newest
// commits, how many there were each minute, and where each stream ended. It is filled
// once somebody looks, by a scan of the events table and its change stream, and
// emptied when nobody has looked for a while.
type live struct {
	of *Console

	mu      sync.Mutex
	running bool
	used    time.Time
	err     error // of the last attempt to follow

	seq     int64
	commits []seen // by seq, the newest last
	shown   map[commitID]bool
	minutes map[int64]*minute
	streams map[events.Stream]inspect.StreamInfo
	scanned bool // the scan has ended
	partial bool // it was cut, or streams fell out
}

// seen is a commit in the list of the newest.
type seen struct {
	seq     int64
	Stream  events.Stream `json:"stream"`
	Commit  int64         `json:"commit"`
	Version int64         `json:"version"`
	Time    time.Time     `json:"time"`
	Events  []string      `json:"events"`
	Actor   string        `json:"actor,omitzero"`
}

// commitID names a commit.
type commitID struct {
	stream events.Stream
	number int64
}

// minute counts what was stored in a minute.
type minute struct {
	Time    time.Time `json:"time"`
	Commits int       `json:"commits"`
	Events  int       `json:"events"`
}

func newLive(c *Console) *live { return &live{of: c} }

// touch begins to follow the installation, unless it does, and notes that somebody
// looks.
func (l *live) touch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = time.Now()
	if l.running || l.of.ctx.Err() != nil {
		return
	}
	l.running, l.err, l.scanned, l.partial = true, nil, false, false
	l.commits, l.shown, l.minutes, l.streams = nil, map[commitID]bool{}, map[int64]*minute{}, map[events.Stream]inspect.StreamInfo{}
	ctx, cancel := context.WithCancel(l.of.ctx)
	l.of.working.Go(func() { l.follow(ctx) })
	l.of.working.Go(func() { l.scan(ctx) })
	l.of.working.Go(func() {
		defer cancel()
		for l.wanted() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(idle / 4):
			}
		}
	})
}

// wanted reports whether somebody looked lately; else the rest is forgotten.
func (l *live) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.used) < idle {
		return true
	}
	l.running, l.streams, l.commits = false, nil, nil
	return false
}

// follow reads the change stream until ctx ends.
func (l *live) follow(ctx context.Context) {
	for since := time.Now().Add(-history); ctx.Err() == nil; since = time.Now().Add(-time.Minute) {
		err := l.of.o.Changes(ctx, since, l.see)
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(pauseRetry):
		}
	}
}

// see takes in a commit of the change stream. One that comes twice is shown once.
func (l *live) see(c *events.Commit, stored time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = nil
	if l.shown[commitID{c.Stream, c.Number}] {
		return
	}
	l.shown[commitID{c.Stream, c.Number}] = true
	names := make([]string, 0, len(c.Events))
	for _, e := range c.Events {
		names = append(names, e.Name)
	}
	l.seq++
	l.commits = append(l.commits, seen{l.seq, c.Stream, c.Number, c.Version, c.Time, names, c.Actor})
	if len(l.commits) > 2*keptCommits {
		for _, old := range l.commits[:keptCommits] {
			delete(l.shown, commitID{old.Stream, old.Commit})
		}
		l.commits = slices.Clone(l.commits[keptCommits:])
	}
	at := stored.Unix() / 60
	if l.minutes[at] == nil {
		l.minutes[at] = &minute{Time: time.Unix(at*60, 0).UTC()}
		for old := range l.minutes {
			if old < time.Now().Unix()/60-61 {
				delete(l.minutes, old)
			}
		}
	}
	l.minutes[at].Commits++
	l.minutes[at].Events += len(c.Events)
	l.note(c)
}

// note keeps where a stream ended.
func (l *live) note(c *events.Commit) {
	if l.streams == nil || l.streams[c.Stream].Commits >= c.Number {
		return
	}
	stream := events.Stream(strings.Clone(string(c.Stream))) // it is part of the page that it came with
	l.streams[stream] = inspect.StreamInfo{
		Stream: stream, Version: c.Version, Commits: c.Number, Time: c.Time,
		Event: unique.Make(c.Events[len(c.Events)-1].Name).Value(), Actor: unique.Make(c.Actor).Value(), // few, of many streams
	}
	if len(l.streams) > keptStreams {
		l.forgetOldest()
	}
}

// forgetOldest lets a tenth of the streams fall out, those with the oldest commits.
func (l *live) forgetOldest() {
	l.partial = true
	times := make([]time.Time, 0, len(l.streams))
	for _, s := range l.streams {
		times = append(times, s.Time)
	}
	slices.SortFunc(times, time.Time.Compare)
	limit := times[len(times)/10]
	for name, s := range l.streams {
		if !s.Time.After(limit) {
			delete(l.streams, name)
		}
	}
}

// scan reads the events table once, as far as Options.Scan says.
func (l *live) scan(ctx context.Context) {
	read, cursor := 0, ""
	for {
		page, damaged, next, err := events.ScanTolerant(ctx, l.of.o.Sources.Events, 0, 1, cursor)
		l.mu.Lock()
		for i := range page {
			l.note(&page[i])
		}
		read += len(page) + len(damaged)
		over := l.of.o.Scan > 0 && read >= l.of.o.Scan && next != ""
		if err != nil || next == "" || over {
			l.scanned, l.partial = true, l.partial || over || err != nil
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		cursor = next
	}
}

// pulse is what changed since a request before.
type pulse struct {
	Seq     int64    `json:"seq"`
	Commits []seen   `json:"commits"` // the newest first
	Minutes []minute `json:"minutes"` // of the last hour
	Streams known    `json:"streams"`
}

// known says how much of an installation's streams is known.
type known struct {
	Known    int  `json:"known"`
	Loading  bool `json:"loading,omitzero"`
	Complete bool `json:"complete"`
}

// pulse returns the newest commits behind a sequence number, at most limit.
func (l *live) pulse(after int64, limit int) (pulse, error) {
	l.touch()
	l.mu.Lock()
	defer l.mu.Unlock()
	p := pulse{Seq: l.seq, Commits: []seen{}, Streams: l.known()}
	for i := len(l.commits) - 1; i >= 0 && l.commits[i].seq > after; i-- {
		p.Commits = append(p.Commits, l.commits[i])
	}
	slices.SortStableFunc(p.Commits, func(a, b seen) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Commit, a.Commit))
	}) // shards come one after another
	p.Commits = p.Commits[:min(len(p.Commits), limit)]
	for at := time.Now().Unix()/60 - 59; at <= time.Now().Unix()/60; at++ {
		m := minute{Time: time.Unix(at*60, 0).UTC()}
		if l.minutes[at] != nil {
			m = *l.minutes[at]
		}
		p.Minutes = append(p.Minutes, m)
	}
	return p, l.err
}

func (l *live) known() known {
	return known{Known: len(l.streams), Loading: !l.scanned, Complete: l.scanned && !l.partial}
}

// cursorOf writes the place where a page of streams ended.
func cursorOf(p inspect.StreamPlace) string {
	text, _ := json.Marshal(p) // a time and a name marshal
	return base64.RawURLEncoding.EncodeToString(text)
}

func parsePlace(text string) (p inspect.StreamPlace, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil {
		return p, events.Malformed("cursor", "is not one that the console gave")
	}
	return p, nil
}

// newest returns streams whose names begin so, those with the newest commits first,
// behind a place; limit and one more, to tell whether there is more.
func (l *live) newest(matches func(events.Stream) bool, after *inspect.StreamPlace, limit int) ([]inspect.StreamInfo, known) {
	l.touch()
	l.mu.Lock()
	defer l.mu.Unlock()
	found := inspect.Newest{Limit: limit + 1, Before: after}
	for _, s := range l.streams {
		if matches(s.Stream) {
			found.Add(s)
		}
	}
	return found.Sorted(), l.known()
}
