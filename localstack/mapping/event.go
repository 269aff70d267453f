package mapping

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// streamEvent is a stream record as it stands in the event of a function.
type streamEvent struct {
	EventID      string       `json:"eventID"`
	EventName    string       `json:"eventName"`
	EventVersion string       `json:"eventVersion"`
	EventSource  string       `json:"eventSource"`
	Region       string       `json:"awsRegion"`
	Change       streamChange `json:"dynamodb"`
	Identity     *identity    `json:"userIdentity,omitzero"`
	SourceARN    string       `json:"eventSourceARN"`
}

type streamChange struct {
	Created  int64                           `json:"ApproximateCreationDateTime"`
	Keys     map[string]types.AttributeValue `json:",omitzero"`
	NewImage map[string]types.AttributeValue `json:",omitzero"`
	OldImage map[string]types.AttributeValue `json:",omitzero"`
	Sequence string                          `json:"SequenceNumber"`
	Size     int64                           `json:"SizeBytes"`
	ViewType string                          `json:"StreamViewType"`
}

// identity is who made a change: DynamoDB itself, for time to live.
type identity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

// writeAttribute writes an attribute value in DynamoDB's JSON.
func writeAttribute(e *jsontext.Encoder, value types.AttributeValue) error {
	kind, content := "", any(nil)
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		kind, content = "S", v.Value
	case *types.AttributeValueMemberN:
		kind, content = "N", v.Value
	case *types.AttributeValueMemberB:
		kind, content = "B", v.Value
	case *types.AttributeValueMemberBOOL:
		kind, content = "BOOL", v.Value
	case *types.AttributeValueMemberNULL:
		kind, content = "NULL", v.Value
	case *types.AttributeValueMemberM:
		kind, content = "M", v.Value
	case *types.AttributeValueMemberL:
		kind, content = "L", v.Value
	case *types.AttributeValueMemberSS:
		kind, content = "SS", v.Value
	case *types.AttributeValueMemberNS:
		kind, content = "NS", v.Value
	case *types.AttributeValueMemberBS:
		kind, content = "BS", v.Value
	default:
		return fmt.Errorf("attribute value of unknown kind %T", value)
	}
	return errors.Join(e.WriteToken(jsontext.BeginObject), e.WriteToken(jsontext.String(kind)),
		json.MarshalEncode(e, content), e.WriteToken(jsontext.EndObject))
}
