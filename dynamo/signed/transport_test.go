package signed

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestConnectionsAreReused: also after errors.
func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	n := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n++; n%2 == 0 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ValidationException","message":"`+strings.Repeat("x", 100_000)+`"}`)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	o := options(transport)
	o.BaseEndpoint = &server.URL
	c := New(dynamodb.New(o), Watch{})
	for i := range 10 {
		_, err := do(t.Context(), c, simple()["*dynamodb.PutItemInput"])
		if (err != nil) != (i%2 == 1) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if connections.Load() != 1 || n != 10 {
		t.Errorf("%d connections for %d requests", connections.Load(), n)
	}
}

// late is a transport that answers before it has read the request, and reads on
// while other calls are under way.
type late struct {
	reads sync.WaitGroup
	wrong atomic.Int64
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	first := make([]byte, 1)
	if _, err := r.Body.Read(first); err != nil {
		return nil, err
	}
	mark := r.Header.Get("X-Amz-Target")
	l.reads.Go(func() {
		rest, err := io.ReadAll(r.Body)
		isPut := strings.HasSuffix(mark, ".PutItem")
		if err != nil || strings.Contains(string(rest), "of get") && isPut || strings.Contains(string(rest), "of put") && !isPut {
			l.wrong.Add(1)
		}
	})
	return respond(200, "{}"), nil
}

// TestBuffersAreNotShared: a transport that still reads the body of a call that is
// over does not see the next call's.
func TestBuffersAreNotShared(t *testing.T) {
	t.Parallel()
	l := &late{}
	c := New(dynamodb.New(options(l)), Watch{})
	var wg sync.WaitGroup
	for _, in := range []any{
		&dynamodb.PutItemInput{TableName: aws.String("t"), Item: attributes{"k": &types.AttributeValueMemberS{Value: strings.Repeat("of put", 100)}}},
		&dynamodb.GetItemInput{TableName: aws.String("t"), Key: attributes{"k": &types.AttributeValueMemberS{Value: strings.Repeat("of get", 100)}}},
	} {
		wg.Go(func() {
			for range 500 {
				if _, err := do(t.Context(), c, in); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	l.reads.Wait()
	if n := l.wrong.Load(); n > 0 {
		t.Errorf("%d requests were read wrong", n)
	}
}

// TestWhatTheSDKSends: calls with options of their own, and tables given by ARN, are
// the SDK's; so is everything of a client from SDK.
func TestWhatTheSDKSends(t *testing.T) {
	t.Parallel()
	_, ours := both(always(200, "{}"), nil)
	agent := func() string { return ours.sent[len(ours.sent)-1].Header.Get("User-Agent") }
	in := &dynamodb.GetItemInput{TableName: aws.String("t"), Key: attributes{"k": &types.AttributeValueMemberS{Value: "1"}}}
	if _, err := ours.client.GetItem(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	plain := agent()
	arn := aws.String("arn:aws:dynamodb:eu-west-1:111122223333:table/t")
	for name, call := range map[string]func() error{
		"options": func() error {
			_, err := ours.client.GetItem(t.Context(), in, func(o *dynamodb.Options) { o.Region = "us-east-1" })
			return err
		},
		"an ARN": func() error {
			_, err := ours.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: arn, Key: in.Key})
			return err
		},
		"an ARN in a batch": func() error {
			_, err := ours.client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*arn: {Keys: []attributes{in.Key}}}})
			return err
		},
		"an ARN in a transaction": func() error {
			_, err := ours.client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: arn, Item: in.Key}}}})
			return err
		},
		"another operation": func() error {
			_, err := ours.client.ListTables(t.Context(), nil)
			return err
		},
	} {
		if err := call(); err != nil || agent() == plain {
			t.Errorf("%s: error %v, sent by %s", name, err, agent())
		}
	}
}
