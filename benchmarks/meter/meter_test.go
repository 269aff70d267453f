package meter

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
)

// TestTake: requests are counted with what they consumed, also where a condition fails,
// and each only once.
func TestTake(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	client := dynamo.New(dynamo.Options{Region: Region, Endpoint: s.URL, Credentials: dynamo.StaticCredentials("id", "secret")})
	put := &dynamodb.PutItemInput{
		TableName: aws.String("bare"), ConditionExpression: aws.String("attribute_not_exists(#n)"), ExpressionAttributeNames: map[string]string{"#n": "number"},
		Item: map[string]types.AttributeValue{
			"stream": &types.AttributeValueMemberS{Value: "a"}, "number": &types.AttributeValueMemberN{Value: "1"},
			"text": &types.AttributeValueMemberS{Value: strings.Repeat("x", 1500)},
		},
	}
	if _, err := client.PutItem(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	first := s.Take()
	if first.Requests != 1 || first.Operations["PutItem"] != 1 || first.WriteUnits != 2 || first.ReadUnits != 0 || first.BytesIn < 1500 || first.BytesOut < 100 {
		t.Errorf("a put: %+v", first)
	}
	if _, err := client.PutItem(t.Context(), put); err == nil {
		t.Fatal("the same put twice was accepted")
	}
	if second := s.Take(); second.Requests != 1 || second.WriteUnits != 2 || second.Connections != 0 {
		t.Errorf("a put whose condition failed: %+v", second)
	}
	if nothing := s.Take(); nothing.Requests != 0 || nothing.WriteUnits != 0 || nothing.BytesIn != 0 || nothing.BytesOut != 0 {
		t.Errorf("nothing: %+v", nothing)
	}
}
