package dynamo

import (
	"bytes"
	"encoding/base64"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"math"
	"strconv"
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
	p := streamParser{decoder: jsontext.NewDecoder(bytes.NewBuffer(payload))}
	var records []Record
	found := false
	err := p.object(func(name string) error {
		if name != "Records" || p.decoder.PeekKind() != jsontext.KindBeginArray {
			return p.decoder.SkipValue()
		}
		found = true
		return p.array(func() error {
			r, isNew, err := p.record()
			if isNew {
				records = append(records, r)
			}
			return err
		})
	})
	if err == nil && (!found || p.wrong != nil) {
		err = errNoEvent
	}
	if err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "a stream event can't be read")
	}
	return records, nil
}

// streamParser reads a stream event in one pass. Malformed values are
// recorded in wrong and skipped; an error is a fault of the JSON itself.
type streamParser struct {
	decoder *jsontext.Decoder
	wrong   error
}

// record reads one record; isNew is false for one that tells of no new item.
func (p *streamParser) record() (r Record, isNew bool, err error) {
	p.wrong = nil
	name, image := "", rawCommit{}
	hasImage := false
	err = p.object(func(member string) error {
		var err error
		switch member {
		case "eventID":
			r.EventID, err = p.text()
		case "eventName":
			name, err = p.text()
		case "dynamodb":
			hasImage, err = p.change(&r, &image)
		default:
			err = p.decoder.SkipValue()
		}
		return err
	})
	wrong := p.wrong
	p.wrong = nil
	if err != nil || name == "MODIFY" || name == "REMOVE" {
		return r, false, err
	}
	if wrong == nil && (name != "INSERT" || !hasImage || r.Sequence == "") {
		wrong = errRecord
	}
	r.decode(&image, wrong)
	return r, true, nil
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

// change reads what happened to the item.
func (p *streamParser) change(r *Record, image *rawCommit) (hasImage bool, err error) {
	err = p.object(func(member string) error {
		var err error
		switch member {
		case "SequenceNumber":
			r.Sequence, err = p.text()
		case "ApproximateCreationDateTime":
			r.ApproximateTime, err = p.seconds()
		case "Keys":
			var keys rawCommit
			err = p.item(&keys)
			r.Stream, r.Number = events.Stream(keys.stream), keys.number
		case "NewImage":
			hasImage = true
			err = p.item(image)
		default:
			err = p.decoder.SkipValue()
		}
		return err
	})
	return hasImage, err
}

// item reads an item: {"stream":{"S":"user/7"},"commit":{"N":"1"},…}.
func (p *streamParser) item(raw *rawCommit) error {
	return p.object(func(name string) error {
		return p.object(func(kind string) error {
			switch kind {
			case "S":
				v, err := p.text()
				raw.text(name, v)
				return err
			case "N":
				v, err := p.text()
				raw.number64(name, v)
				return err
			case "B":
				v, err := p.text()
				b, decodeErr := base64.StdEncoding.AppendDecode(nil, []byte(v))
				if decodeErr != nil {
					p.note("base64")
				}
				raw.binary(name, b)
				return err
			}
			return p.decoder.SkipValue() // of a later program
		})
	})
}

// note remembers what was wrong first.
func (p *streamParser) note(what string) {
	if p.wrong == nil {
		p.wrong = fmt.Errorf("no %s at %s", what, p.decoder.StackPointer())
	}
}

// object calls member for each member of an object, which it must read.
func (p *streamParser) object(member func(name string) error) error {
	if p.decoder.PeekKind() != jsontext.KindBeginObject {
		p.note("object")
		return p.decoder.SkipValue()
	}
	if _, err := p.decoder.ReadToken(); err != nil {
		return err
	}
	for p.decoder.PeekKind() != jsontext.KindEndObject {
		name, err := p.decoder.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := p.decoder.ReadToken()
	return err
}

// array calls element for each element of an array, which it must read. The
// decoder stands before the array.
func (p *streamParser) array(element func() error) error {
	if _, err := p.decoder.ReadToken(); err != nil {
		return err
	}
	for p.decoder.PeekKind() != jsontext.KindEndArray {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := p.decoder.ReadToken()
	return err
}

// text reads a string.
func (p *streamParser) text() (string, error) {
	if p.decoder.PeekKind() != jsontext.KindString {
		p.note("string")
		return "", p.decoder.SkipValue()
	}
	t, err := p.decoder.ReadToken()
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

// seconds reads a time in seconds since 1970.
func (p *streamParser) seconds() (time.Time, error) {
	if p.decoder.PeekKind() != jsontext.KindNumber {
		p.note("number")
		return time.Time{}, p.decoder.SkipValue()
	}
	t, err := p.decoder.ReadToken()
	if err != nil {
		return time.Time{}, err
	}
	s, err := strconv.ParseFloat(t.String(), 64)
	at, ok := epochTime(s)
	if err != nil || !ok {
		p.note("time")
		return time.Time{}, nil
	}
	return at, nil
}

// epochTime is the time of so many seconds since 1970; ok is false for one that is far
// from any that DynamoDB writes.
func epochTime(seconds float64) (t time.Time, ok bool) {
	if math.Abs(seconds) > 1e11 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), true
}
