package queue_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/localstack/embedded"
)

// Over TCP the queues' URLs lead back to where the client found them.
func TestOverTCP(t *testing.T) {
	t.Parallel()
	_, client := tables(t, embedded.Options{})
	s, _ := open(t, client)
	server := httptest.NewServer(s)
	defer server.Close()
	c := sdk(nil, server.URL)
	url := create(t, c, name, nil)
	if *url != server.URL+"/000000000000/"+name {
		t.Errorf("URL %s", *url)
	}
	found, err := c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(name)})
	if err != nil || *found.QueueUrl != *url {
		t.Errorf("%+v, %v", found, err)
	}
	send(t, c, url, "g", "m")
	want(t, "over TCP", receive(t, c, url, 1), "m")
	create(t, c, "another.fifo", nil)
	list, err := c.ListQueues(t.Context(), &sqs.ListQueuesInput{MaxResults: aws.Int32(1)})
	if err != nil || len(list.QueueUrls) != 1 || !strings.HasSuffix(list.QueueUrls[0], "/another.fifo") || list.NextToken == nil {
		t.Fatalf("%+v, %v", list, err)
	}
	list, err = c.ListQueues(t.Context(), &sqs.ListQueuesInput{NextToken: list.NextToken, QueueNamePrefix: aws.String("c")})
	if err != nil || len(list.QueueUrls) != 1 || list.QueueUrls[0] != *url || list.NextToken != nil {
		t.Errorf("%+v, %v", list, err)
	}
}

// The SDK checks the digests of what it sends and receives.
func TestMessageAttributes(t *testing.T) {
	t.Parallel()
	_, client := tables(t, embedded.Options{})
	_, c := open(t, client)
	url := create(t, c, name, map[string]string{"ContentBasedDeduplication": "true"})
	sent := map[string]types.MessageAttributeValue{
		"error.code": {DataType: aws.String("String"), StringValue: aws.String("größer")},
		"error.line": {DataType: aws.String("Number.int"), StringValue: aws.String("7")},
		"raw":        {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
	}
	if _, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("b"), MessageGroupId: aws.String("g"), MessageAttributes: sent}); err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{"All"}, {"error.*"}, {"raw"}, nil} {
		_, c = open(t, client)
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MessageAttributeNames: names})
		if err != nil || len(out.Messages) != 1 {
			t.Fatal(out, err)
		}
		var got []string
		for n, v := range out.Messages[0].MessageAttributes {
			if w := sent[n]; aws.ToString(v.StringValue) != aws.ToString(w.StringValue) || string(v.BinaryValue) != string(w.BinaryValue) || *v.DataType != *w.DataType {
				t.Errorf("%s: %+v", n, v)
			}
			got = append(got, n)
		}
		if wanted := map[string]int{"All": 3, "error.*": 2, "raw": 1, "": 0}[strings.Join(names, "")]; len(got) != wanted {
			t.Errorf("%v: attributes %v", names, got)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url := create(t, c, name, nil)
		ctx, text := t.Context(), aws.String
		create := func(name string, attributes ...string) error {
			all := map[string]string{"FifoQueue": "true"}
			for i := 0; i < len(attributes); i += 2 {
				all[attributes[i]] = attributes[i+1]
			}
			_, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
			return err
		}
		send := func(in sqs.SendMessageInput) error {
			if in.QueueUrl == nil {
				in.QueueUrl = url
			}
			_, err := c.SendMessage(ctx, &in)
			return err
		}
		receive := func(in sqs.ReceiveMessageInput) error { _, err := c.ReceiveMessage(ctx, &in); return err }
		batch := func(ids ...string) error {
			in := sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{}}
			for _, id := range ids {
				in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: text("x")})
			}
			_, err := c.DeleteMessageBatch(ctx, &in)
			return err
		}
		purge := func() error { _, err := c.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: url}); return err }
		ok := sqs.SendMessageInput{MessageBody: text("b"), MessageGroupId: text("g"), MessageDeduplicationId: text("d")}
		with := func(change func(*sqs.SendMessageInput)) sqs.SendMessageInput { in := ok; change(&in); return in }
		const aws_ = "AWS.SimpleQueueService."
		for _, test := range []struct {
			want string
			err  error
		}{
			{"", create(name)},
			{"QueueAlreadyExists", create(name, "VisibilityTimeout", "31")},
			{aws_ + "UnsupportedOperation", create("standard")},
			{aws_ + "UnsupportedOperation", create("q.fifo", "DelaySeconds", "1")},
			{"InvalidAttributeName", create("q.fifo", "Colour", "red")},
			{"InvalidAttributeValue", create("q.fifo", "VisibilityTimeout", "43201")},
			{"InvalidParameterValue", create("q.fifo", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none.fifo","maxReceiveCount":3}`)},
			{"InvalidParameterValue", create("q.fifo", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:commands.fifo","maxReceiveCount":0}`)},
			{"InvalidParameterValue", create("q!.fifo")},
			{"", send(ok)},
			{aws_ + "NonExistentQueue", send(with(func(in *sqs.SendMessageInput) { in.QueueUrl = text("http://x/1/none.fifo") }))},
			{"MissingParameter", send(with(func(in *sqs.SendMessageInput) { in.MessageBody = text("") }))},
			{"MissingParameter", send(with(func(in *sqs.SendMessageInput) { in.MessageGroupId = nil }))},
			{"InvalidParameterValue", send(with(func(in *sqs.SendMessageInput) { in.MessageDeduplicationId = nil }))},
			{"InvalidParameterValue", send(with(func(in *sqs.SendMessageInput) { in.DelaySeconds = 1 }))},
			{"InvalidParameterValue", send(with(func(in *sqs.SendMessageInput) { in.MessageGroupId = text(strings.Repeat("g", 129)) }))},
			{"InvalidMessageContents", send(with(func(in *sqs.SendMessageInput) { in.MessageBody = text("\x01") }))},
			{"InvalidParameterValue", send(with(func(in *sqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"a": {DataType: text("Date"), StringValue: text("x")}}
			}))},
			{"InvalidParameterValue", receive(sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 11})},
			{"InvalidParameterValue", receive(sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 21})},
			{aws_ + "UnsupportedOperation", receive(sqs.ReceiveMessageInput{QueueUrl: url, ReceiveRequestAttemptId: text("x")})},
			{aws_ + "EmptyBatchRequest", batch()},
			{aws_ + "BatchEntryIdsNotDistinct", batch("a", "a")},
			{aws_ + "InvalidBatchEntryId", batch("a b")},
			{aws_ + "TooManyEntriesInBatchRequest", batch(strings.Split("abcdefghijk", "")...)},
			{"", purge()},
			{aws_ + "PurgeQueueInProgress", purge()},
		} {
			if got := code(test.err); got != test.want {
				t.Errorf("%v: code %q, want %q", test.err, got, test.want)
			}
		}
		want(t, "purged", mustReceive(t, c, url), "")
		time.Sleep(time.Minute)
		if err := purge(); err != nil {
			t.Error(err)
		}
	})
}

func mustReceive(t *testing.T, c *sqs.Client, url *string) []types.Message {
	t.Helper()
	return receive(t, c, url, 10)
}

func TestWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	_, client := tables(t, embedded.Options{})
	s, _ := open(t, client)
	for target, body := range map[string]string{
		"AmazonSQS.DeleteQueue": `{}`, "AmazonSQS.SendMessage": `[`, "AmazonSQS.ReceiveMessage": `{"QueueUrl":7}`, "": ``,
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", target)
		s.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"__type":"com.amazonaws.sqs#`) {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}
