package dynamo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/view"
)

// canned answers every request alike.
type canned struct {
	status int
	body   string
	err    error
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	if c.err != nil {
		return nil, c.err
	}
	return &http.Response{
		StatusCode: c.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(c.body)), ContentLength: int64(len(c.body)),
	}, nil
}

func apiFault(code, message string) canned {
	return canned{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"` + message + `"}`}
}

func TestAPIErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer canned
		want   events.Code
	}{
		"throughput":         {apiFault("ProvisionedThroughputExceededException", "x"), events.CodeBusy},
		"throttling":         {apiFault("ThrottlingException", "x"), events.CodeBusy},
		"request limit":      {apiFault("RequestLimitExceeded", "x"), events.CodeBusy},
		"transaction":        {apiFault("TransactionConflictException", "x"), events.CodeBusy},
		"item size":          {apiFault("ValidationException", "Item size has exceeded the maximum allowed size"), events.CodeTooLarge},
		"key size":           {apiFault("ValidationException", "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"), events.CodeTooLarge},
		"collection size":    {apiFault("ItemCollectionSizeLimitExceededException", "x"), events.CodeTooLarge},
		"validation":         {apiFault("ValidationException", "Invalid KeyConditionExpression"), events.CodeInternal},
		"unknown to us":      {apiFault("NewException", "x"), events.CodeInternal},
		"unknown operation":  {canned{status: 400, body: `{"__type":"com.amazon.coral.service#UnknownOperationException"}`}, events.CodeInternal},
		"no table":           {apiFault("ResourceNotFoundException", "x"), events.CodeUnavailable},
		"no rights":          {apiFault("AccessDeniedException", "x"), events.CodeUnavailable},
		"expired token":      {apiFault("ExpiredTokenException", "x"), events.CodeUnavailable},
		"server":             {canned{status: 500, body: `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`}, events.CodeUnavailable},
		"gateway":            {canned{status: 503, body: `<html>`}, events.CodeUnavailable},
		"no answer":          {canned{err: io.ErrUnexpectedEOF}, events.CodeUnavailable},
		"an answer cut off":  {canned{status: 200, body: `{"Item":{`}, events.CodeUnavailable},
		"condition":          {apiFault("ConditionalCheckFailedException", "The conditional request failed"), events.CodeConflict},
		"several conditions": {reasons(`{"Code":"None"}`, `{"Code":"ConditionalCheckFailed"}`), events.CodeConflict},
		"contention":         {reasons(`{"Code":"TransactionConflict"}`, `{"Code":"None"}`), events.CodeBusy},
		"throttled writes":   {reasons(`{"Code":"ThrottlingError"}`, `{"Code":"ProvisionedThroughputExceeded"}`), events.CodeBusy},
		"condition and more": {reasons(`{"Code":"TransactionConflict"}`, `{"Code":"ConditionalCheckFailed"}`), events.CodeConflict},
		"large and more":     {reasons(`{"Code":"ConditionalCheckFailed"}`, `{"Code":"ValidationError","Message":"Item size to update has exceeded the maximum allowed size"}`), events.CodeTooLarge},
		"large collection":   {reasons(`{"Code":"ItemCollectionSizeLimitExceeded"}`), events.CodeTooLarge},
		"invalid and more":   {reasons(`{"Code":"ConditionalCheckFailed"}`, `{"Code":"ValidationError","Message":"Type mismatch"}`), events.CodeInternal},
		"no reasons":         {reasons(), events.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				table := NewTables(New(testOptions(c.answer)), testPrefix).Table("users", 1)
				err := table.Transact(t.Context(), twoWrites())
				if events.CodeOf(err) != c.want {
					t.Errorf("error %v", err)
				}
				if (c.want == events.CodeBusy) != (retryOf(err) > 0) {
					t.Errorf("Retry-After %v", retryOf(err))
				}
			})
		})
	}
}

func retryOf(err error) int64 {
	e, _ := errors.AsType[*events.Error](err)
	return int64(e.RetryAfter)
}

func reasons(rs ...string) canned {
	return canned{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"Transaction cancelled","CancellationReasons":[` + strings.Join(rs, ",") + `]}`}
}

// TestTransactionReasonsComeFromTheDatabase checks that the SDK hands over what
// DynamoDB says of each write.
func TestTransactionReasonsComeFromTheDatabase(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ViewTable(view.Description{Name: "users", Version: 1}))
	table := NewTables(f.client, testPrefix).Table("users", 1)
	ws := twoWrites()
	if err := table.Put(t.Context(), ws[1]); err != nil {
		t.Fatal(err)
	}
	err := table.Transact(t.Context(), ws)
	e, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(e.CancellationReasons) != 2 || *e.CancellationReasons[0].Code != "None" || *e.CancellationReasons[1].Code != "ConditionalCheckFailed" {
		t.Errorf("error %v", err)
	}
	if events.CodeOf(err) != events.CodeConflict {
		t.Errorf("code %q", events.CodeOf(err))
	}
}

