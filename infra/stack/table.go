package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/dynamo"
)

// TableProps are the properties of NewTable.
type TableProps struct {
	Prefix string // of the table's name
	Spec   dynamo.TableSpec
	Key    Key
	// Retain keeps the table when the stack is deleted, and refuses its
	// deletion by hand.
	Retain bool
}

// Table is a DynamoDB table with what a permission on it needs.
type Table struct {
	awsdynamodb.Table
	spec dynamo.TableSpec
	key  Key
}

// NewTable makes a table as a dynamo.TableSpec says: on demand, encrypted, with
// point-in-time recovery to any second of the last 35 days, unless the spec has NoBackup.
func NewTable(scope constructs.Construct, id string, p TableProps) Table {
	props := &awsdynamodb.TableProps{
		TableName:          jsii.String(dynamo.TableName(p.Prefix, p.Spec)),
		PartitionKey:       attribute(&p.Spec.Partition),
		SortKey:            attribute(p.Spec.Sort),
		BillingMode:        awsdynamodb.BillingMode_PAY_PER_REQUEST,
		DeletionProtection: jsii.Bool(p.Retain),
		RemovalPolicy:      removal(p.Retain),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(!p.Spec.NoBackup),
		},
	}
	if p.Spec.StreamView != "" {
		props.Stream = awsdynamodb.StreamViewType(p.Spec.StreamView)
	}
	if p.Spec.TTL != "" {
		props.TimeToLiveAttribute = jsii.String(p.Spec.TTL)
	}
	if p.Key.IKey != nil {
		props.Encryption, props.EncryptionKey = awsdynamodb.TableEncryption_CUSTOMER_MANAGED, p.Key.IKey
	}
	table := awsdynamodb.NewTable(scope, jsii.String(id), props)
	for _, index := range p.Spec.Indexes {
		table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
			IndexName:      jsii.String(index.Name),
			PartitionKey:   attribute(&index.Partition),
			SortKey:        attribute(index.Sort),
			ProjectionType: awsdynamodb.ProjectionType_ALL,
		})
	}
	return Table{Table: table, spec: p.Spec, key: p.Key}
}

func attribute(k *dynamo.Key) *awsdynamodb.Attribute {
	if k == nil {
		return nil
	}
	kind := awsdynamodb.AttributeType_STRING
	if k.Type == dynamo.KeyNumber {
		kind = awsdynamodb.AttributeType_NUMBER
	}
	return &awsdynamodb.Attribute{Name: jsii.String(k.Name), Type: kind}
}

func removal(retain bool) awscdk.RemovalPolicy {
	if retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}

// allow lets role do actions on the table itself. DynamoDB's actions with no
// resource of their own, such as TransactWriteItems, are allowed by those of
// their parts.
func (t Table) allow(role awsiam.Role, sid string, actions ...string) {
	allow(role, sid, actions, *t.TableArn())
	t.key.allow(role, "dynamodb")
}

// generations is what the names of tables have behind this one's that a rebuild
// makes: dynamo.GenerationTable.
const generations = "-g*"

// allowGenerations lets role do actions on the table and its later generations.
func (t Table) allowGenerations(role awsiam.Role, sid string, actions ...string) {
	allow(role, sid, actions, *t.TableArn(), *t.TableArn()+generations)
	t.key.allow(role, "dynamodb")
}

// allowIndexes lets role query indexes of the table and of its later
// generations, each named.
func (t Table) allowIndexes(role awsiam.Role, sid string, indexes ...string) {
	var arns []string
	for _, index := range indexes {
		arns = append(arns, *t.TableArn()+"/index/"+index, *t.TableArn()+generations+"/index/"+index)
	}
	if len(arns) > 0 {
		allow(role, sid, []string{"dynamodb:Query"}, arns...)
	}
}

// allowStream lets role read the table's stream, as Lambda does in the name of
// the function that an event source mapping invokes.
func (t Table) allowStream(role awsiam.Role, sid string) {
	allow(role, sid, []string{
		"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
	}, *t.TableStreamArn())
}
