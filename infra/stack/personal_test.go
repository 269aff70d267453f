package stack_test

import (
	"slices"
	"strings"
	"testing"

	"daybook/functions/names"
	"daybook/internal/peopledomain"
)

// An application with personal values has a table of keys without backup and stream, a
// key that wraps them, and the least that each function needs of both.
func TestPersonalValues(t *testing.T) {
	t.Parallel()
	needNode(t)
	name := variantNames(t)[0]
	context := contextOf(t, name)
	synthesizing.Lock()
	tpl := synthApp(t, name, context, peopledomain.App().Commands(), peopledomain.App())
	synthesizing.Unlock()
	prefix := tpl.Settings.Prefix()
	table := tpl.named(t, "AWS::DynamoDB::Table", "TableName", prefix+"-keys")
	same(t, tpl, "point-in-time recovery", at(table.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), "false")
	same(t, tpl, "stream", at(table.Properties, "StreamSpecification"), "<nil>")
	tpl.named(t, "AWS::KMS::Alias", "AliasName", names.WrappingKey(prefix))
	reading, writing := "dynamodb:BatchGetItem dynamodb:GetItem", "dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem"
	for function, want := range map[string][2]string{
		names.Command: {writing, "kms:Decrypt kms:GenerateDataKey"}, names.Process: {writing, "kms:Decrypt kms:GenerateDataKey"},
		names.Query: {reading, "kms:Decrypt"}, names.Projector: {reading, "kms:Decrypt"},
	} {
		grants := tpl.grants(function)
		for _, prefix := range []string{"Allow Keys: " + want[0] + " on ", "Allow Personal: " + want[1] + " on "} {
			if !slices.ContainsFunc(grants, func(g string) bool { return strings.HasPrefix(g, prefix) }) {
				t.Errorf("%s has no %q: %q", function, prefix, grants)
			}
		}
		if slices.ContainsFunc(grants, func(g string) bool { return strings.Contains(g, "DeleteItem") && strings.Contains(g, "-keys>") }) {
			t.Errorf("%s may delete keys", function)
		}
	}
}

// One without any has neither.
func TestNoPersonalValues(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for id, r := range tpl.Resources {
			if strings.Contains(tpl.text(r.Properties["AliasName"]), "personal") || strings.HasSuffix(tpl.text(r.Properties["TableName"]), "-keys") {
				t.Errorf("%s is there", id)
			}
		}
	})
}