func TestTranslateKeepsWhatIsTranslated(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want := events.Errorf(events.CodeTooLarge, "x")
	if got := translate(ctx, want); got != error(want) {
		t.Errorf("got %v", got)
	}
	if translate(ctx, nil) != nil {
		t.Error("no error became one")
	}
	if got := translate(ctx, io.EOF); events.CodeOf(got) != events.CodeCanceled || !errors.Is(got, context.Canceled) {
		t.Errorf("got %v", got)
	}
	taken := &types.ConditionalCheckFailedException{}
	if got := translate(ctx, taken); events.CodeOf(got) != events.CodeConflict {
		t.Errorf("what DynamoDB said for certain was lost: %v", got)
	}
}

// TestWinnerThatIsNotHandedOver: what only resembles DynamoDB answers a failed
// condition without the item.
func TestWinnerThatIsNotHandedOver(t *testing.T) {
	t.Parallel()
	s, f := newStore(t)
	stream := userStream()
	won, err := s.Append(t.Context(), events.Start(stream), userCommit(1))
	if err != nil {
		t.Fatal(err)
	}
	poor := New(testOptions(roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") {
			return apiFault("ConditionalCheckFailedException", "The conditional request failed").RoundTrip(r)
		}
		return f.net.RoundTrip(r)
	})))
	_, err = NewEventStore(poor, s.table).Append(t.Context(), events.Start(stream), userCommit(1))
	if w, ok := events.WinnerOf(err); !ok || w.ID != won.ID {
		t.Errorf("error %v", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestUnprocessedKeys: DynamoDB may leave keys of a batch for later.
func TestUnprocessedKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		batches := func(r *http.Request) (*http.Response, error) {
			calls++
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			asked := strings.Count(string(body), `"stream":{"S":"`)
			switch calls {
			case 1: // the first of three comes, two stay
				return canned{status: 200, body: batchAnswer(`{"stream":{"S":"a/1"}}`, `{"stream":{"S":"a/2"},"commit":{"N":"1"}},{"stream":{"S":"a/3"},"commit":{"N":"1"}}`)}.RoundTrip(r)
			case 2: // nothing comes
				return canned{status: 200, body: batchAnswer(``, `{"stream":{"S":"a/2"},"commit":{"N":"1"}},{"stream":{"S":"a/3"},"commit":{"N":"1"}}`)}.RoundTrip(r)
			}
			if asked != 2 {
				t.Errorf("%d keys were asked for again", asked)
			}
			return canned{status: 200, body: batchAnswer(`{"stream":{"S":"a/3"}}`, ``)}.RoundTrip(r)
		}
		s := NewEventStore(New(testOptions(roundTripper(batches))), "t")
		got, err := s.Started(t.Context(), []events.Stream{"a/1", "a/2", "a/3", "a/1"})
		if err != nil || calls != 3 || !got[0] || got[1] || !got[2] || !got[3] {
			t.Errorf("got %v after %d calls, error %v", got, calls, err)
		}
		always := canned{status: 200, body: batchAnswer(``, `{"stream":{"S":"a/1"},"commit":{"N":"1"}}`)}
		s = NewEventStore(New(testOptions(always)), "t")
		if _, err := s.Started(t.Context(), []events.Stream{"a/1"}); events.CodeOf(err) != events.CodeBusy {
			t.Errorf("keys that stay unprocessed: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		s = NewEventStore(New(testOptions(roundTripper(func(r *http.Request) (*http.Response, error) {
			if n++; n == 2 {
				cancel()
			}
			return always.RoundTrip(r)
		}))), "t")
		if _, err := s.Started(ctx, []events.Stream{"a/1"}); events.CodeOf(err) != events.CodeCanceled {
			t.Errorf("a context that ends meanwhile: %v", err)
		}
	})
}

