package dynamo

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"io"
	"strconv"

	"daybook/events"
)

// keptForm is the version of the form of kept commands. A reader skips those of another
// form: nothing but a rehearsal depends on them.
const keptForm = 1

// encodeKept writes the kept commands as [1,[0,"rename-user",{…}],…]: the version of the
// form, then place, name and payload of each that was kept. In the commit of another
// stream than the command's own, the own one comes last, and the payload may be null. It is nil
// without any.
func encodeKept(cs []events.Command) ([]byte, error) {
	var b []byte
	for i, c := range cs {
		if c.Kept == nil {
			continue
		}
		if b == nil {
			b = strconv.AppendInt([]byte{'['}, keptForm, 10)
		}
		b = strconv.AppendInt(append(b, ",["...), int64(i), 10)
		var err error
		if b, err = jsontext.AppendQuote(append(b, ','), c.Kept.Name); err != nil {
			return nil, errInvalid
		}
		b = append(b, ',')
		switch {
		case c.Kept.Payload == nil && c.Kept.Stream != "":
			b = append(b, "null"...)
		case !c.Kept.Payload.IsValid() || c.Kept.Payload.Kind() != jsontext.KindBeginObject:
			return nil, errInvalid
		default:
			b = append(b, bytes.TrimSpace(c.Kept.Payload)...)
		}
		if c.Kept.Stream != "" {
			if b, err = jsontext.AppendQuote(append(b, ','), string(c.Kept.Stream)); err != nil {
				return nil, errInvalid
			}
		}
		b = append(b, ']')
	}
	if b == nil {
		return nil, nil
	}
	return append(b, ']'), nil
}

// errKept says that kept commands are not as encodeKept writes them.
var errKept = errors.New("kept commands are damaged")

// decodeKept reads what encodeKept wrote, if there is anything left.
func decodeKept(d *jsontext.Decoder, cs []events.Command) error {
	if d.PeekKind() == jsontext.KindInvalid {
		if _, err := d.ReadToken(); err == io.EOF {
			return nil
		}
		return errKept
	}
	if err := expectKind(d, jsontext.KindBeginArray); err != nil {
		return err
	}
	if form, err := d.ReadValue(); err != nil || string(form) != strconv.Itoa(keptForm) {
		return err
	}
	for d.PeekKind() == jsontext.KindBeginArray {
		if err := readKept(d, cs); err != nil {
			return err
		}
	}
	return expectKind(d, jsontext.KindEndArray)
}

// readKept reads one command.
func readKept(d *jsontext.Decoder, cs []events.Command) error {
	if err := expectKind(d, jsontext.KindBeginArray); err != nil {
		return err
	}
	place, err := readToken(d, jsontext.KindNumber)
	if err != nil {
		return err
	}
	i, err := strconv.Atoi(place)
	if err != nil || i < 0 || i >= len(cs) {
		return errKept
	}
	kept := &events.KeptCommand{}
	if kept.Name, err = readToken(d, jsontext.KindString); err != nil {
		return err
	}
	payload, err := d.ReadValue()
	if err != nil {
		return err
	}
	if payload.Kind() == jsontext.KindBeginObject {
		kept.Payload = bytes.Clone(payload)
	}
	if d.PeekKind() == jsontext.KindString {
		stream, err := readToken(d, jsontext.KindString)
		if err != nil {
			return err
		}
		kept.Stream = events.Stream(stream)
	}
	cs[i].Kept = kept
	return expectKind(d, jsontext.KindEndArray)
}
