package signed

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"pgregory.net/rapid"
)

const (
	aCapacity = `{"TableName":"t","CapacityUnits":1.5}`
	anItem    = `{"k":{"S":"a\"\u00e9\ud83d\ude00/\/"},"n":{"N":"-1.5e3"},"b":{"B":"AAEC/w=="},"e":{"B":""},"t":{"BOOL":true},"f":{"BOOL":false},"0":{"NULL":true},` +
		`"ss":{"SS":["a","b"]},"ns":{"NS":["1"]},"bs":{"BS":["AA==",""]},"l":{"L":[]},"m":{"M":{}},"d":{"L":[{"M":{"x":{"L":[{"S":""}]}}}]}}`
)

// answers are bodies of success: as DynamoDB sends them, and as it does not.
var answers = map[string]string{
	"nothing":            `{}`,
	"empty":              ``,
	"capacity":           `{"ConsumedCapacity":` + aCapacity + `}`,
	"capacities":         `{"ConsumedCapacity":[` + aCapacity + `,` + aCapacity + `]}`,
	"index capacity":     `{"ConsumedCapacity":{"CapacityUnits":1,"Table":{"CapacityUnits":1},"GlobalSecondaryIndexes":{"i":{"CapacityUnits":2}}}}`,
	"units by kind":      `{"ConsumedCapacity":{"CapacityUnits":1e1,"ReadCapacityUnits":0.5,"WriteCapacityUnits":0}}`,
	"odd number":         `{"ConsumedCapacity":{"CapacityUnits":01}}`,
	"infinite":           `{"ConsumedCapacity":{"CapacityUnits":1e999}}`,
	"attributes":         `{"Attributes":` + anItem + `}`,
	"item":               `{"Item":` + anItem + `}`,
	"items":              `{"Count":2,"Items":[` + anItem + `,{}],"ScannedCount":3,"LastEvaluatedKey":{"k":{"S":"z"}}}`,
	"no items":           `{"Count":0,"Items":[],"ScannedCount":0}`,
	"counts as text":     `{"Count":"2"}`,
	"a large count":      `{"Count":4294967296}`,
	"an odd count":       `{"Count":02}`,
	"a fraction":         `{"Count":1.5}`,
	"responses":          `{"Responses":{"t":[` + anItem + `],"u":[]},"UnprocessedKeys":{}}`,
	"statements":         `{"Responses":[{"TableName":"t"},{"Error":{"Code":"DuplicateItem","Message":"it is there"},"TableName":"t"}],"ConsumedCapacity":[` + aCapacity + `]}`,
	"a statement's item": `{"Responses":[{"Error":{"Code":"ConditionalCheckFailed","Item":` + anItem + `}},{"Item":` + anItem + `}]}`,
	"unprocessed keys":   `{"Responses":{},"UnprocessedKeys":{"t":{"Keys":[{"k":{"S":"1"}}],"ConsistentRead":true}}}`,
	"unprocessed writes": `{"UnprocessedItems":{"t":[{"PutRequest":{"Item":` + anItem + `}}]}}`,
	"white space":        "{ \"Item\" :\n{\"k\": {\"S\":\"v\"} } }\n",
	"nulls":              `{"Item":null,"Items":null,"Count":null,"ConsumedCapacity":null,"Responses":null}`,
	"a null attribute":   `{"Item":{"k":null},"Items":[{"k":null}]}`,
	"a null string":      `{"Item":{"k":{"S":null}}}`,
	"null in a set":      `{"Item":{"k":{"SS":["a",null]}}}`,
	"unknown members":    `{"New":{"a":[1,"x"]},"Item":{"k":{"S":"v"}}}`,
	"an unknown type":    `{"Item":{"k":{"X":"v"}}}`,
	"two types":          `{"Item":{"k":{"S":"v","N":"1"}}}`,
	"no type":            `{"Item":{"k":{}}}`,
	"a member twice":     `{"Item":{"k":{"S":"1"},"k":{"S":"2"}},"Items":[{"k":{"S":"1"},"k":{"S":"2"}}]}`,
	"items twice":        `{"Items":[{"k":{"S":"1"}}],"Items":[]}`,
	"item twice":         `{"Item":{"a":{"S":"1"}},"Item":{"b":{"S":"1"}}}`,
	"capacity twice":     `{"ConsumedCapacity":{"TableName":"a"},"ConsumedCapacity":{"CapacityUnits":1}}`,
	"a wrong type":       `{"Item":{"k":{"S":1}},"Items":7,"Responses":[]}`,
	"bad base64":         `{"Item":{"k":{"B":"!"}},"Items":[{"k":{"B":"A"}}]}`,
	"base64 in lines":    `{"Item":{"k":{"B":"AA\n=="}}}`,
	"bad escape":         `{"Item":{"k":{"S":"\x"}},"Items":[{"k":{"S":"\ud800"}}]}`,
	"half a surrogate":   `{"Item":{"k":{"S":"\ud800"}}}`,
	"not UTF-8":          "{\"Item\":{\"k\":{\"S\":\"\xff\"}}}",
	"a control":          "{\"Item\":{\"k\":{\"S\":\"\x01\"}}}",
	"cut off":            `{"Item":{"k":{"S":"v"`,
	"more behind":        `{"Item":{"k":{"S":"v"}}} {}`,
	"HTML":               `<html>`,
	"an array":           `[]`,
	"null":               `null`,
	"deep":               `{"Item":{"k":` + strings.Repeat(`{"L":[`, 150) + `{"S":""}` + strings.Repeat(`]}`, 150) + `}}`,
}

