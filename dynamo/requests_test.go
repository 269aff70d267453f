package dynamo

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"

	"daybook/events"
)

// noted is the time of the statuses in these tests: far ahead, or the database
// would delete them for their age.
var noted = time.Date(2126, 11, 3, 9, 15, 42, 137_000_000, time.UTC)

func newRequests(t *testing.T) (*Requests, *fixture) {
	t.Helper()
	f := newFixture(t, RequestsTable())
	return NewRequests(f.client, TableName(testPrefix, RequestsTable())), f
}

func TestRequests(t *testing.T) {
	t.Parallel()
	asynctest.RunStatuses(t, func(t *testing.T) async.Statuses {
		r, _ := newRequests(t)
		return r
	})
}

func requestStatus(id string, state async.State) async.Status {
	s := async.Status{CommandID: id, State: state, Since: noted, Stream: userStream(), Actor: "4f1f0f3e-9a50-4a57-9f43-2f6c8c1b8d11", Digest: events.Digest{1}}
	switch state {
	case async.StateAccepted:
		s.Result = aggregate.Result{Stream: s.Stream, CommandID: id, Version: 3, Started: true}
	case async.StateRejected:
		s.Problem = &events.Error{Code: "out-of-stock", Message: "there are only 3 in stock", Rejected: true}
	}
	return s
}

func TestRequestsCosts(t *testing.T) {
	t.Parallel()
	r, _ := newRequests(t)
	for _, outcome := range []async.State{async.StateAccepted, async.StateRejected} {
		id := "4f1f0f3e-9a50-4a57-9f43-2f6c8c1b8d11-" + string(outcome)
		costs(t, "noting a pending command", Usage{Requests: 1, WriteUnits: 1}, func(_ *testing.T, ctx context.Context) error {
			_, err := r.Begin(ctx, requestStatus(id, async.StatePending))
			return err
		})
		costs(t, "noting its outcome", Usage{Requests: 1, WriteUnits: 1}, func(_ *testing.T, ctx context.Context) error {
			return r.Record(ctx, requestStatus(id, outcome))
		})
		costs(t, "looking", Usage{Requests: 1, ReadUnits: 1}, func(_ *testing.T, ctx context.Context) error {
			_, err := r.Get(ctx, noted, "", id)
			return err
		})
	}
}

func TestRequestsSurviveALostAnswer(t *testing.T) {
	t.Parallel()
	r, f := newRequests(t)
	f.net.reset(first(cut))
	known, err := r.Begin(t.Context(), requestStatus("c", async.StatePending))
	if err != nil || known != nil && known.State != async.StatePending {
		t.Errorf("Begin returns %+v, %v", known, err)
	}
	f.net.reset(first(cut))
	if err := r.Record(t.Context(), requestStatus("c", async.StateAccepted)); err != nil {
		t.Error(err)
	}
	f.net.reset(always(throttle))
	if err := r.Record(t.Context(), requestStatus("c", async.StateAccepted)); events.CodeOf(err) != events.CodeBusy {
		t.Errorf("a throttled table: %v, want code busy", err)
	}
}

func TestRequestsExpire(t *testing.T) {
	t.Parallel()
	r, f := newRequests(t)
	if err := r.Record(t.Context(), requestStatus("c", async.StateAccepted)); err != nil {
		t.Fatal(err)
	}
	out, err := f.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &r.table, Key: map[string]types.AttributeValue{attrRequest: &types.AttributeValueMemberS{Value: "c"}}})
	if err != nil {
		t.Fatal(err)
	}
	second, err := integerOf(out.Item[RequestsTable().TTL])
	if end := noted.Add(async.StatusKept); err != nil || time.Unix(second, 0).Before(end) || time.Unix(second, 0).After(end.Add(time.Second)) {
		t.Errorf("expires at %d, %v; want %v or a second later", second, err, end)
	}
}

func TestRequestsRefuseForeignItems(t *testing.T) {
	t.Parallel()
	r, f := newRequests(t)
	sound, err := requestItem(requestStatus("c", async.StateAccepted))
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	for i, foreign := range []map[string]types.AttributeValue{
		{attrRank: nil}, {attrRank: numberValue(4)}, {attrRank: numberValue(-1)}, {attrSince: text("then")}, {attrDigest: nil},
		{attrDigest: &types.AttributeValueMemberB{Value: []byte{1}}}, {attrAfter: nil}, {attrProblem: text("{")},
		{attrOthers: &types.AttributeValueMemberL{Value: []types.AttributeValue{text("user")}}},
	} {
		item := map[string]types.AttributeValue{}
		for name, value := range sound {
			item[name] = value
		}
		for name, value := range foreign {
			if item[name] = value; value == nil {
				delete(item, name)
			}
		}
		id := fmt.Sprint(i)
		item[attrRequest] = text(id)
		if _, err := f.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.table, Item: item}); err != nil {
			t.Fatal(err)
		}
		if s, err := r.Get(t.Context(), noted, "", id); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%v: %+v, %v; want code internal", foreign, s, err)
		}
	}
}
