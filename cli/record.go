package cli

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"daybook/dynamo"
	"daybook/events"
)

// commitOf reads the commit that a record of the change stream carries. The
// SDK has the values of both services twice; commits hold strings, numbers and
// bytes alone.
func commitOf(image map[string]streamtypes.AttributeValue) (events.Commit, error) {
	item := make(map[string]types.AttributeValue, len(image))
	for name, v := range image {
		switch v := v.(type) {
		case *streamtypes.AttributeValueMemberS:
			item[name] = &types.AttributeValueMemberS{Value: v.Value}
		case *streamtypes.AttributeValueMemberN:
			item[name] = &types.AttributeValueMemberN{Value: v.Value}
		case *streamtypes.AttributeValueMemberB:
			item[name] = &types.AttributeValueMemberB{Value: v.Value}
		default:
			return events.Commit{}, fmt.Errorf("attribute %s is neither text, number nor bytes", name)
		}
	}
	return dynamo.DecodeCommit(item)
}
