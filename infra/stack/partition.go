package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// regional is the name of a service in the stack's Region, as principals and
// conditions call it: logs.eu-central-1.amazonaws.com. CloudFormation fills in the
// domain of the partition that it deploys in (AWS::URLSuffix).
func regional(scope constructs.Construct, service string) string {
	stack := awscdk.Stack_Of(scope)
	return service + "." + *stack.Region() + "." + *stack.UrlSuffix()
}