// TestAnswers: every answer becomes the SDK's output, or its error.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range answers {
		for operation, in := range simple() {
			sdk, ours := both(always(200, body, "X-Amzn-Requestid: r1"), nil)
			same(t, name+" to "+operation, sdk, ours, in)
		}
	}
}

// TestOrdinaryAnswersAreReadHere: what DynamoDB sends does not take the long way.
func TestOrdinaryAnswersAreReadHere(t *testing.T) {
	t.Parallel()
	for name, out := range map[string][]any{
		"nothing":    {&dynamodb.PutItemOutput{}, &dynamodb.DeleteItemOutput{}, &dynamodb.GetItemOutput{}, &dynamodb.TransactWriteItemsOutput{}},
		"capacity":   {&dynamodb.PutItemOutput{}, &dynamodb.DeleteItemOutput{}, &dynamodb.GetItemOutput{}, &dynamodb.QueryOutput{}},
		"capacities": {&dynamodb.BatchGetItemOutput{}, &dynamodb.TransactWriteItemsOutput{}},
		"item":       {&dynamodb.GetItemOutput{}},
		"items":      {&dynamodb.QueryOutput{}, &dynamodb.ScanOutput{}, &queryPage{}},
		"responses":  {&dynamodb.BatchGetItemOutput{}},
		"statements": {&dynamodb.BatchExecuteStatementOutput{}},
	} {
		for _, out := range out {
			if !decode([]byte(answers[name]), out) {
				t.Errorf("%s: not as %T", name, out)
			}
		}
	}
}

// TestPages: a page has what the SDK's Query answers, and fails as it does. Only a
// duplicate attribute of an item, which no database sends, is a duplicate in a page too.
func TestPages(t *testing.T) {
	t.Parallel()
	in := &dynamodb.QueryInput{TableName: aws.String("t")}
	for name, body := range answers {
		if name == "a member twice" || name == "items twice" {
			continue
		}
		sdk, ours := both(always(200, body, "X-Amzn-Requestid: r1"), nil)
		want, wantErr := sdk.client.Query(t.Context(), in)
		got, err := ours.client.QueryPage(t.Context(), in)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%s: error %v, want %v", name, err, wantErr)
			continue
		}
		if err != nil {
			continue
		}
		wanted := PageOf(want)
		for _, page := range []*Page{got, wanted} {
			for _, item := range page.Items {
				slices.SortFunc(item, func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
			}
		}
		if !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, wanted)
		}
	}
}

// TestPagesTakeNoMoreRoomThanTheirAnswer: braces in texts are no attributes.
func TestPagesTakeNoMoreRoomThanTheirAnswer(t *testing.T) {
	t.Parallel()
	var out queryPage
	body := `{"Items":[{"k":{"S":"` + strings.Repeat("{", 12_000) + `"}}]}`
	if !decode([]byte(body), &out) || len(out.attributes) != 1 || cap(out.attributes) > len(body)/10 {
		t.Errorf("%d attributes in a room for %d", len(out.attributes), cap(out.attributes))
	}
}

