package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/aggregate"
	"daybook/infra/settings"
)

// API is a deployed API of either kind, as the rest of the stack needs it.
type API struct {
	URL string // without a slash at the end
	// Target is the name that a DNS record of the domain name points to; ""
	// without a domain name of one's own.
	Target string
	// invoke is the ARN that a caller's policy names for a method and path, in
	// which "*" stands for one or more characters.
	invoke func(method, path string) string
	// metrics of the whole API: requests, refusals, faults, latency.
	count, refused, failed, latency awscloudwatch.IMetric
	// hourly are the requests of an hour.
	hourly awscloudwatch.IMetric
}

// NewAPI makes the API that the settings ask for. Of the commands it looks at those
// that need a scope. tenantClaim names the tenant; "" without tenants.
func NewAPI(scope constructs.Construct, s settings.Settings, f Functions, commands []aggregate.Description, tenantClaim string, key Key) API {
	logs := NewLogGroup(scope, "AccessLogs", s.Prefix(), "access", s.LogRetention, key)
	if s.API == settings.REST {
		return newRESTAPI(scope, s, tenantClaim, f.routes(s, commands), logs)
	}
	return newHTTPAPI(scope, s, tenantClaim, f, f.routes(s, commands), logs)
}

// apiMetric is a metric of API Gateway.
func apiMetric(name, statistic string, period int, dimensions map[string]*string) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/ApiGateway"), MetricName: jsii.String(name), DimensionsMap: &dimensions,
		Statistic: jsii.String(statistic), Period: minutes(period),
	})
}

func certificate(scope constructs.Construct, arn string) awscertificatemanager.ICertificate {
	return awscertificatemanager.Certificate_FromCertificateArn(scope, jsii.String("Certificate"), jsii.String(arn))
}
