package stack

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/aggregate"
)

// newCallerPolicies makes policies to attach to users and roles that call an API with
// IAM authorization: to send commands, to send those of each scope, to query views, to
// read events. They name routes, so that reading does not include the history, and
// sending commands none that needs a scope.
func newCallerPolicies(scope constructs.Construct, prefix string, api API, commands []aggregate.Description, views []View) {
	newSenderPolicies(scope, prefix, api, commands)
	// A view in two versions is two tables under one path.
	views = slices.CompactFunc(slices.Clone(views), func(a, b View) bool { return a.Name == b.Name })
	callerPolicy(scope, "History", "read the events of "+prefix, []string{api.invoke("GET", "/streams/*"), api.invoke("HEAD", "/streams/*")})
	part := 0
	for views := range slices.Chunk(views, viewsPerPolicy) {
		part++
		id, reading := numbered("Read", part), []string{
			api.invoke("GET", "/openapi.json"), api.invoke("GET", "/asyncapi.json"), api.invoke("GET", "/health"),
			api.invoke("GET", "/commands/*"), api.invoke("HEAD", "/commands/*"), // the outcome of a command
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

// commandsPerPolicy does so for commands: each takes one ARN of at most 146 characters.
const commandsPerPolicy = 40

// newSenderPolicies makes the policies to send commands. A wildcard would include the
// commands that need a scope, so with one of these all others are named.
func newSenderPolicies(scope constructs.Construct, prefix string, api API, commands []aggregate.Description) {
	byScope := map[string][]string{}
	for _, c := range commands {
		byScope[c.Scope] = append(byScope[c.Scope], api.invoke("POST", "/commands/"+c.Name))
	}
	open := byScope[""]
	delete(byScope, "")
	if len(byScope) == 0 {
		open = []string{api.invoke("POST", "/commands/*")}
	}
	policies := func(id, meaning string, routes []string) {
		part := 0
		for routes := range slices.Chunk(routes, commandsPerPolicy) {
			part++
			callerPolicy(scope, numbered(id, part), meaning, routes)
		}
	}
	policies("Write", "send commands to "+prefix, append([]string{api.invoke("POST", "/commands")}, open...))
	for _, name := range slices.Sorted(maps.Keys(byScope)) {
		id := strings.Map(func(r rune) rune {
			if strings.ContainsRune(".:/_", r) {
				return '-'
			}
			return r
		}, name)
		policies("Scope"+title(id), "send the commands of "+prefix+" that need the scope "+name, byScope[name])
	}
}

// numbered is the id of a part of a policy that is too long for one.
func numbered(id string, part int) string {
	if part > 1 {
		id += strconv.Itoa(part)
	}
	return id
}

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
		Value: policy.ManagedPolicyArn(), Description: jsii.String("Attach it to callers that may " + meaning),
	})
}
