package dynamo

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"daybook/events"
	"daybook/internal/quickjson"
)

// quickRecords is DecodeStreamEvent for an event as Lambda writes it. ok is false for
// an event with anything out of the ordinary, which is left to slowRecords.
func quickRecords(payload string) (records []Record, ok bool) {
	quick, ok := quickjson.New(payload)
	if !ok {
		return nil, false
	}
	p := quickStream{quick}
	found := false
	ok = p.Object(func(name string) bool {
		if name != "Records" {
			return p.ignore()
		}
		found = true
		records = make([]Record, 0, strings.Count(payload, `"eventName":`))
		return p.Array(func() bool {
			r, isNew, ok := p.record()
			if isNew {
				records = append(records, r)
			}
			return ok
		})
	})
	return records, ok && found && p.End()
}

// quickStream reads a stream event in one pass.
type quickStream struct{ quickjson.Reader }

func (p *quickStream) ignore() bool {
	_, ok := p.Value()
	return ok
}

// record reads one record; isNew is false for one that tells of no new item.
func (p *quickStream) record() (r Record, isNew, ok bool) {
	var name string
	var image rawCommit
	hasImage := false
	ok = p.Object(func(member string) (ok bool) {
		switch member {
		case "eventID":
			r.EventID, ok = p.Text()
		case "eventName":
			name, ok = p.Text()
		case "dynamodb":
			hasImage, ok = p.change(&r, &image)
		default:
			ok = p.ignore()
		}
		return ok
	})
	switch {
	case !ok || name == "MODIFY" || name == "REMOVE":
		return r, false, ok
	case name != "INSERT" || !hasImage || r.Sequence == "":
		return r, false, false
	}
	r.decode(&image, nil)
	return r, true, true
}

// change reads what happened to the item.
func (p *quickStream) change(r *Record, image *rawCommit) (hasImage, ok bool) {
	ok = p.Object(func(member string) (ok bool) {
		switch member {
		case "SequenceNumber":
			r.Sequence, ok = p.Text()
		case "ApproximateCreationDateTime":
			r.ApproximateTime, ok = p.seconds()
		case "Keys":
			var keys rawCommit
			ok = p.item(&keys)
			r.Stream, r.Number = events.Stream(keys.stream), keys.number
		case "NewImage":
			hasImage = true
			ok = p.item(image)
		default:
			ok = p.ignore()
		}
		return ok
	})
	return hasImage, ok
}

// item reads an item of attributes that a commit has.
func (p *quickStream) item(raw *rawCommit) bool {
	return p.Object(func(name string) bool {
		if !p.Eat('{') {
			return false
		}
		kind, ok := p.Text()
		if !ok || !p.Eat(':') {
			return false
		}
		v, ok := p.Text()
		if !ok || !p.Eat('}') {
			return false
		}
		switch kind {
		case "S":
			raw.text(name, v)
		case "N":
			raw.number64(name, v)
		case "B":
			b, err := base64.StdEncoding.DecodeString(v)
			if err != nil {
				return false
			}
			raw.binary(name, b)
		default:
			return false
		}
		return true
	})
}

// seconds reads a time in seconds since 1970.
func (p *quickStream) seconds() (time.Time, bool) {
	s, ok := p.Float()
	if !ok {
		return time.Time{}, false
	}
	return epochTime(s)
}

// quickEvents is decodeEvents for events as encodeEvents writes them, without escapes
// in their names.
func quickEvents(body string) (es []events.Event, ok bool) {
	p, ok := quickjson.New(body)
	if !ok {
		return nil, false
	}
	ok = p.Array(func() bool {
		var e events.Event
		if !p.Eat('[') {
			return false
		}
		var ok bool
		if e.Name, ok = p.Text(); !ok || !p.Eat(',') {
			return false
		}
		schema := p.Number()
		n, err := strconv.Atoi(schema)
		if err != nil || !quickjson.IsNumber(schema) || !p.Eat(',') {
			return false
		}
		data, ok := p.Value()
		if !ok || !p.Eat(']') {
			return false
		}
		e.Schema, e.Data = n, []byte(data)
		es = append(es, e)
		return true
	})
	return es, ok && p.End()
}
