package dynamo

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"daybook/events"
)

// Record is one commit that the stream of the events table tells of.
type Record struct {
	EventID  string // unique to the record
	Sequence string // sequence number; what a partial batch failure names
	// Stream and Number say which commit it is; they are there whenever the
	// record has keys, also when Err is set.
	Stream events.Stream
	Number int64
	// Commit is the commit itself; nil when Err is set.
	Commit *events.Commit
	// ApproximateTime is when DynamoDB wrote the commit, to the second.
	ApproximateTime time.Time
	// Err says, with code internal, that the record is not one of a commit or
	// is damaged.
	Err error
}

var (
	errNoEvent = errors.New("not a stream event")
	errRecord  = errors.New("a record lacks a part or has an unexpected one")
)

// DecodeStreamEvent reads the event that Lambda hands to a function which
// follows the stream of the events table. Only records of new items are
// returned, in their order. One that can't be read carries Err and leaves the
// others alone; only a payload that is not such an event is an error, of code
// internal.
func DecodeStreamEvent(payload []byte) ([]Record, error) {
	if records, ok := quickRecords(string(payload)); ok {
		return records, nil
	}
	return slowRecords(payload)
}

// slowRecords is DecodeStreamEvent for any event.
func slowRecords(payload []byte) ([]Record, error) {
	var event struct{ Records []jsontext.Value }
	err := json.Unmarshal(payload, &event)
	if err == nil && event.Records == nil {
		err = errNoEvent
	}
	if err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "a stream event can't be read")
	}
	var records []Record
	for _, text := range event.Records {
		if r, isNew := slowRecord(text); isNew {
			records = append(records, r)
		}
	}
	return records, nil
}

// slowRecord reads one record; isNew is false for one that tells of no new item.
func slowRecord(text jsontext.Value) (r Record, isNew bool) {
	var p streamParser
	var record struct {
		ID     jsontext.Value `json:"eventID"`
		Name   jsontext.Value `json:"eventName"`
		Change jsontext.Value `json:"dynamodb"`
	}
	var change struct{ SequenceNumber, ApproximateCreationDateTime, Keys, NewImage jsontext.Value }
	var keys, image rawCommit
	name := ""
	p.value(text, &record)
	p.value(record.ID, &r.EventID)
	p.value(record.Name, &name)
	p.value(record.Change, &change)
	p.value(change.SequenceNumber, &r.Sequence)
	p.time(change.ApproximateCreationDateTime, &r.ApproximateTime)
	p.item(change.Keys, &keys)
	p.item(change.NewImage, &image)
	r.Stream, r.Number = events.Stream(keys.stream), keys.number
	if name == "MODIFY" || name == "REMOVE" {
		return r, false
	}
	if p.wrong == nil && (name != "INSERT" || change.NewImage == nil || r.Sequence == "") {
		p.wrong = errRecord
	}
	r.decode(&image, p.wrong)
	return r, true
}

// decode sets the record's commit, or its error: of the image, or what is wrong with
// the record.
func (r *Record) decode(image *rawCommit, wrong error) {
	if wrong == nil {
		c, err := image.commit()
		if err == nil && (c.Stream != r.Stream || c.Number != r.Number) {
			err = errRecord
		}
		r.Commit, wrong = &c, err
	}
	if wrong != nil {
		r.Commit = nil
		r.Err = events.Wrap(events.CodeInternal, fmt.Errorf("record %s: %w", r.EventID, wrong), "a stream record can't be read")
	}
}

// streamParser reads the parts of a record. Malformed values are recorded in wrong and
// skipped.
type streamParser struct{ wrong error }

// note remembers what was wrong first.
func (p *streamParser) note(err error) {
	if p.wrong == nil {
		p.wrong = err
	}
}

// value reads a value that may be missing, but not null.
func (p *streamParser) value(text jsontext.Value, into any) {
	switch {
	case text == nil:
	case text.Kind() == jsontext.KindNull:
		p.note(errRecord)
	default:
		p.note(json.Unmarshal(text, into))
	}
}

// time reads a time in seconds since 1970.
func (p *streamParser) time(text jsontext.Value, t *time.Time) {
	var seconds float64
	p.value(text, &seconds)
	if text == nil || p.wrong != nil {
		return
	}
	var ok bool
	if *t, ok = epochTime(seconds); !ok {
		p.note(errRecord)
	}
}

// item reads an item: {"stream":{"S":"user/7"},"commit":{"N":"1"},…}. It skips
// attributes of a later program.
func (p *streamParser) item(text jsontext.Value, raw *rawCommit) {
	var attributes map[string]jsontext.Value
	p.value(text, &attributes)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		var of struct{ S, N, B jsontext.Value }
		p.value(attributes[name], &of)
		var v string
		switch {
		case of.S != nil:
			p.value(of.S, &v)
			raw.text(name, v)
		case of.N != nil:
			p.value(of.N, &v)
			raw.number64(name, v)
		case of.B != nil:
			p.value(of.B, &v)
			b, err := base64.StdEncoding.DecodeString(v)
			p.note(err)
			raw.binary(name, b)
		}
	}
}

// epochTime is the time of so many seconds since 1970; ok is false for one that is far
// from any that DynamoDB writes.
func epochTime(seconds float64) (t time.Time, ok bool) {
	if math.Abs(seconds) > 1e11 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), true
}
