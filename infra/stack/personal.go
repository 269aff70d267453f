package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/functions/names"
)

// Personal has the additional resources of an application with personal values: the
// table of data keys, which has no backup and no stream, and the KMS key that wraps them.
type Personal struct {
	Keys     Table
	Wrapping awskms.Key
}

// newWrappingKey makes the key, under the alias that the command line knows.
func newWrappingKey(scope constructs.Construct, id, prefix string, retain bool) awskms.Key {
	return awskms.NewKey(scope, jsii.String(id), &awskms.KeyProps{
		Alias:             jsii.String(names.WrappingKey(prefix)),
		Description:       jsii.String("Wraps the data keys of personal values of " + prefix),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     removal(retain),
	})
}

// environment tells the functions where keys are.
func (p *Personal) environment() map[string]string {
	if p == nil {
		return nil
	}
	return map[string]string{names.EnvKeysTable: *p.Keys.TableName(), names.EnvWrappingKey: *p.Wrapping.KeyArn()}
}

// allowReading lets a function read personal values.
func (p *Personal) allowReading(f Function) {
	if p != nil {
		p.Keys.allow(f.Role, "Keys", "dynamodb:BatchGetItem", "dynamodb:GetItem")
		allow(f.Role, "Personal", []string{"kms:Decrypt"}, *p.Wrapping.KeyArn())
	}
}

// allowWriting lets a function also make the keys of persons that are new. None may
// delete one: that is the operator's.
func (p *Personal) allowWriting(f Function) {
	if p != nil {
		p.Keys.allow(f.Role, "Keys", "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem")
		allow(f.Role, "Personal", []string{"kms:Decrypt", "kms:GenerateDataKey"}, *p.Wrapping.KeyArn())
	}
}
