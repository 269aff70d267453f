package signed

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"daybook/internal/signedhttp"
)

// target is where calls of one account go.
type target struct {
	signedhttp.Target

	account string
}

// locate resolves the endpoint as the SDK does: once per account.
func (c *Client) locate(ctx context.Context, credentials *aws.Credentials) (*signedhttp.Target, error) {
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
	t := c.target.Load()
	if t == nil || t.account != account {
		var err error
		if t, err = resolve(ctx, o, account); err != nil {
			return nil, err
		}
		c.target.Store(t)
	}
	return &t.Target, nil
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
	t := &target{account: account, Target: signedhttp.Target{URL: &found.URI, Header: found.Headers, Region: o.Region, Service: "dynamodb"}}
	if t.URL.Path = smithyhttp.JoinPath(t.URL.Path, "/"); o.EndpointOptions.DisableHTTPS {
		t.URL.Scheme = "http"
	}
	if err := smithyhttp.ValidateEndpointHost(t.URL.Host); err != nil {
		return nil, err
	}
	options, _ := smithyauth.GetAuthOptions(&found.Properties)
	for _, option := range options {
		if region, ok := smithyhttp.GetSigV4SigningRegion(&option.SignerProperties); ok {
			t.Region = region
		}
		if service, ok := smithyhttp.GetSigV4SigningName(&option.SignerProperties); ok {
			t.Service = service
		}
	}
	return t, nil
}

// isARN reports whether a table is given by its ARN, which may name another
// account's endpoint: the SDK looks into it.
func isARN(table *string) bool { return table != nil && strings.HasPrefix(*table, "arn:") }
