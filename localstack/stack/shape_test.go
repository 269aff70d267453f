package stack_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/internal/testdomain"
	"daybook/localstack/stack"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

// The stack does not start on data whose views were declared otherwise, and says
// in one line what to do; with the declaration of before it starts again.
func TestDataOfAnotherDeclaration(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, stack.Options{Data: data})
	members := driver.Target{View: "members", Version: 2, Generation: 1}
	viewtest.FilledBy(t, dynamo.NewTables(s.Client(), testdomain.App().Prefix(stack.Stage)), members, func(s *view.Shape) { delete(s.Row, "active") })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := stack.Start(t.Context(), testdomain.App(), stack.Options{Data: data, LogTo: io.Discard})
	const want = "the rows of members v2 have no field active: raise Version(3), keep v2 as it was in Previous, and run the subcommand rebuild members; " +
		"or take the change back; or start with other data (-data)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A table without a recorded shape is compared by its indexes.
func TestDataOfOtherIndexes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, stack.Options{Data: data})
	table := aws.String(testdomain.App().Prefix(stack.Stage) + "-members-v2")
	_, err := s.Client().UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: table, GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
		{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("by-name")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = stack.Start(t.Context(), testdomain.App(), stack.Options{Data: data, LogTo: io.Discard})
	if err == nil || !strings.HasPrefix(err.Error(), "the table of members v2 has no index by-name: raise Version(3)") {
		t.Errorf("got %v", err)
	}
}

// The holder of an e-mail address is found by it, however it is written, and the
// row shows it as it was given; a second member can't have it.
func TestHolderOfAnAddress(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Options{})
	post := func(id, email string) (int, string) {
		body := strings.NewReader(`{"id":"` + id + `","payload":{"name":"Ann","email":"` + email + `"}}`)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/commands/create-member", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(answer)
	}
	if status, body := post("ann", "Ann@Example.com"); status != http.StatusCreated {
		t.Fatal(status, body)
	}
	if status, body := post("eve", "ann@EXAMPLE.com"); status != http.StatusConflict {
		t.Error(status, body)
	}
	for _, filter := range []string{"email=ANN@Example.com", "email=ann@example.com", "email.in=x@y.z,aNN@example.com", "active=true&email.prefix=ANN@"} {
		response, body := get(t, s.URL()+"/members?after=member/ann@1&"+filter)
		if response.StatusCode != http.StatusOK || !strings.Contains(body, `"id":"ann"`) || !strings.Contains(body, `"email":"Ann@Example.com"`) {
			t.Errorf("%s: %d %s", filter, response.StatusCode, body)
		}
	}
}

// Data of a program that declared an older version of a view: it answers, and the
// stack says how the newer one is filled.
func TestDataOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, stack.Options{Data: data})
	if n := s.Notes(); len(n) != 0 {
		t.Errorf("fresh data: %q", n)
	}
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	older := view.Versions([]view.View{testdomain.Members})[:1]
	p, err := projection.New(&eventstest.Memory{}, codec, dynamo.NewTables(s.Client(), testdomain.App().Prefix(stack.Stage)), older, &projection.Options{Routed: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client().DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(dynamo.TableName(testdomain.App().Prefix(stack.Stage), dynamo.ControlTable())),
		Key: map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: "routes"}}}); err != nil { // as if the older program had begun
		t.Fatal(err)
	}
	commit := events.Commit{Stream: "member/1", Number: 1, Version: 1, Events: []events.Event{{Name: "member-deactivated", Schema: 1, Data: []byte("{}")}}}
	if r := p.Project(t.Context(), []follow.Delivery{{Stream: commit.Stream, Number: 1, Commit: &commit, Sequence: "1"}}); r.Err != nil {
		t.Fatal(r.Err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "members v2 is declared and not filled, so an older version answers: run the subcommands rebuild members and switch members"
	if n := start(t, stack.Options{Data: data}).Notes(); len(n) != 1 || n[0] != want {
		t.Errorf("got %q", n)
	}
}
