package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// EventBus is where integration events are published.
type EventBus struct {
	Name string // or ARN, which EventBridge takes too
	arn  string
}

// NewEventBus makes the event bus that the setting eventBus asks for: one of the
// deployment's own, named after prefix, or one that is there, by its name or ARN,
// which is left as it is.
func NewEventBus(scope constructs.Construct, id, setting, prefix string, key Key) EventBus {
	arn := func(name string) string {
		return *awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: jsii.String(name),
		})
	}
	if strings.HasPrefix(setting, "arn:") {
		return EventBus{Name: setting, arn: setting}
	}
	if setting != "" {
		return EventBus{Name: setting, arn: arn(setting)}
	}
	props := &awsevents.CfnEventBusProps{
		Name: jsii.String(prefix), Description: jsii.String("Integration events of " + prefix),
	}
	if key.IKey != nil {
		props.KmsKeyIdentifier = key.KeyArn()
		for _, statement := range forEvents(arn(prefix)) {
			key.AddToResourcePolicy(statement, jsii.Bool(true)) // nothing to a key that was there before
		}
	}
	bus := awsevents.NewCfnEventBus(scope, jsii.String(id), props)
	return EventBus{Name: *bus.Ref(), arn: *bus.AttrArn()}
}

// forEvents lets EventBridge use a key for one event bus. Looking at the key has
// no bus to name.
func forEvents(bus string) []awsiam.PolicyStatement {
	service := &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)}
	return []awsiam.PolicyStatement{
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid: jsii.String("EventsLook"), Principals: service,
			Actions: jsii.Strings("kms:DescribeKey"), Resources: jsii.Strings("*"),
		}),
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid: jsii.String("Events"), Principals: service,
			Actions: jsii.Strings("kms:Decrypt", "kms:GenerateDataKey"), Resources: jsii.Strings("*"),
			Conditions: &map[string]any{"StringEquals": map[string]any{
				"aws:SourceArn": bus, "kms:EncryptionContext:aws:events:event-bus:arn": bus,
			}},
		}),
	}
}

// allow lets role publish events.
func (b EventBus) allow(role awsiam.Role) {
	allow(role, "Publish", []string{"events:PutEvents"}, b.arn)
}
