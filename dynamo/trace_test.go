package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Conflicts are told apart from failures, and both have AWS's own codes.
func TestOutcomeOfCall(t *testing.T) {
	t.Parallel()
	cancelled := func(codes ...string) error {
		e := &types.TransactionCanceledException{}
		for _, c := range codes {
			e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: &c})
		}
		return e
	}
	for name, c := range map[string]struct {
		err      error
		code     string
		conflict bool
	}{
		"success":        {nil, "", false},
		"condition":      {&types.ConditionalCheckFailedException{}, "ConditionalCheckFailedException", true},
		"conflict":       {&types.TransactionConflictException{}, "TransactionConflictException", true},
		"transaction":    {cancelled("None", "ConditionalCheckFailed", "TransactionConflict"), "TransactionCanceledException", true},
		"throttled":      {cancelled("ConditionalCheckFailed", "ThrottlingError"), "TransactionCanceledException", false},
		"without reason": {cancelled(), "TransactionCanceledException", false},
		"missing table":  {&types.ResourceNotFoundException{}, "ResourceNotFoundException", false},
		"cancelled":      {fmt.Errorf("sending: %w", context.Canceled), codeCanceled, false},
		"no answer":      {errors.New("connection refused"), codeNoAnswer, false},
	} {
		if o := outcomeOf(c.err); o.Code != c.code || o.Conflict != c.conflict {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// A transaction names each of its tables, once.
func TestTablesOfCall(t *testing.T) {
	t.Parallel()
	events, claims := "events", "claims"
	got := tablesOf(&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: &events}}, {Delete: &types.Delete{TableName: &claims}}, {ConditionCheck: &types.ConditionCheck{TableName: &events}},
	}})
	if !slices.Equal(got, []string{"claims", "events"}) {
		t.Errorf("the tables are %v", got)
	}
}
