package dynamo

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// endpoints remembers where requests go. The SDK works it out anew for every
// request, a tenth of what a small request costs in processor time, and it is
// always the same but for a change of credentials to another account's. It is
// safe for concurrent use.
type endpoints struct {
	resolver dynamodb.EndpointResolverV2
	known    sync.Map // endpointKey to smithyendpoints.Endpoint, which nobody changes
}

// endpointKey is what an endpoint depends on, for tables that are named.
type endpointKey struct {
	region, endpoint, account, mode string
	dualStack, fips, search         bool
}

// ResolveEndpoint implements dynamodb.EndpointResolverV2.
func (e *endpoints) ResolveEndpoint(ctx context.Context, p dynamodb.EndpointParameters) (smithyendpoints.Endpoint, error) {
	if isARN(value(p.ResourceArn)) || slices.ContainsFunc(p.ResourceArnList, isARN) {
		return e.resolver.ResolveEndpoint(ctx, p) // it may name an account
	}
	key := endpointKey{
		region: value(p.Region), endpoint: value(p.Endpoint), account: value(p.AccountId), mode: value(p.AccountIdEndpointMode),
		dualStack: value(p.UseDualStack), fips: value(p.UseFIPS), search: value(p.IsSearchOperation),
	}
	if known, ok := e.known.Load(key); ok {
		return known.(smithyendpoints.Endpoint), nil
	}
	found, err := e.resolver.ResolveEndpoint(ctx, p)
	if err == nil {
		e.known.Store(key, found)
	}
	return found, err
}

func isARN(table string) bool { return strings.HasPrefix(table, "arn:") }
