package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Timers is where process managers set timers: one-time schedules of a group,
// which put a command into the command queue.
type Timers struct {
	Group string // name of the schedule group
	Role  awsiam.Role
	// schedules is the ARN of every schedule of the group.
	schedules string
}

// NewTimers makes the schedule group, named after prefix, and the role that its
// schedules assume, which may send to the command queue and nothing else. No
// other service, account or group can assume it.
func NewTimers(scope constructs.Construct, id, prefix string, queue CommandQueue) Timers {
	stack := awscdk.Stack_Of(scope)
	group := awsscheduler.NewCfnScheduleGroup(scope, jsii.String(id), &awsscheduler.CfnScheduleGroupProps{Name: jsii.String(prefix)})
	role := awsiam.NewRole(scope, jsii.String(id+"Role"), &awsiam.RoleProps{
		Description: jsii.String("What the timers of " + prefix + " may do"),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{
				"aws:SourceAccount": *stack.Account(), "aws:SourceArn": *group.AttrArn(),
			}},
		}),
	})
	queue.allow(role, "Send", []string{"sqs:SendMessage"}, queue.Commands)
	return Timers{
		Group: prefix, Role: role,
		schedules: *stack.FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("scheduler"), Resource: jsii.String("schedule"), ResourceName: jsii.String(prefix + "/*"),
		}),
	}
}

// allow lets role set and cancel timers, and hand their role to the scheduler,
// and to no other service.
func (t Timers) allow(role awsiam.Role) {
	allow(role, "Timers", []string{"scheduler:CreateSchedule", "scheduler:DeleteSchedule"}, t.schedules)
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("TimersRole"),
		Actions:    jsii.Strings("iam:PassRole"),
		Resources:  jsii.Strings(*t.Role.RoleArn()),
		Conditions: &map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "scheduler.amazonaws.com"}},
	}))
}
