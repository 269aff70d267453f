package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// DecodeCommit reads a commit from the item that holds it, for programs that
// read the events table's stream through the API. Its error has code internal:
// the item was written by another program, or is damaged.
func DecodeCommit(item map[string]types.AttributeValue) (events.Commit, error) {
	return decodeCommit(item)
}