// sdkReads decodes an answer as the SDK does.
func sdkReads(op *operation, body []byte, out smithy.Deserializable) error {
	c := New(dynamodb.New(options(nil)), Watch{})
	return c.protocol().DeserializeResponse(context.Background(), op.schema, dynamodb.TypeRegistry,
		&smithyhttp.Response{Response: respond(200, string(body))}, out)
}

// TestValues: every attribute value is read as the SDK reads it, however it is
// written.
func TestValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var e encoder
		(&dynamodb.GetItemInput{Key: item().Draw(t, "item")}).Serialize(&e)
		body := strings.Replace(string(e.buf), `"Key"`, `"Item"`, 1)
		if rapid.Bool().Draw(t, "escapes") {
			v := jsontext.Value(body)
			if err := v.Format(jsontext.EscapeForJS(true), jsontext.EscapeForHTML(true), jsontext.AllowDuplicateNames(true)); err != nil {
				t.Fatal(err)
			}
			body = string(v)
		}
		var got, want dynamodb.GetItemOutput
		if !decode([]byte(body), &got) {
			t.Fatalf("not read: %s", body)
		}
		if err := sdkReads(getItem, []byte(body), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is\n%+v, the SDK's\n%+v, %v", body, got, want, err)
		}
	})
}

// FuzzDecode: what is read here, the SDK reads alike.
func FuzzDecode(f *testing.F) {
	for _, body := range answers {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for op, pair := range map[*operation][2]smithy.Deserializable{
			getItem:      {&dynamodb.GetItemOutput{}, &dynamodb.GetItemOutput{}},
			query:        {&dynamodb.QueryOutput{}, &dynamodb.QueryOutput{}},
			batchGetItem: {&dynamodb.BatchGetItemOutput{}, &dynamodb.BatchGetItemOutput{}},
		} {
			if !decode(body, pair[0]) {
				continue
			}
			if err := sdkReads(op, body, pair[1]); err != nil || !reflect.DeepEqual(pair[0], pair[1]) {
				t.Errorf("%q is\n%+v, the SDK's\n%+v, %v", body, pair[0], pair[1], err)
			}
		}
	})
}

// faults are answers of failure.
func faults() map[string]*http.Response {
	found := map[string]*http.Response{
		"HTML":            respond(503, "<html>"),
		"empty":           respond(500, ""),
		"no type":         respond(400, "{}"),
		"type in header":  respond(400, `{"message":"x"}`, "X-Amzn-Errortype: ThrottlingException:http://x"),
		"condition":       respond(400, `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed","Item":`+anItem+`}`, "X-Amzn-Requestid: r9"),
		"cancelled":       respond(400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled","CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"m","Item":`+anItem+`}]}`),
		"reasons":         respond(400, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"m","ThrottlingReasons":[{"reason":"r","resource":"arn:x"}]}`),
		"cut off":         respond(400, `{"__type":"Thrott`),
		"redirect":        respond(307, ``, "Location: http://127.0.0.1:1/"),
		"signature":       respond(400, `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"m"}`),
		"a clock behind":  respond(400, `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"m"}`, "Date: Mon, 03 Jan 2000 10:00:00 GMT"),
		"retry later":     respond(503, `{"__type":"InternalServerError"}`, "X-Amz-Retry-After: 1500"),
		"a bad date":      respond(500, `{"__type":"InternalServerError"}`, "Date: yesterday"),
		"an aged answer":  respond(400, `{"__type":"InvalidSignatureException"}`, "Date: Mon, 03 Jan 2000 10:00:00 GMT", "Age: 3"),
		"unsaid encoding": respond(400, "\x1f\x8b\x08\x00"),
	}
	for _, code := range []string{
		"InternalServerError", "ThrottlingException", "RequestLimitExceeded", "TransactionConflictException", "TransactionInProgressException",
		"ItemCollectionSizeLimitExceededException", "ResourceNotFoundException", "ValidationException", "AccessDeniedException",
		"ExpiredTokenException", "UnrecognizedClientException", "IdempotentParameterMismatchException", "ReplicatedWriteConflictException", "NewException",
	} {
		found[code] = respond(400, `{"__type":"com.amazonaws.dynamodb.v20120810#`+code+`","message":"of `+code+`"}`)
	}
	return found
}

