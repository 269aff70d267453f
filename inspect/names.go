package inspect

import (
	"daybook"
	"daybook/events"
)

// TenantFlag is how an operator says a tenant, in messages.
const TenantFlag = "-tenant or DAYBOOK_TENANT"

// StreamNamed reads a stream's name as an operator or an agent writes it: user/7 of the
// tenant that TenantFlag says, "" for none, or in full, acme:user/7. Codes: malformed for
// what is not the name of a stream, or contradicts the flag or the application;
// tenant-required where nothing says a tenant.
func StreamNamed(app daybook.App, text, tenant string) (events.Stream, error) {
	stream, err := events.ParseStored(text)
	if err != nil {
		return "", events.Errorf(events.CodeMalformed, "%q is not the name of a stream: write AGGREGATE/ID", text)
	}
	switch named := stream.Tenant(); {
	case named != "" && !app.Tenancy.On():
		return "", events.Errorf(events.CodeMalformed, "%s: %s has no tenants: write %s", text, app.Name, stream.In(""))
	case named != "" && tenant != "" && named != tenant:
		return "", OtherTenant(text+" is a stream of tenant "+named, TenantFlag, tenant)
	case named == "" && tenant == "" && app.Tenancy.On():
		return "", events.Errorf(events.CodeTenantRequired, "%s: %s has tenants: name one with -tenant, or write TENANT:%s", text, app.Name, text)
	case named == "":
		return stream.In(tenant), nil
	}
	return stream, nil
}

// OtherTenant is the error, of code malformed, of what names another tenant than a source
// says.
func OtherTenant(what, source, tenant string) error {
	return events.Errorf(events.CodeMalformed, "%s, and %s says %s: leave out one of them", what, source, tenant)
}
