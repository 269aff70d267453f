package stack

import (
	v1 "github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/jsii-runtime-go"
)

// problems makes a REST API answer its own refusals as the functions do: RFC
// 9457 with a stable code. An HTTP API cannot.
func problems(api v1.RestApi) {
	add := func(id string, kind v1.ResponseType, status, code, title string) {
		body := problemBody(status, code, title)
		api.AddGatewayResponse(jsii.String(id), &v1.GatewayResponseOptions{
			Type:       kind,
			StatusCode: jsii.String(status),
			ResponseHeaders: &map[string]*string{
				"Content-Type":  jsii.String("'application/problem+json'"),
				"Cache-Control": jsii.String("'no-store'"),
			},
			Templates: &map[string]*string{
				"application/json":         jsii.String(body),
				"application/problem+json": jsii.String(body),
			},
		})
	}
	add("Unauthorized", v1.ResponseType_UNAUTHORIZED(), "401", "unauthenticated", "Who sends the request is not known")
	add("AccessDenied", v1.ResponseType_ACCESS_DENIED(), "403", "forbidden", "The sender may not do this")
	add("BadSignature", v1.ResponseType_INVALID_SIGNATURE(), "403", "forbidden", "The signature is wrong")
	add("Expired", v1.ResponseType_EXPIRED_TOKEN(), "403", "forbidden", "The credentials have expired")
	add("NoToken", v1.ResponseType_MISSING_AUTHENTICATION_TOKEN(), "403", "forbidden", "There is no such route, or the request is not signed")
	add("Throttled", v1.ResponseType_THROTTLED(), "429", "throttled", "Too many requests")
	add("TooLarge", v1.ResponseType_REQUEST_TOO_LARGE(), "413", "too-large", "The request is too large")
	add("Timeout", v1.ResponseType_INTEGRATION_TIMEOUT(), "504", "unavailable", "The function took too long")
	add("Failed", v1.ResponseType_INTEGRATION_FAILURE(), "502", "internal", "The function failed")
}

func problemBody(status, code, title string) string {
	return `{"type":"urn:daybook:problem:` + code + `","title":"` + title + `","status":` + status + `,"code":"` + code + `"}`
}
