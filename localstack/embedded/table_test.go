package embedded_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

func TestTableLifecycle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir, Region: "eu-central-1", Account: "123456789012"})
	ctx := t.Context()
	things := aws.String("things")
	made, err := e.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: things, KeySchema: keySchema("pk", "sk"),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeB}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeN},
		},
		ProvisionedThroughput:     &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(3), WriteCapacityUnits: aws.Int64(4)},
		DeletionProtectionEnabled: aws.Bool(true), TableClass: types.TableClassStandardInfrequentAccess,
		SSESpecification: &types.SSESpecification{Enabled: aws.Bool(true)}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
	})
	if err != nil || made.TableDescription.TableStatus != types.TableStatusCreating {
		t.Fatal(made, err)
	}
	arn := "arn:aws:dynamodb:eu-central-1:123456789012:table/things"
	d := e.describe(t, "things")
	if d.TableStatus != types.TableStatusActive || *d.TableArn != arn || len(*d.TableId) != 36 || *d.ProvisionedThroughput.WriteCapacityUnits != 4 ||
		!*d.DeletionProtectionEnabled || d.TableClassSummary.TableClass != types.TableClassStandardInfrequentAccess ||
		d.SSEDescription.Status != types.SSEStatusEnabled || d.BillingModeSummary != nil || d.CreationDateTime.IsZero() {
		t.Fatalf("%+v", d)
	}
	e.put(t, arn, item{"pk": &types.AttributeValueMemberB{Value: []byte{0}}, "sk": n("1")}) // a table goes by its ARN too
	if _, err := e.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: things, BillingMode: types.BillingModePayPerRequest}); err != nil {
		t.Fatal(err)
	}
	_, err = e.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: things})
	wantError(t, err, "ValidationException", "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	e = e.reopen(t, embedded.Options{Dir: dir, Region: "eu-central-1", Account: "123456789012"})
	d = e.describe(t, "things")
	if d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || *d.ItemCount != 1 || *d.ProvisionedThroughput.ReadCapacityUnits != 0 {
		t.Fatalf("%+v", d)
	}
	if _, err := e.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: things, DeletionProtectionEnabled: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	gone, err := e.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: things})
	if err != nil || gone.TableDescription.TableStatus != types.TableStatusDeleting {
		t.Fatal(gone, err)
	}
	_, err = e.GetItem(ctx, &dynamodb.GetItemInput{TableName: things, Key: item{"pk": s("a")}})
	wantError(t, err, "ResourceNotFoundException", "Requested resource not found")
	e = e.reopen(t, embedded.Options{Dir: dir})
	e.table(t, "things", "")
	if got := e.scanAll(t, "things", ""); len(got) != 0 {
		t.Fatalf("a new table has items of the old one: %v", got)
	}
}

func TestListTables(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	want := []string{"aaa", "bbb", "ccc", "ddd", "eee"}
	for _, name := range []string{"ccc", "aaa", "eee", "bbb", "ddd"} {
		e.table(t, name, "")
	}
	var got []string
	for p := dynamodb.NewListTablesPaginator(e, &dynamodb.ListTablesInput{Limit: aws.Int32(2)}); p.HasMorePages(); {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, out.TableNames...)
	}
	if !slices.Equal(got, want) {
		t.Fatal(got)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	arn := e.table(t, "things", "").TableDescription.TableArn
	tag := func(pairs ...string) error {
		in := &dynamodb.TagResourceInput{ResourceArn: arn}
		for i := 0; i < len(pairs); i += 2 {
			in.Tags = append(in.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := e.TagResource(t.Context(), in)
		return err
	}
	if err := tag("a", "1", "b", "2"); err != nil {
		t.Fatal(err)
	}
	if err := tag("b", "3", "c", "4"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.UntagResource(t.Context(), &dynamodb.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "none"}}); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 50 {
		many = append(many, strings.Repeat("k", i+1), "v")
	}
	wantError(t, tag(many...), "LimitExceededException", "")
	e = e.reopen(t, embedded.Options{Dir: dir})
	out, err := e.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: arn})
	got := map[string]string{}
	for _, one := range out.Tags {
		got[*one.Key] = *one.Value
	}
	if err != nil || !maps.Equal(got, map[string]string{"b": "3", "c": "4"}) {
		t.Fatal(got, err)
	}
}

func TestContinuousBackups(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	for _, on := range []bool{true, false} {
		if _, err := e.UpdateContinuousBackups(t.Context(), &dynamodb.UpdateContinuousBackupsInput{
			TableName:                        aws.String("things"),
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
		}); err != nil {
			t.Fatal(err)
		}
		out, err := e.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String("things")})
		if err != nil {
			t.Fatal(err)
		}
		r := out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
		if (r.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled) != on || (r.EarliestRestorableDateTime != nil) != on {
			t.Fatalf("%+v", r)
		}
	}
}

func TestThroughputOfIndexes(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	two := &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(2), WriteCapacityUnits: aws.Int64(2)}
	e.table(t, "things", "", func(in *dynamodb.CreateTableInput) {
		withIndex("by-owner", "owner", "", projectAll)(in)
		in.BillingMode, in.ProvisionedThroughput, in.GlobalSecondaryIndexes[0].ProvisionedThroughput = types.BillingModeProvisioned, two, two
	})
	update := func(name string) error {
		_, err := e.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
			TableName: aws.String("things"), ProvisionedThroughput: two,
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Update: &types.UpdateGlobalSecondaryIndexAction{
				IndexName: &name, ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(7), WriteCapacityUnits: aws.Int64(7)},
			}}},
		})
		return err
	}
	if err := update("by-owner"); err != nil {
		t.Fatal(err)
	}
	wantError(t, update("none"), "ResourceNotFoundException", "")
	if d := e.describe(t, "things"); *d.GlobalSecondaryIndexes[0].ProvisionedThroughput.ReadCapacityUnits != 7 {
		t.Fatalf("%+v", d.GlobalSecondaryIndexes[0])
	}
}
