package dynamo

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// counted is the SDK's resolver, counted.
type counted struct {
	dynamodb.EndpointResolverV2
	calls int
	err   error
}

func (c *counted) ResolveEndpoint(ctx context.Context, p dynamodb.EndpointParameters) (smithyendpoints.Endpoint, error) {
	c.calls++
	if c.err != nil {
		return smithyendpoints.Endpoint{}, c.err
	}
	return c.EndpointResolverV2.ResolveEndpoint(ctx, p)
}

// TestEndpoints: what is remembered is what the SDK says, for everything that an
// endpoint depends on; and a fault is not remembered.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	plain := dynamodb.NewDefaultEndpointResolverV2()
	c := &counted{EndpointResolverV2: plain}
	e := &endpoints{resolver: c}
	parameters := func(change func(p *dynamodb.EndpointParameters)) dynamodb.EndpointParameters {
		p := dynamodb.EndpointParameters{
			Region: ptr("eu-west-1"), UseDualStack: ptr(false), UseFIPS: ptr(false), ResourceArn: ptr("daybook-test-events"),
		}
		change(&p)
		return p
	}
	arn := func(account string) *string { return ptr("arn:aws:dynamodb:eu-west-1:" + account + ":table/events") }
	for name, test := range map[string]struct {
		parameters dynamodb.EndpointParameters
		calls      int // of two
	}{
		"region":         {parameters(func(*dynamodb.EndpointParameters) {}), 1},
		"another region": {parameters(func(p *dynamodb.EndpointParameters) { p.Region = ptr("us-east-1") }), 1},
		"dual stack":     {parameters(func(p *dynamodb.EndpointParameters) { p.UseDualStack = ptr(true) }), 1},
		"FIPS":           {parameters(func(p *dynamodb.EndpointParameters) { p.UseFIPS = ptr(true) }), 1},
		"own":            {parameters(func(p *dynamodb.EndpointParameters) { p.Endpoint = ptr("http://127.0.0.1:8000") }), 1},
		"account": {parameters(func(p *dynamodb.EndpointParameters) {
			p.AccountId, p.AccountIdEndpointMode = ptr("111122223333"), ptr("preferred")
		}), 1},
		"another account": {parameters(func(p *dynamodb.EndpointParameters) {
			p.AccountId, p.AccountIdEndpointMode = ptr("444455556666"), ptr("preferred")
		}), 1},
		"a table by its ARN": {parameters(func(p *dynamodb.EndpointParameters) {
			p.AccountIdEndpointMode, p.ResourceArn = ptr("preferred"), arn("111122223333")
		}), 2},
		"tables by their ARNs": {parameters(func(p *dynamodb.EndpointParameters) {
			p.AccountIdEndpointMode, p.ResourceArnList = ptr("preferred"), []string{*arn("444455556666")}
		}), 2},
	} {
		want, err := plain.ResolveEndpoint(t.Context(), test.parameters)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := c.calls
		for range 2 {
			got, err := e.ResolveEndpoint(t.Context(), test.parameters)
			if err != nil || got.URI != want.URI {
				t.Errorf("%s: %v, %v; want %v", name, got.URI, err, want.URI)
			}
		}
		if calls := c.calls - before; calls != test.calls {
			t.Errorf("%s: resolved %d times, want %d", name, calls, test.calls)
		}
	}
	c.err = errors.New("injected")
	elsewhere := parameters(func(p *dynamodb.EndpointParameters) { p.Region = ptr("ap-south-1") })
	if _, err := e.ResolveEndpoint(t.Context(), elsewhere); !errors.Is(err, c.err) {
		t.Errorf("a fault: %v", err)
	}
	c.err = nil
	if _, err := e.ResolveEndpoint(t.Context(), elsewhere); err != nil {
		t.Errorf("after a fault: %v", err)
	}
}
