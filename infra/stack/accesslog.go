package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"

	"daybook/infra/settings"
)

// accessLog is one JSON object a request. It names the route, not the path or
// the query, which hold ids and values. Both kinds of API know these variables.
func accessLog(variables ...string) awsapigateway.AccessLogFormat {
	line := `{"requestId":"$context.requestId","time":"$context.requestTime","ip":"$context.identity.sourceIp",` +
		`"method":"$context.httpMethod","status":"$context.status","protocol":"$context.protocol",` +
		`"bytes":"$context.responseLength","latency":"$context.responseLatency",` +
		`"functionLatency":"$context.integrationLatency","error":"$context.error.message"`
	for i := 0; i+1 < len(variables); i += 2 {
		line += `,"` + variables[i] + `":"` + variables[i+1] + `"`
	}
	return awsapigateway.AccessLogFormat_Custom(ptr(line + "}"))
}

// caller adds whose request it is, where claim names the tenant, and who sent it, where
// the settings ask for that: the token's subject or the ARN of the IAM identity. The
// latter is personal data in most countries.
func caller(s settings.Settings, claim string, variables ...string) []string {
	if mappable.MatchString(claim) {
		variables = append(variables, "tenant", "$context.authorizer.claims."+claim)
	}
	if !s.AccessLogCaller {
		return variables
	}
	switch s.Authorization {
	case settings.IAM:
		return append(variables, "caller", "$context.identity.userArn")
	case settings.JWT:
		return append(variables, "caller", "$context.authorizer.claims.sub")
	}
	return variables
}

func ptr[T any](v T) *T { return &v }
