package messaging_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/messaging"
)

// roundTripper is a network that a function answers for.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func ExampleQueue_Send() {
	sqs := roundTripper(func(r *http.Request) (*http.Response, error) {
		fmt.Println(r.Method, r.URL, r.Header.Get("X-Amz-Target"))
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"Successful":[{"Id":"0","MessageId":"m"}]}`))}, nil
	})
	queue := messaging.NewQueue("https://sqs.eu-central-1.amazonaws.com/123456789012/daybook-dev-commands.fifo", messaging.Options{
		Region: "eu-central-1", Transport: sqs,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	})
	message, err := async.Envelope{Command: aggregate.Command{Name: "rename-user", ID: "7", CommandID: "c-1"}}.Message("user/7")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(queue.Send(context.Background(), []async.Message{message}))
	// Output:
	// POST https://sqs.eu-central-1.amazonaws.com/ AmazonSQS.SendMessageBatch
	// [<nil>]
}