func batchAnswer(items, unprocessed string) string {
	left := `{}`
	if unprocessed != "" {
		left = `{"t":{"Keys":[` + unprocessed + `]}}`
	}
	return `{"Responses":{"t":[` + items + `]},"UnprocessedKeys":` + left + `}`
}

// TestDamagedItems: items that this program did not write are code internal.
func TestDamagedItems(t *testing.T) {
	t.Parallel()
	f := newFixture(t, EventsTable(), ViewTable(view.Description{Name: "users", Version: 1}))
	s := NewEventStore(f.client, "test-events")
	for i, item := range []map[string]types.AttributeValue{
		{attrStream: &types.AttributeValueMemberS{Value: "user/1"}, attrCommit: numberValue(1)},
		{attrStream: &types.AttributeValueMemberS{Value: "user/1"}, attrCommit: numberValue(-1)},
	} {
		if _, err := f.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.table, Item: item}); err != nil {
			t.Fatal(err)
		}
		_, loaded := s.Load(t.Context(), "user/1", 1)
		_, read := s.Read(t.Context(), "user/1", 1, 1)
		_, _, scanned := s.Scan(t.Context(), 0, 1, "")
		_, appended := s.Append(t.Context(), events.Start("user/1"), userCommit(1))
		for _, err := range []error{loaded, read, scanned, appended} {
			if events.CodeOf(err) != events.CodeInternal {
				t.Errorf("item %d: error %v", i, err)
			}
		}
	}
	row := map[string]types.AttributeValue{attrKey: &types.AttributeValueMemberS{Value: "a"}, attrGuard: &types.AttributeValueMemberS{Value: "1"}}
	if _, err := f.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: ptr("test-users-v1"), Item: row}); err != nil {
		t.Fatal(err)
	}
	table := NewTables(f.client, testPrefix).Table("users", 1)
	_, one := table.Get(t.Context(), []string{"a"})
	_, two := table.Get(t.Context(), []string{"a", "b"})
	for _, err := range []error{one, two} {
		if events.CodeOf(err) != events.CodeInternal {
			t.Errorf("row: error %v", err)
		}
	}
}

// TestGapInAStream: a commit that was deleted by hand is noticed.
func TestGapInAStream(t *testing.T) {
	t.Parallel()
	for _, gone := range []int64{1, 3} {
		s, f := newStore(t)
		stream := userStream()
		fill(t, s, stream, 5, false)
		if _, err := f.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.table, Key: commitKey(stream, gone)}); err != nil {
			t.Fatal(err)
		}
		_, newest := s.Load(t.Context(), stream, 1)
		_, whole := s.Load(t.Context(), stream, 0)
		_, read := s.Read(t.Context(), stream, 1, 10)
		for _, err := range []error{newest, whole, read} {
			e, ok := events.DamageOf(err)
			if events.CodeOf(err) != events.CodeInternal || !ok || e.Stream != stream || e.Number != gone || e.Cause != nil {
				t.Errorf("without commit %d: %v", gone, err)
			}
		}
	}
}

// TestThrottlingReasons: the log of a throttled call says what was throttled and
// why, and its client does not.
func TestThrottlingReasons(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"} {
		synctest.Test(t, func(t *testing.T) {
			answer := canned{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"slow down",` +
				`"throttlingReasons":[{"reason":"TableWriteKeyRangeThroughputExceeded","resource":"arn:aws:dynamodb:eu-west-1:1:table/e"}],` +
				`"ThrottlingReasons":[{"reason":"TableWriteKeyRangeThroughputExceeded","resource":"arn:aws:dynamodb:eu-west-1:1:table/e"}]}`}
			_, err := NewEventStore(New(testOptions(answer)), "t").Load(t.Context(), "user/1", 1)
			e, ok := errors.AsType[*events.Error](err)
			const want = "TableWriteKeyRangeThroughputExceeded of arn:aws:dynamodb:eu-west-1:1:table/e"
			if !ok || e.Code != events.CodeBusy || !strings.Contains(err.Error(), want) || strings.Contains(e.Message, "arn:") {
				t.Errorf("%s: %v", code, err)
			}
		})
	}
}
