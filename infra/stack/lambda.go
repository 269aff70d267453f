package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/functions/names"
	"daybook/infra/settings"
)

// FunctionProps are the properties of NewFunction.
type FunctionProps struct {
	Prefix       string // of the physical names
	Name         string // "command"
	Description  string
	Code         string // zip file with the bootstrap
	Architecture settings.Architecture
	Memory       int // MB
	Timeout      int // seconds
	Tracing      bool
	Concurrency  int  // reserved; 0 for none
	Versions     bool // callers get the alias Live of a version
	Isolated     bool // each execution environment is for one tenant
	Environment  map[string]string
	LogRetention int // days
	Key          Key
}

// Function is a Lambda function with a role of its own.
type Function struct {
	awslambda.Function
	Role    awsiam.Role
	Name    string
	Timeout int // seconds
	// live is what the API and the event source mappings invoke: the function,
	// or its alias.
	live  awslambda.IFunction
	alias awslambda.Alias // nil without versions
}

// Live is the name of the alias that callers get, where functions have versions.
const Live = "live"

// target is what an event source mapping names.
func (f Function) target() *string {
	if f.alias != nil {
		return f.alias.FunctionArn()
	}
	return f.FunctionName()
}

// NewFunction makes a function of a bootstrap on provided.al2023, a log group
// that ends with the stack, and a role that may write to that log group and
// nothing else.
func NewFunction(scope constructs.Construct, id string, p FunctionProps) Function {
	logs := NewLogGroup(scope, id+"Logs", p.Prefix, p.Name, p.LogRetention, p.Key)
	role := awsiam.NewRole(scope, jsii.String(id+"Role"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("What the " + p.Name + " function of " + p.Prefix + " may do"),
	})
	allow(role, "Logs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, *logs.LogGroupArn())
	tracing := awslambda.Tracing_DISABLED
	if p.Tracing {
		tracing = awslambda.Tracing_ACTIVE // adds the permission to the role
	}
	architecture := awslambda.Architecture_ARM_64()
	if p.Architecture == settings.X8664 {
		architecture = awslambda.Architecture_X86_64()
	}
	props := &awslambda.FunctionProps{
		FunctionName:  jsii.String(names.Join(p.Prefix, p.Name)),
		Description:   jsii.String(p.Description),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Handler:       jsii.String("bootstrap"),
		Code:          awslambda.Code_FromAsset(jsii.String(p.Code), nil),
		Architecture:  architecture,
		MemorySize:    jsii.Number(p.Memory),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(p.Timeout)),
		Environment:   variables(p.Environment),
		Role:          role,
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Tracing:       tracing,
	}
	if p.Concurrency > 0 {
		props.ReservedConcurrentExecutions = jsii.Number(p.Concurrency)
	}
	if p.Isolated {
		props.TenancyConfig = awslambda.TenancyConfig_PER_TENANT()
		// Another name: switching the mode replaces the function, and two can't share one.
		props.FunctionName = jsii.String(names.Join(p.Prefix, p.Name+"-isolated"))
	}
	function := awslambda.NewFunction(scope, jsii.String(id), props)
	f := Function{Function: function, Role: role, Name: p.Name, Timeout: p.Timeout, live: function}
	if p.Versions {
		f.alias = awslambda.NewAlias(scope, jsii.String(id+"Live"), &awslambda.AliasProps{AliasName: jsii.String(Live), Version: function.CurrentVersion()})
		f.live = f.alias
	}
	return f
}

// NewLogGroup makes the log group /<prefix>/<name>. It ends with the stack: what
// must be kept is in the events.
func NewLogGroup(scope constructs.Construct, id, prefix, name string, days int, key Key) awslogs.LogGroup {
	group := awslogs.NewLogGroup(scope, jsii.String(id), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/" + prefix + "/" + name),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		Retention:     awslogs.RetentionDays_INFINITE,
		EncryptionKey: key.ref(),
	})
	// The days as a number: the CDK's enumeration has a name for each.
	group.Node().DefaultChild().(awslogs.CfnLogGroup).SetRetentionInDays(jsii.Number(days))
	return group
}

func variables(env map[string]string) *map[string]*string {
	all := make(map[string]*string, len(env))
	for k, v := range env {
		all[k] = jsii.String(v)
	}
	return &all
}
