package stack_test

import (
	"strings"
	"testing"

	"daybook"
	"daybook/functions/names"
	"daybook/infra/settings"
	"daybook/infra/stack"
	"daybook/internal/testdomain"
)

// tenantApp is an application with tenants and a process manager.
func tenantApp() daybook.App {
	return daybook.App{Name: "daybook", Views: testdomain.Views(), Processes: following(), Tenancy: daybook.Tenancy{Claim: "org_id"}}
}

// TestTenantsNeedTokens: a deployment where no caller can have a tenant is refused, with
// the setting that mends it.
func TestTenantsNeedTokens(t *testing.T) {
	t.Parallel()
	jwt := `"authorization":"jwt","jwtIssuer":"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1Cd2Ef3","account":"123456789012","region":"eu-central-1"`
	for _, c := range []struct{ claim, context, want string }{
		{"", `{}`, ""},
		{"org_id", `{}`, "use authorization=jwt"},
		{"org_id", `{"authorization":"none"}`, "use authorization=jwt"},
		{"org_id", `{"functions":"none"}`, ""},
		{"org_id", `{"api":"rest",` + jwt + `}`, ""},
		{"custom:org", `{"api":"rest",` + jwt + `}`, ""},
		{"custom:org", `{"api":"rest","tenantIsolation":true,` + jwt + `}`, `can't hand the claim "custom:org" to Lambda`},
		{"", `{"api":"rest","tenantIsolation":true,` + jwt + `}`, "the application has no tenants"},
	} {
		s, err := settings.Load("daybook", []byte(c.context), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := stack.CheckTenancy(c.claim, s); (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("claim %q, %s: %v", c.claim, c.context, err)
		}
	}
}

// TestProcessesOfTenants: the tenant comes first in a stream's name, so the process
// function gets all commits.
func TestProcessesOfTenants(t *testing.T) {
	t.Parallel()
	needNode(t)
	context := contextOf(t, "http-jwt")
	synthesizing.Lock()
	tpl := synthApp(t, "tenants", context, nil, tenantApp())
	synthesizing.Unlock()
	filters := 0
	for _, id := range tpl.ids("AWS::Lambda::EventSourceMapping") {
		criteria := tpl.text(tpl.Resources[id].Properties["FilterCriteria"])
		if strings.Contains(criteria, "INSERT") {
			filters++
		}
		if strings.Contains(criteria, "prefix") {
			t.Errorf("%s has the filter %s", id, criteria)
		}
	}
	if !strings.Contains(tpl.Raw, `\"tenant\":\"$context.authorizer.claims.org_id\"`) {
		t.Error("access logs don't say the tenant")
	}
	if filters != 2 || strings.Contains(tpl.Raw, "TenancyConfig") || strings.Contains(tpl.Raw, "X-Amz-Tenant-Id") {
		t.Errorf("%d mappings of the events table filter; isolation was not asked for", filters)
	}
}

// TestIsolatedTenants: Lambda keeps the tenants of the command and the query function
// apart by the verified claim, and queued commands, timers among them, go to a function
// that an event source may feed.
func TestIsolatedTenants(t *testing.T) {
	t.Parallel()
	needNode(t)
	context := strings.Replace(contextOf(t, "rest-jwt"), "{", `{"tenantIsolation": true, "rollout": "canary", `, 1)
	synthesizing.Lock()
	tpl := synthApp(t, "isolated", context, nil, tenantApp())
	synthesizing.Unlock()
	prefix := tpl.Settings.Prefix()
	isolated := map[string]bool{}
	for _, id := range tpl.ids("AWS::Lambda::Function") {
		p := tpl.Resources[id].Properties
		isolated[tpl.text(p["FunctionName"])] = at(p, "TenancyConfig", "TenantIsolationMode") == "PER_TENANT"
	}
	for name, want := range map[string]bool{
		"-" + names.Command + "-isolated": true, "-" + names.Query + "-isolated": true,
		"-queue": false, "-" + names.Projector: false, "-" + names.Process: false,
	} {
		if got, ok := isolated[prefix+name]; !ok || got != want {
			t.Errorf("%s%s: there %t, isolated %t", prefix, name, ok, got)
		}
	}
	for _, id := range tpl.ids("AWS::Lambda::EventSourceMapping") {
		if target := tpl.text(tpl.Resources[id].Properties["FunctionName"]); strings.Contains(target, "Command") || strings.Contains(target, "Query") {
			t.Errorf("%s feeds the isolated function %s", id, target)
		}
	}
	methods := 0
	for _, id := range tpl.ids("AWS::ApiGateway::Method") {
		methods++
		p := tpl.Resources[id].Properties
		parameters, _ := at(p, "Integration", "RequestParameters").(object)
		if p["AuthorizationType"] != "COGNITO_USER_POOLS" || parameters["integration.request.header.X-Amz-Tenant-Id"] != "context.authorizer.claims.org_id" {
			t.Errorf("%s: %v, %v", id, p["AuthorizationType"], parameters)
		}
	}
	if methods == 0 || len(isolated) != 5 {
		t.Errorf("%d methods, functions %v", methods, isolated)
	}
	if got := tpl.grants("queue"); len(got) == 0 {
		t.Error("the queue function may do nothing")
	}
}
