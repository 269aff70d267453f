package embedded_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

func insertOf(statement string, parameters ...types.AttributeValue) types.BatchStatementRequest {
	return types.BatchStatementRequest{Statement: &statement, Parameters: parameters}
}

// TestInserts: each statement of a batch is carried out, or refused, by itself.
func TestInserts(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "", withStream(types.StreamViewTypeNewImage))
	e.put(t, "things", item{"pk": s("there"), "x": s("old")})
	const form = `INSERT INTO "things" VALUE {'pk':?,'x':?}`
	out, err := e.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		Statements: []types.BatchStatementRequest{
			insertOf(form, s("a"), s("new")),
			insertOf(form, s("there"), s("new")),
			insertOf("insert  into things\n value { 'it''s' : ? , 'pk' : ? }", n("1"), s("b")),
			insertOf(form, s("c")),
			insertOf(form, n("1"), s("new")),
			insertOf(`INSERT INTO "gone" VALUE {'pk':?}`, s("a")),
			insertOf(form, s("a"), s("again")),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []types.BatchStatementErrorCodeEnum{"", "DuplicateItem", "", "ValidationError", "ValidationError", "ResourceNotFound", "DuplicateItem"} {
		got := types.BatchStatementErrorCodeEnum("")
		if e := out.Responses[i].Error; e != nil {
			got = e.Code
		}
		if got != want {
			t.Errorf("statement %d: %q, want %q", i, got, want)
		}
	}
	if c := out.ConsumedCapacity; len(c) != 1 || *c[0].CapacityUnits != 2 {
		t.Errorf("consumed %+v", c)
	}
	for key, want := range map[string]string{"a": `{pk="a" x="new"}`, "there": `{pk="there" x="old"}`, "b": `{it's=1 pk="b"}`, "c": "{}"} {
		got, err := e.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("things"), Key: item{"pk": s(key)}})
		if err != nil || text(got.Item) != want {
			t.Errorf("%s is %s, want %s, error %v", key, text(got.Item), want, err)
		}
	}
	if got := e.records(t, "things"); len(got) != 3 {
		t.Errorf("%d records", len(got))
	}
}

func TestOtherStatementsAreRefused(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	for _, statement := range []string{
		"SELECT * FROM things", `INSERT INTO "things" VALUE {'pk':'a'}`, `INSERT INTO "things" VALUE {'pk':?`, `INSERT INTO "things" VALUE {'pk':?} x`, `INSERT INTO "things`,
	} {
		_, err := e.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{insertOf(statement, s("a"))}})
		wantError(t, err, "ValidationException", "")
	}
	_, err := e.BatchExecuteStatement(t.Context(), &dynamodb.BatchExecuteStatementInput{Statements: make([]types.BatchStatementRequest, 0)})
	wantError(t, err, "ValidationException", "")
}
