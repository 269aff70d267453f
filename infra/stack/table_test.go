package stack_test

import (
	"slices"
	"testing"

	"daybook/dynamo"
)

func TestTables(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		specs := []dynamo.TableSpec{tpl.Schema.Events, tpl.Schema.Claims, tpl.Schema.Control, tpl.Schema.Processes, tpl.Schema.Requests}
		for _, v := range tpl.Schema.Views {
			specs = append(specs, v.Table)
		}
		if got := len(tpl.ids("AWS::DynamoDB::Table")); got != len(specs) {
			t.Errorf("%d tables, want %d", got, len(specs))
		}
		for _, spec := range specs {
			r := tpl.named(t, "AWS::DynamoDB::Table", "TableName", dynamo.TableName(tpl.Settings.Prefix(), spec))
			tableAsDeclared(t, tpl, spec, r)
			tableIsKept(t, tpl, r)
		}
	})
}

// tableAsDeclared compares keys, indexes and stream with the declaration.
func tableAsDeclared(t *testing.T, tpl *template, spec dynamo.TableSpec, r resource) {
	t.Helper()
	if got, want := keys(r.Properties["KeySchema"]), specKeys(spec.Partition, spec.Sort); got != want {
		t.Errorf("%s: key %s, want %s", spec.Name, got, want)
	}
	indexes, _ := r.Properties["GlobalSecondaryIndexes"].([]any)
	if len(indexes) != len(spec.Indexes) {
		t.Errorf("%s: %d indexes, want %d", spec.Name, len(indexes), len(spec.Indexes))
	}
	for i, want := range spec.Indexes {
		same(t, tpl, spec.Name+" index name", at(indexes, i, "IndexName"), want.Name)
		same(t, tpl, spec.Name+" projection", at(indexes, i, "Projection", "ProjectionType"), "ALL")
		if got, want := keys(at(indexes, i, "KeySchema")), specKeys(want.Partition, want.Sort); got != want {
			t.Errorf("%s: index key %s, want %s", spec.Name, got, want)
		}
	}
	types := make(map[string]string)
	for _, d := range r.Properties["AttributeDefinitions"].([]any) {
		types[tpl.text(at(d, "AttributeName"))] = tpl.text(at(d, "AttributeType"))
	}
	for _, k := range specAttributes(spec) {
		if types[k.Name] != string(k.Type) {
			t.Errorf("%s: attribute %s has type %q, want %s", spec.Name, k.Name, types[k.Name], k.Type)
		}
	}
	want := spec.StreamView
	if want == "" {
		want = "<nil>"
	}
	same(t, tpl, spec.Name+" stream", at(r.Properties, "StreamSpecification", "StreamViewType"), want)
	expires := spec.TTL
	if expires == "" {
		expires = "<nil>"
	}
	same(t, tpl, spec.Name+" expiry", at(r.Properties, "TimeToLiveSpecification", "AttributeName"), expires)
	same(t, tpl, spec.Name+" billing", r.Properties["BillingMode"], "PAY_PER_REQUEST")
}

// tableIsKept checks recovery, encryption and protection.
func tableIsKept(t *testing.T, tpl *template, r resource) {
	t.Helper()
	name := tpl.text(r.Properties["TableName"])
	same(t, tpl, name+" point-in-time recovery", at(r.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), "true")
	policy, protected := "Retain", "true"
	if tpl.Settings.RemovalPolicy == "destroy" {
		policy, protected = "Delete", "false"
	}
	same(t, tpl, name+" on deletion", r.DeletionPolicy, policy)
	same(t, tpl, name+" on replacement", r.UpdateReplacePolicy, policy)
	same(t, tpl, name+" deletion protection", r.Properties["DeletionProtectionEnabled"], protected)
	switch tpl.Settings.KMSKey {
	case "aws-owned": // DynamoDB encrypts with its own key where nothing else is said
		same(t, tpl, name+" encryption", r.Properties["SSESpecification"], "<nil>")
	case "create":
		same(t, tpl, name+" key", at(r.Properties, "SSESpecification", "KMSMasterKeyId"), "<AWS::KMS::Key>.Arn")
		same(t, tpl, name+" encryption", at(r.Properties, "SSESpecification", "SSEEnabled"), "true")
	default:
		same(t, tpl, name+" key", at(r.Properties, "SSESpecification", "KMSMasterKeyId"), tpl.Settings.KMSKey)
	}
}

func keys(schema any) string {
	var s string
	for _, k := range schema.([]any) {
		s += at(k, "KeyType").(string) + " " + at(k, "AttributeName").(string) + ";"
	}
	return s
}

func specKeys(partition dynamo.Key, sort *dynamo.Key) string {
	s := "HASH " + partition.Name + ";"
	if sort != nil {
		s += "RANGE " + sort.Name + ";"
	}
	return s
}

func specAttributes(spec dynamo.TableSpec) []dynamo.Key {
	all := []dynamo.Key{spec.Partition}
	if spec.Sort != nil {
		all = append(all, *spec.Sort)
	}
	for _, x := range spec.Indexes {
		all = append(all, x.Partition)
		if x.Sort != nil {
			all = append(all, *x.Sort)
		}
	}
	return all
}

// The declarations of the test domain are really there: the tests above would
// pass on an empty schema.
func TestViewsHaveTables(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-iam")
	var names []string
	for _, id := range tpl.ids("AWS::DynamoDB::Table") {
		names = append(names, tpl.text(tpl.Resources[id].Properties["TableName"]))
	}
	for _, want := range []string{"daybook-dev-events", "daybook-dev-processes", "daybook-dev-requests", "daybook-dev-members-v1", "daybook-dev-members-v2", "daybook-dev-courses-v1", "daybook-dev-areas-v1", "daybook-dev-bookings-v1"} {
		if !slices.Contains(names, want) {
			t.Errorf("no table %s among %v", want, names)
		}
	}
	events := tpl.named(t, "AWS::DynamoDB::Table", "TableName", "daybook-dev-events")
	same(t, tpl, "stream of the events", at(events.Properties, "StreamSpecification", "StreamViewType"), "NEW_IMAGE")
}
