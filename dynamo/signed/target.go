package signed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// target is where requests of one account go, and what they are signed for.
type target struct {
	account         string
	url             *url.URL
	headers         http.Header
	region, service string
}

// targetOf resolves the endpoint as the SDK does: once per account.
func (c *Client) targetOf(ctx context.Context, credentials *aws.Credentials) (*target, error) {
	account := credentials.AccountID
	o := &c.options
	switch o.AccountIDEndpointMode {
	case aws.AccountIDEndpointModeDisabled:
		account = ""
	case aws.AccountIDEndpointModeRequired:
		if account == "" {
			return nil, fmt.Errorf("invalid accountID set: %w", errors.New("accountID is required but not set"))
		}
	}
	if t := c.target.Load(); t != nil && t.account == account {
		return t, nil
	}
	t, err := resolve(ctx, o, account)
	if err == nil {
		c.target.Store(t)
	}
	return t, err
}

func resolve(ctx context.Context, o *dynamodb.Options, account string) (*target, error) {
	p := dynamodb.EndpointParameters{
		UseDualStack:          aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		UseFIPS:               aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		Endpoint:              o.BaseEndpoint,
		AccountIdEndpointMode: aws.String(string(o.AccountIDEndpointMode)),
	}
	if o.Region != "" {
		p.Region = &o.Region
	}
	if account != "" {
		p.AccountId = &account
	}
	found, err := o.EndpointResolverV2.ResolveEndpoint(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("failed to resolve service endpoint, %w", err)
	}
	t := &target{account: account, url: &found.URI, headers: found.Headers, region: o.Region, service: "dynamodb"}
	if t.url.Path = smithyhttp.JoinPath(t.url.Path, "/"); o.EndpointOptions.DisableHTTPS {
		t.url.Scheme = "http"
	}
	if err := smithyhttp.ValidateEndpointHost(t.url.Host); err != nil {
		return nil, err
	}
	options, _ := smithyauth.GetAuthOptions(&found.Properties)
	for _, option := range options {
		if region, ok := smithyhttp.GetSigV4SigningRegion(&option.SignerProperties); ok {
			t.region = region
		}
		if service, ok := smithyhttp.GetSigV4SigningName(&option.SignerProperties); ok {
			t.service = service
		}
	}
	return t, nil
}

// isARN reports whether a table is given by its ARN, which may name another
// account's endpoint: the SDK looks into it.
func isARN(table *string) bool { return table != nil && strings.HasPrefix(*table, "arn:") }
