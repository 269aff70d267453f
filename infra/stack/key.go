package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/infra/settings"
)

// Key is what stored data is encrypted with; the zero value stands for the keys
// that AWS owns, which need no permission.
type Key struct{ awskms.IKey }

// NewKey makes the key that the setting kmsKey asks for: none of its own, one
// that is there, or a new one that is rotated every year and may be used by
// CloudWatch Logs for the log groups of prefix.
func NewKey(scope constructs.Construct, id, setting, prefix string, retain bool) Key {
	switch setting {
	case settings.KeyOfAWS:
		return Key{}
	case settings.KeyCreated:
		key := awskms.NewKey(scope, jsii.String(id), &awskms.KeyProps{
			Alias:             jsii.String(prefix),
			Description:       jsii.String("Encrypts the tables, queues, events, logs and failed records of " + prefix),
			EnableKeyRotation: jsii.Bool(true),
			RemovalPolicy:     removal(retain),
		})
		key.AddToResourcePolicy(forLogs(scope, prefix), jsii.Bool(false))
		return Key{key}
	default:
		return Key{awskms.Key_FromKeyArn(scope, jsii.String(id), jsii.String(setting))}
	}
}

// cryptography is what reading and writing encrypted data takes.
var cryptography = []string{
	"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
	"kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
}

// forLogs lets CloudWatch Logs use the key for the log groups of prefix. In a
// key policy the resource "*" means the key itself.
func forLogs(scope constructs.Construct, prefix string) awsiam.PolicyStatement {
	stack := awscdk.Stack_Of(scope)
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("Logs"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String(regional(scope, "logs")), nil)},
		Actions:    jsii.Strings(cryptography...),
		Resources:  jsii.Strings("*"),
		Conditions: &map[string]any{"ArnLike": map[string]any{
			"kms:EncryptionContext:aws:logs:arn": "arn:" + *stack.Partition() + ":logs:" + *stack.Region() + ":" + *stack.Account() + ":log-group:/" + prefix + "/*",
		}},
	})
}

// allow lets role use the key, through one service of AWS only.
func (k Key) allow(role awsiam.Role, service string) {
	if k.IKey == nil {
		return
	}
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("Key" + title(service)),
		Actions:   jsii.Strings(cryptography...),
		Resources: jsii.Strings(*k.KeyArn()),
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"kms:ViaService": regional(role, service),
		}},
	}))
}

// ref is the key for constructs to which none means AWS's own.
func (k Key) ref() interfacesawskms.IKeyRef {
	if k.IKey == nil {
		return nil
	}
	return k.IKey
}
