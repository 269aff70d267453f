package stack

import (
	"slices"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newCallerPolicies makes three policies to attach to users and roles that call
// an API with IAM authorization: to send commands, to query views, to read
// events. They name routes, so that reading does not include the history.
func newCallerPolicies(scope constructs.Construct, prefix string, api API, views []View) {
	// A view in two versions is two tables under one path.
	views = slices.CompactFunc(slices.Clone(views), func(a, b View) bool { return a.Name == b.Name })
	callerPolicy(scope, "Write", "send commands to "+prefix, []string{api.invoke("POST", "/commands"), api.invoke("POST", "/commands/*")})
	callerPolicy(scope, "History", "read the events of "+prefix, []string{api.invoke("GET", "/streams/*"), api.invoke("HEAD", "/streams/*")})
	part := 0
	for views := range slices.Chunk(views, viewsPerPolicy) {
		part++
		id, reading := "Read", []string{
			api.invoke("GET", "/openapi.json"), api.invoke("GET", "/health"),
			api.invoke("GET", "/commands/*"), api.invoke("HEAD", "/commands/*"), // what became of a command
		}
		if part > 1 {
			id = "Read" + strconv.Itoa(part)
		}
		for _, view := range views {
			for _, method := range []string{"GET", "HEAD"} {
				reading = append(reading, api.invoke(method, "/"+view.Name), api.invoke(method, "/"+view.Name+"/*"))
			}
		}
		callerPolicy(scope, id, "query views of "+prefix, reading)
	}
}

// viewsPerPolicy keeps a policy within IAM's 6,144 characters: a view takes four
// ARNs of at most 110 characters.
const viewsPerPolicy = 12

func callerPolicy(scope constructs.Construct, id, meaning string, routes []string) {
	policy := awsiam.NewManagedPolicy(scope, jsii.String(id+"Policy"), &awsiam.ManagedPolicyProps{
		Description: jsii.String("Lets its holder " + meaning),
		Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:       jsii.String(id),
			Actions:   jsii.Strings("execute-api:Invoke"),
			Resources: jsii.Strings(routes...),
		})},
	})
	awscdk.NewCfnOutput(scope, jsii.String(id+"PolicyArn"), &awscdk.CfnOutputProps{
		Value: policy.ManagedPolicyArn(), Description: jsii.String("Attach it to whoever may " + meaning),
	})
}
