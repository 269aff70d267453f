package partition

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Endpoint returns the URL of a service in a region: "https://sqs.cn-north-1.amazonaws.com.cn"
// for "sqs". A region that the SDK does not know gets the domain that its rules
// give by the name's form.
func Endpoint(service, region string) string {
	return "https://" + service + "." + region + "." + Domain(region)
}

// Domain returns the domain of a region's services: "amazonaws.com.cn".
func Domain(region string) string {
	e, err := dynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), dynamodb.EndpointParameters{
		Region: &region, UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false),
	})
	if domain, ok := strings.CutPrefix(e.URI.Host, "dynamodb."+region+"."); err == nil && ok {
		return domain
	}
	return "amazonaws.com"
}
