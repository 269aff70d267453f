package mapping

import "encoding/json/jsontext"

// streamRecord is a record as GetRecords answers it and, with other names for who made
// the change, as it stands in the event of a function. Items pass through as they are.
type streamRecord struct {
	EventID      string    `json:"eventID"`
	EventName    string    `json:"eventName"`
	EventVersion string    `json:"eventVersion"`
	EventSource  string    `json:"eventSource"`
	Region       string    `json:"awsRegion"`
	Change       *change   `json:"dynamodb"`
	Identity     *identity `json:"userIdentity,omitempty"`
	StreamARN    string    `json:"eventSourceARN"`
}

type change struct {
	Created  seconds        `json:"ApproximateCreationDateTime"`
	Keys     jsontext.Value `json:"Keys,omitzero"`
	NewImage jsontext.Value `json:"NewImage,omitzero"`
	OldImage jsontext.Value `json:"OldImage,omitzero"`
	Sequence string         `json:"SequenceNumber"`
	Size     int64          `json:"SizeBytes"`
	ViewType string         `json:"StreamViewType"`
}

// identity is written with small letters; GetRecords has capitals.
type identity struct {
	Type        string `json:"type,case:ignore"`
	PrincipalID string `json:"principalId,case:ignore"`
}

// seconds is in seconds since 1970: whole ones in an event, with a fraction from an
// endpoint that has one.
type seconds float64

// MarshalJSONTo implements json.MarshalerTo.
func (t seconds) MarshalJSONTo(e *jsontext.Encoder) error {
	return e.WriteToken(jsontext.Int(int64(t)))
}
