package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook/localstack/embedded"
)

func TestWireProtocol(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	server := httptest.NewServer(e.db)
	t.Cleanup(server.Close)
	send := func(target, body string) (*http.Response, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if target != "" {
			r.Header.Set("X-Amz-Target", target)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		return resp, data
	}
	resp, data := send("DynamoDB_20120810.ListTables", `{}`)
	if resp.StatusCode != 200 || string(data) != `{"TableNames":[]}` || resp.Header.Get("Content-Type") != "application/x-amz-json-1.0" ||
		len(resp.Header.Get("X-Amzn-Requestid")) < 16 || resp.Header.Get("X-Amz-Crc32") != fmt.Sprint(crc32.ChecksumIEEE(data)) {
		t.Fatalf("%s %v", data, resp.Header)
	}
	resp, data = send("DynamoDB_20120810.DescribeTable", `{"TableName":"none"}`)
	if want := `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found: Table: none not found"}`; resp.StatusCode != 400 || string(data) != want {
		t.Fatalf("%d %s", resp.StatusCode, data)
	}
	if resp, data = send("", `{}`); resp.StatusCode != 400 || !bytes.Contains(data, []byte("UnknownOperationException")) {
		t.Fatalf("%d %s", resp.StatusCode, data)
	}
	if resp, data = send("DynamoDB_20120810.ListTables", strings.Repeat(" ", 17<<20)); resp.StatusCode != 413 {
		t.Fatalf("%d %s", resp.StatusCode, data)
	}
	get, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(get.Body); err != nil || get.StatusCode != 200 || !strings.HasPrefix(string(data), "healthy") || get.Body.Close() != nil {
		t.Fatal(string(data), err)
	}
}

func TestRoundTripperRespectsItsContext(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("things"), Item: item{"pk": s("a")}}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := e.get(t, "things", item{"pk": s("a")}); got != nil {
		t.Fatal("a request whose context had ended was carried out")
	}
}

func TestClosedDatabaseRefusesRequests(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Dir: t.TempDir()})
	e.table(t, "things", "")
	for range 2 {
		if err := e.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: item{"pk": s("a")}})
	wantError(t, err, "InternalServerError", "Internal server error")
}

// TestBugIsAnAnswer lets the clock panic in the middle of a request.
func TestBugIsAnAnswer(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	broken := false
	e := start(t, embedded.Options{
		Log: slog.New(slog.NewTextHandler(&lines, nil)),
		Now: func() time.Time {
			if broken {
				panic("no time")
			}
			return time.Now()
		},
	})
	e.table(t, "things", "")
	broken = true
	for range 2 { // no lock is left behind
		_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: item{"pk": s("a")}})
		wantError(t, err, "InternalServerError", "Internal server error")
	}
	broken = false
	e.put(t, "things", item{"pk": s("a")})
	if got := strings.Count(lines.String(), "no time"); got != 2 || !strings.Contains(lines.String(), "PutItem") {
		t.Fatal(lines.String())
	}
}

// FuzzRequests sends anything: the answer is never an InternalServerError.
func FuzzRequests(f *testing.F) {
	for _, seed := range []struct{ target, body string }{
		{"DynamoDB_20120810.PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}`},
		{"DynamoDB_20120810.Query", `{"TableName":"things","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}},"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"}}}`},
		{"DynamoDB_20120810.UpdateItem", `{"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"SET a[1].b = list_append(:l, c) REMOVE d ADD e :n","ExpressionAttributeValues":{":l":{"L":[]},":n":{"N":"1"}}}`},
		{"DynamoDB_20120810.TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"ConditionExpression":"attribute_exists(pk)"}}]}`},
		{"DynamoDB_20120810.BatchWriteItem", `{"RequestItems":{"things":[{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}}]}}`},
		{"DynamoDB_20120810.BatchGetItem", `{"RequestItems":{"things":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"1"}}]}}}`},
		{"DynamoDB_20120810.Scan", `{"TableName":"things","Segment":0,"TotalSegments":3,"FilterExpression":"size(x) > :n","ExpressionAttributeValues":{":n":{"N":"1"}}}`},
		{"DynamoDBStreams_20120810.GetRecords", `{"ShardIterator":"arn|1|AAAA"}`},
		{"DynamoDB_20120810.CreateTable", `{"TableName":"new","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`},
	} {
		f.Add(seed.target, seed.body)
	}
	e := start(f, embedded.Options{})
	e.table(f, "things", "N")
	f.Fuzz(func(t *testing.T, target, body string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://embedded/", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.Header.Set("X-Amz-Target", target)
		resp, err := e.db.RoundTripper().RoundTrip(r)
		if err != nil || resp.StatusCode == 500 {
			t.Fatalf("%s %s: %v %v", target, body, resp, err)
		}
	})
}
