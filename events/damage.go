package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DamagedError is the cause of an error of code internal: a stored commit can't be
// read, or is missing although a later one is there.
type DamagedError struct {
	Stream Stream
	Number int64 // of the commit; 0 if that can't be read either
	Cause  error // why it can't be read; nil: it is missing
}

// Error names the commit.
func (e *DamagedError) Error() string {
	if e.Cause == nil {
		return fmt.Sprintf("commit %d of %q is missing", e.Number, e.Stream)
	}
	return fmt.Sprintf("commit %d of %q: %v", e.Number, e.Stream, e.Cause)
}

// Unwrap returns why the commit can't be read.
func (e *DamagedError) Unwrap() error { return e.Cause }

// DamageOf returns the commit that an error of reading a stream blames, if it blames one.
func DamageOf(err error) (*DamagedError, bool) { return errors.AsType[*DamagedError](err) }

// Damage says where a stream is damaged.
type Damage struct {
	Stream  Stream `json:"stream"`
	Version int64  `json:"version"` // up to which the stream can be read
	Commit  int64  `json:"commit"`  // number of the first that can't be; 0 if that can't be read either
	Reason  string `json:"reason"`
}

// UnknownVersion is the Version of a Damage that a scan found.
const UnknownVersion = -1

// Damage returns e as a Damage with UnknownVersion.
func (e *DamagedError) Damage() Damage {
	d := Damage{Stream: e.Stream, Version: UnknownVersion, Commit: e.Number}
	switch {
	case e.Cause == nil:
		d.Reason = fmt.Sprintf("commit %d is missing", e.Number)
	case e.Number == 0:
		d.Reason = fmt.Sprintf("a commit can't be read: %v", e.Cause)
	default:
		d.Reason = fmt.Sprintf("commit %d can't be read: %v", e.Number, e.Cause)
	}
	return d
}

// TolerantScanner is a Store that can scan past commits that can't be read.
type TolerantScanner interface {
	// ScanTolerant is Store.Scan, but a commit that can't be read does not fail it: the
	// page leaves it out, and damaged has it.
	ScanTolerant(ctx context.Context, segment, segments int, cursor string) (page []Commit, damaged []Damage, next string, err error)
}

// ScanTolerant scans past commits that can't be read, if the store can; see
// TolerantScanner. It is for work that tells of damaged streams and goes on with the
// others. Work that must not leave a stream out uses Store.Scan, which fails.
func ScanTolerant(ctx context.Context, s Store, segment, segments int, cursor string) (page []Commit, damaged []Damage, next string, err error) {
	if t, ok := s.(TolerantScanner); ok {
		return t.ScanTolerant(ctx, segment, segments, cursor)
	}
	page, next, err = s.Scan(ctx, segment, segments, cursor)
	return page, nil, next, err
}

// damagePage is how many commits FindDamage reads at a time.
const damagePage = 64

// FindDamage reads a stream, strongly consistent, and returns where it is damaged first;
// nil for a stream that can be read whole, or does not exist. Errors are those of
// Store.Read.
func FindDamage(ctx context.Context, s Store, stream Stream) (*Damage, error) {
	version, last, limit := int64(0), int64(0), int64(damagePage)
	for {
		page, err := s.Read(ctx, stream, last+1, int(limit))
		if err == nil {
			if int64(len(page)) < limit {
				return nil, nil
			}
			last, version = page[limit-1].Number, page[limit-1].Version
			continue
		}
		e, damaged := DamageOf(err)
		if !damaged {
			return nil, err
		}
		if limit == 1 && e.Number > last+1 { // nothing is between the last that was read and this one
			e = &DamagedError{Stream: stream, Number: last + 1}
		}
		if limit == 1 || e.Number == last+1 {
			d := e.Damage()
			d.Version = version
			return &d, nil
		}
		if before := e.Number - 1 - last; before > 0 && before < limit {
			limit = before
		} else {
			limit /= 2
		}
	}
}

// Locate returns a damage that a scan found with its version. It is nil when the stream
// can be read by now.
func (d Damage) Locate(ctx context.Context, s Store) (*Damage, error) {
	if d.Version != UnknownVersion {
		return &d, nil
	}
	if d.Commit == 0 { // no read reaches it
		d.Version = 0
		return &d, nil
	}
	return FindDamage(ctx, s, d.Stream)
}

// LostStreams remembers the damaged streams of one part of a scan, as long as commits of
// them may follow: those that can be read are of no use without the others.
type LostStreams struct {
	lost map[Stream]bool
	last Stream // that a scan found damaged
}

// Page takes in what is damaged of the next page. current is the stream of the last commit
// before it. It returns one damage for each stream that was not lost before.
func (l *LostStreams) Page(current Stream, damaged []Damage) (found []Damage) {
	if len(damaged) == 0 && len(l.lost) == 0 {
		return nil
	}
	old := l.lost
	l.lost = map[Stream]bool{}
	for _, stream := range []Stream{current, l.last} {
		if old[stream] {
			l.lost[stream] = true
		}
	}
	for _, d := range damaged {
		if !l.lost[d.Stream] {
			found = append(found, d)
		}
		l.last = d.Stream
		l.Set(d.Stream, true)
	}
	return found
}

// Set says whether a stream is lost.
func (l *LostStreams) Set(stream Stream, lost bool) {
	if l.lost == nil {
		l.lost = map[Stream]bool{}
	}
	l.lost[stream] = lost
}

// Has reports whether a stream is lost.
func (l *LostStreams) Has(stream Stream) bool { return l.lost[stream] }

// MaxDamages bounds the streams that Damages names.
const MaxDamages = 20

// Damages lists damaged streams: all are counted, and the first MaxDamages by name are
// told.
type Damages struct {
	Count   int64    `json:"count"`
	Streams []Damage `json:"streams,omitempty"`
}

// Add adds a stream. It keeps copies of the texts, which may be part of a page.
func (l *Damages) Add(d Damage) {
	l.Count++
	at, _ := slices.BinarySearchFunc(l.Streams, d, func(a, b Damage) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	if at >= MaxDamages {
		return
	}
	d.Stream = Stream(strings.Clone(string(d.Stream)))
	l.Streams = slices.Insert(slices.Clip(l.Streams), at, d)
	l.Streams = l.Streams[:min(len(l.Streams), MaxDamages)]
}

// AddAll adds the streams of another list.
func (l *Damages) AddAll(other Damages) {
	for _, d := range other.Streams {
		l.Add(d)
	}
	l.Count += other.Count - int64(len(other.Streams))
}
