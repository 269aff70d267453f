package mapping

import (
	"encoding/json/jsontext"
	"strconv"
)

// streamRecord is a record as GetRecords answers it. Items pass through as they are.
type streamRecord struct {
	EventID      string    `json:"eventID"`
	EventName    string    `json:"eventName"`
	EventVersion string    `json:"eventVersion"`
	Region       string    `json:"awsRegion"`
	Change       *change   `json:"dynamodb"`
	Identity     *identity `json:"userIdentity"`
}

type change struct {
	Created  float64        `json:"ApproximateCreationDateTime"` // seconds since 1970
	Keys     jsontext.Value `json:"Keys"`
	NewImage jsontext.Value `json:"NewImage"`
	OldImage jsontext.Value `json:"OldImage"`
	Sequence string         `json:"SequenceNumber"`
	Size     int64          `json:"SizeBytes"`
	ViewType string         `json:"StreamViewType"`
}

type identity struct {
	Type        string
	PrincipalID string `json:"PrincipalId"`
}

// appendEvent writes the record as it stands in the event of a function: with the
// stream's ARN, times in whole seconds, and small letters in the names of who made the
// change. Values were checked when they were read; an encoder would check them again.
func (r *streamRecord) appendEvent(dst []byte, streamARN string) []byte {
	dst = appendMember(dst, `{"eventID":`, r.EventID)
	dst = appendMember(dst, `,"eventName":`, r.EventName)
	dst = appendMember(dst, `,"eventVersion":`, r.EventVersion)
	dst = appendMember(dst, `,"eventSource":"aws:dynamodb","awsRegion":`, r.Region)
	dst = append(dst, `,"dynamodb":{"ApproximateCreationDateTime":`...)
	dst = strconv.AppendInt(dst, int64(r.Change.Created), 10)
	for _, item := range []struct {
		name  string
		value jsontext.Value
	}{{`,"Keys":`, r.Change.Keys}, {`,"NewImage":`, r.Change.NewImage}, {`,"OldImage":`, r.Change.OldImage}} {
		if item.value != nil {
			dst = append(append(dst, item.name...), item.value...)
		}
	}
	dst = appendMember(dst, `,"SequenceNumber":`, r.Change.Sequence)
	dst = append(dst, `,"SizeBytes":`...)
	dst = strconv.AppendInt(dst, r.Change.Size, 10)
	dst = appendMember(dst, `,"StreamViewType":`, r.Change.ViewType)
	dst = append(dst, '}')
	if r.Identity != nil {
		dst = appendMember(dst, `,"userIdentity":{"type":`, r.Identity.Type)
		dst = appendMember(dst, `,"principalId":`, r.Identity.PrincipalID)
		dst = append(dst, '}')
	}
	dst = appendMember(dst, `,"eventSourceARN":`, streamARN)
	return append(dst, '}')
}

// appendMember writes a member of which before is all but the value.
func appendMember(dst []byte, before, value string) []byte {
	dst, _ = jsontext.AppendQuote(append(dst, before...), value) // an error is for bytes that are not UTF-8, which no decoder lets through
	return dst
}
