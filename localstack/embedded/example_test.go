package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

// A test opens a database, reaches it through the AWS SDK without a socket, and
// closes it.
func Example() {
	ctx := context.Background()
	db, err := embedded.Open(ctx, embedded.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		if err := db.Close(); err != nil {
			fmt.Println(err)
		}
	}()
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: db.RoundTripper()},
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
	_, err = client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("events"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("stream"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("stream"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	put := &dynamodb.PutItemInput{
		TableName: aws.String("events"), Item: map[string]types.AttributeValue{"stream": &types.AttributeValueMemberS{Value: "user/7"}},
		// stream is one of DynamoDB's reserved words.
		ConditionExpression: aws.String("attribute_not_exists(#s)"), ExpressionAttributeNames: map[string]string{"#s": "stream"}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	out, err := client.PutItem(ctx, put)
	fmt.Println(*out.ConsumedCapacity.CapacityUnits, err)
	_, err = client.PutItem(ctx, put)
	var failed *types.ConditionalCheckFailedException
	fmt.Println(errors.As(err, &failed))
	// Output:
	// 1 <nil>
	// true
}

// A hostile database carries a write out and loses the answer.
func ExampleHostile() {
	db, err := embedded.Open(context.Background(), embedded.Options{Hostile: &embedded.Hostile{Seed: 1, LoseAnswers: 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	request, err := http.NewRequest(http.MethodPost, "http://embedded", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	_, err = db.RoundTripper().RoundTrip(request) // operations on tables themselves are spared
	fmt.Println(errors.Is(err, embedded.ErrAnswerLost))
	// Output: false
}

// A consumer takes the channel before it reads, so that it misses nothing.
func ExampleDB_StreamActivity() {
	db, err := embedded.Open(context.Background(), embedded.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	more := db.StreamActivity("events", "shardId-1")
	// … GetRecords of the shard …
	if err := db.Close(); err != nil {
		fmt.Println(err)
	}
	<-more
	fmt.Println("look again")
	// Output: look again
}