// TestFaults: a fault that lasts, or that is over after one or two attempts, ends
// alike, after as many requests and pauses of the same retryer.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range faults() {
		body, err := io.ReadAll(fault.Body)
		if err != nil {
			t.Fatal(err)
		}
		for times := 1; times <= 3; times++ {
			synctest.Test(t, func(t *testing.T) {
				sdk, ours := both(func(attempt int, _ *http.Request) (*http.Response, error) {
					if attempt > times {
						return respond(200, `{"ConsumedCapacity":{"TableName":"t"}}`), nil
					}
					r := respond(fault.StatusCode, string(body))
					r.Header = fault.Header.Clone()
					return r, nil
				}, noRedirects)
				same(t, fmt.Sprintf("%s, %d times", name, times), sdk, ours, simple()["*dynamodb.PutItemInput"])
				for i := range min(len(sdk.sent), len(ours.sent)) {
					sameRequest(t, ours.sent[i], sdk.sent[i])
					if a, b := ours.sent[i].Header.Get("X-Amz-Date"), sdk.sent[i].Header.Get("X-Amz-Date"); name == "a clock behind" && a[:8] != b[:8] {
						t.Errorf("attempt %d is signed at %s, the SDK's at %s", i+1, a, b)
					}
				}
			})
		}
	}
}

func noRedirects(o *dynamodb.Options) {
	if c, ok := o.HTTPClient.(*http.Client); ok {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
}

// TestBrokenConnections: so do requests without an answer.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(int, *http.Request) (*http.Response, error){
		"refused": func(int, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		"once": func(attempt int, _ *http.Request) (*http.Response, error) {
			if attempt == 1 {
				return nil, io.ErrUnexpectedEOF
			}
			return respond(200, "{}"), nil
		},
		"never answered": func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			time.Sleep(time.Second) // in the bubble: the HTTP client's own timer has fired too
			return nil, r.Context().Err()
		},
		"cut in the body": func(int, *http.Request) (*http.Response, error) {
			r := respond(200, "")
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{}))
			return r, nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			sdk, ours := both(answer, nil)
			same(t, name, sdk, ours, simple()["*dynamodb.PutItemInput"])
		})
	}
	for _, code := range []string{"ThrottlingException", "ConditionalCheckFailedException"} {
		synctest.Test(t, func(t *testing.T) {
			cancel := func() {}
			sdk, ours := both(func(int, *http.Request) (*http.Response, error) {
				cancel()
				return respond(400, `{"__type":"`+code+`"}`), nil
			}, nil)
			var ends []string
			for _, s := range []side{sdk, ours} {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				cancel = stop
				_, err := do(ctx, s.client, simple()["*dynamodb.PutItemInput"])
				ends = append(ends, chain(err))
				_, err = do(ctx, s.client, simple()["*dynamodb.PutItemInput"])
				ends = append(ends, chain(err))
			}
			if ends[0] != ends[2] || ends[1] != ends[3] {
				t.Errorf("a context that ends with %s: %q", code, ends)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestChecksum: an answer that is not what was sent is asked for again. The SDK
// compares as well, and only logs what it finds.
func TestChecksum(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, ours := both(func(attempt int, _ *http.Request) (*http.Response, error) {
			if attempt == 1 {
				return respond(200, `{"Item":{"k":{"S":"b"}}}`, "X-Amz-Crc32: 1"), nil
			}
			return respond(200, `{}`, "X-Amz-Crc32: 2745614147"), nil
		}, func(o *dynamodb.Options) { o.Retryer = retryDamage() })
		out, err := do(t.Context(), ours.client, simple()["*dynamodb.GetItemInput"])
		if got, ok := out.(*dynamodb.GetItemOutput); err != nil || !ok || got.Item != nil || len(ours.sent) != 2 {
			t.Errorf("%+v after %d requests, error %v", out, len(ours.sent), err)
		}
	})
}

// retryDamage is a retryer that repeats what could not be read.
func retryDamage() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			_, ok := errors.AsType[*smithy.DeserializationError](err)
			return aws.BoolTernary(ok)
		}))
	})
}
