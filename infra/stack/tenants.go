package stack

import (
	"fmt"
	"regexp"

	"github.com/aws/jsii-runtime-go"

	"daybook/infra/settings"
)

// mappable is a claim's name that a REST API's mapping expression can hold.
var mappable = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// CheckTenancy reports whether callers of a deployment can have tenants, as the
// application declares: claim names the tenant, and "" is an application without tenants.
func CheckTenancy(claim string, s settings.Settings) error {
	switch {
	case claim == "" && s.TenantIsolation:
		return fmt.Errorf("tenantIsolation: the application has no tenants: set App.Tenancy, or leave the setting out")
	case claim == "" || s.Functions == settings.NoFunctions:
		return nil
	case s.Authorization != settings.JWT:
		return fmt.Errorf("App.Tenancy: the tenant is the claim %q of a verified token, and authorization=%s verifies none, so every request would be refused: use authorization=jwt and jwtIssuer", claim, s.Authorization)
	case s.TenantIsolation && !mappable.MatchString(claim):
		return fmt.Errorf("tenantIsolation: API Gateway can't hand the claim %q to Lambda: let the issuer write the tenant into a claim of letters, digits, _ and -", claim)
	}
	return nil
}

// tenantHeader lets a REST API tell Lambda whose request it is: the header of the
// invocation is the verified claim, whatever headers the client sends. It is nil unless
// Lambda isolates tenants.
func tenantHeader(s settings.Settings, claim string) *map[string]*string {
	if !s.TenantIsolation {
		return nil
	}
	return &map[string]*string{"integration.request.header.X-Amz-Tenant-Id": jsii.String("context.authorizer.claims." + claim)}
}
