package stack_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"daybook/api"
	"daybook/infra/settings"
)

// endpoint is a route of either kind of API.
type endpoint struct {
	key, function, authorization, authorizer string
	scopes                                   []string
}

// endpoints are all routes of the template's API, by "METHOD /path".
func (tpl *template) endpoints(t *testing.T) map[string]endpoint {
	t.Helper()
	all := make(map[string]endpoint)
	for _, id := range tpl.ids("AWS::ApiGatewayV2::Route") {
		p := tpl.Resources[id].Properties
		integration, _ := at(p, "Target", "Fn::Join", 1, 1, "Ref").(string)
		e := endpoint{
			key: p["RouteKey"].(string), authorization: p["AuthorizationType"].(string), authorizer: tpl.text(p["AuthorizerId"]),
			function: tpl.text(tpl.Resources[integration].Properties["IntegrationUri"]),
			scopes:   scopesOf(tpl, p),
		}
		all[e.key] = e
	}
	for _, id := range tpl.ids("AWS::ApiGateway::Method") {
		p := tpl.Resources[id].Properties
		e := endpoint{
			key: p["HttpMethod"].(string) + " " + cmp.Or(tpl.path(p["ResourceId"]), "/"), authorization: p["AuthorizationType"].(string),
			authorizer: tpl.text(p["AuthorizerId"]), function: tpl.text(at(p, "Integration", "Uri")), scopes: scopesOf(tpl, p),
		}
		all[e.key] = e
	}
	return all
}

func scopesOf(tpl *template, p object) []string {
	if p["AuthorizationScopes"] == nil {
		return nil
	}
	return tpl.texts(p["AuthorizationScopes"])
}

// path is the whole path of a REST resource.
func (tpl *template) path(ref any) string {
	id, ok := at(ref, "Ref").(string)
	if !ok {
		return "" // the root
	}
	p := tpl.Resources[id].Properties
	return tpl.path(p["ParentId"]) + "/" + p["PathPart"].(string)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		s := tpl.Settings
		got := tpl.endpoints(t)
		want := map[string][2]string{ // function and scope
			"POST /commands":           {"command", s.WriteScope},
			"POST /commands/{command}": {"command", s.WriteScope},
			"ANY /commands":            {"query", s.ReadScope},
			"ANY /commands/{command}":  {"query", s.ReadScope},
			"ANY /":                    {"query", s.ReadScope},
			"ANY /{proxy+}":            {"query", s.ReadScope},
			"ANY /streams/{proxy+}":    {"query", s.HistoryScope},
		}
		for key, w := range want {
			e, ok := got[key]
			if !ok {
				t.Errorf("there is no route %s among %v", key, sorted(got))
				continue
			}
			if !strings.Contains(e.function, "<"+s.Prefix()+"-"+w[0]+">") {
				t.Errorf("%s invokes %s, want %s", key, e.function, w[0])
			}
			authorized(t, tpl, e, w[1])
		}
		if preflight, ok := got["OPTIONS /{proxy+}"]; len(s.CORSOrigins) > 0 {
			if !ok || preflight.authorization != "NONE" {
				t.Error("browsers can't ask for CORS")
			}
			delete(got, "OPTIONS /{proxy+}")
		}
		if len(got) != len(want) {
			t.Errorf("routes = %v, want %v", sorted(got), sorted(want))
		}
	})
}

// authorized checks that a route asks for what the settings say.
func authorized(t *testing.T, tpl *template, e endpoint, scope string) {
	t.Helper()
	kind := map[settings.Authorization]map[settings.API]string{
		settings.IAM:  {settings.HTTP: "AWS_IAM", settings.REST: "AWS_IAM"},
		settings.JWT:  {settings.HTTP: "JWT", settings.REST: "COGNITO_USER_POOLS"},
		settings.None: {settings.HTTP: "NONE", settings.REST: "NONE"},
	}[tpl.Settings.Authorization][tpl.Settings.API]
	if e.authorization != kind {
		t.Errorf("%s: authorization %s, want %s", e.key, e.authorization, kind)
	}
	if tpl.Settings.Authorization == settings.JWT {
		if !slices.Equal(e.scopes, []string{scope}) {
			t.Errorf("%s: scopes %v, want %s", e.key, e.scopes, scope)
		}
		if !strings.Contains(e.authorizer, "Authorizer") {
			t.Errorf("%s: authorizer %s", e.key, e.authorizer)
		}
	}
}

func TestJWTAuthorizer(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-jwt")
	p := tpl.only(t, "AWS::ApiGatewayV2::Authorizer").Properties
	same(t, tpl, "issuer", at(p, "JwtConfiguration", "Issuer"), "https://id.shop.example/")
	same(t, tpl, "audience", at(p, "JwtConfiguration", "Audience"), "shop-web,shop-app")
	same(t, tpl, "token", p["IdentitySource"], "$request.header.Authorization")
	tpl = variant(t, "rest-jwt")
	p = tpl.only(t, "AWS::ApiGateway::Authorizer").Properties
	same(t, tpl, "kind", p["Type"], "COGNITO_USER_POOLS")
	same(t, tpl, "pool", p["ProviderARNs"], "arn:<AWS::Partition>:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Ab1Cd2Ef3")
}

func TestStage(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		s := tpl.Settings
		kind, limits, destination, format := "AWS::ApiGatewayV2::Stage", []any{"DefaultRouteSettings"}, "AccessLogSettings", "$context.routeKey"
		if s.API == settings.REST {
			kind, limits, destination, format = "AWS::ApiGateway::Stage", []any{"MethodSettings", 0}, "AccessLogSetting", "$context.resourcePath"
		}
		p := tpl.only(t, kind).Properties
		same(t, tpl, "rate", at(at(p, limits...), "ThrottlingRateLimit"), fmt.Sprint(s.ThrottleRate))
		same(t, tpl, "burst", at(at(p, limits...), "ThrottlingBurstLimit"), fmt.Sprint(s.ThrottleBurst))
		same(t, tpl, "access log", at(p, destination, "DestinationArn"), "</"+s.Prefix()+"/access>.Arn")
		line := tpl.text(at(p, destination, "Format"))
		for _, variable := range []string{"$context.requestId", "$context.status", format} {
			if !strings.Contains(line, variable) {
				t.Errorf("the access log lacks %s", variable)
			}
		}
		for _, secret := range []string{"$context.path", "queryString", "authorizer.claims", "$input"} {
			if strings.Contains(line, secret+"\"") {
				t.Errorf("the access log has %s", secret)
			}
		}
		if s.API == settings.REST {
			same(t, tpl, "payloads in the log", at(p, "MethodSettings", 0, "DataTraceEnabled"), "false")
			same(t, tpl, "traces", p["TracingEnabled"], fmt.Sprint(s.Tracing))
		}
	})
}

// Without the setting no web page of another origin may call the API.
func TestCORS(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		if len(tpl.Settings.CORSOrigins) == 0 {
			if strings.Contains(tpl.Raw, "Access-Control") || strings.Contains(tpl.Raw, "CorsConfiguration") {
				t.Error("CORS is on")
			}
			return
		}
		cors := at(tpl.only(t, "AWS::ApiGatewayV2::Api").Properties, "CorsConfiguration")
		same(t, tpl, "origins", at(cors, "AllowOrigins"), strings.Join(tpl.Settings.CORSOrigins, ","))
		same(t, tpl, "methods", at(cors, "AllowMethods"), "GET,POST")
		same(t, tpl, "headers of answers", at(cors, "ExposeHeaders"), strings.Join(api.AnswerHeaders(), ","))
		for _, header := range append(api.RequestHeaders(), "Authorization", "X-Amz-Date") {
			if !slices.Contains(tpl.texts(at(cors, "AllowHeaders")), header) {
				t.Errorf("a web page may not send %s", header)
			}
		}
		if at(cors, "AllowCredentials") == true {
			t.Error("cookies are sent along")
		}
	})
}

func TestDomainName(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		s := tpl.Settings
		api, domain := "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::DomainName"
		if s.API == settings.REST {
			api, domain = "AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainName"
		}
		off := tpl.text(tpl.only(t, api).Properties["DisableExecuteApiEndpoint"])
		if s.DomainName == "" {
			if ids := tpl.ids(domain); len(ids) > 0 || off == "true" {
				t.Errorf("domain names %v, the API's own address is off: %s", ids, off)
			}
			return
		}
		if off != "true" {
			t.Error("the API's own address goes around the domain name")
		}
		p := tpl.only(t, domain).Properties
		same(t, tpl, "domain name", p["DomainName"], s.DomainName)
		same(t, tpl, "URL", tpl.Outputs["ApiUrl"]["Value"], "https://"+s.DomainName)
		if !strings.Contains(tpl.text(p), "TLS_1_2") {
			t.Errorf("TLS below 1.2: %v", p)
		}
		if tpl.Outputs["DomainTarget"] == nil {
			t.Error("no output tells what the DNS record points to")
		}
	})
}

// A REST API's own refusals are problems with a code, as the functions' are.
func TestProblems(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "rest-iam")
	for _, kind := range []string{"UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED", "REQUEST_TOO_LARGE", "MISSING_AUTHENTICATION_TOKEN", "INTEGRATION_TIMEOUT"} {
		p := tpl.named(t, "AWS::ApiGateway::GatewayResponse", "ResponseType", kind).Properties
		same(t, tpl, kind+" content type", at(p, "ResponseParameters", "gatewayresponse.header.Content-Type"), "'application/problem+json'")
		body := tpl.text(at(p, "ResponseTemplates", "application/json"))
		if !strings.Contains(body, `"code":"`) || !strings.Contains(body, `"status":`+p["StatusCode"].(string)) {
			t.Errorf("%s answers %s", kind, body)
		}
	}
}

func TestCallerPolicies(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		got := make(map[string][]string)
		for _, s := range tpl.statements() {
			if s.kind == "AWS::IAM::ManagedPolicy" {
				for _, r := range s.resources {
					_, path, _ := strings.Cut(r, ">/")
					got[s.sid] = append(got[s.sid], path)
				}
			}
		}
		if tpl.Settings.Authorization != settings.IAM {
			if len(got) > 0 {
				t.Errorf("policies for callers that need none: %v", got)
			}
			return
		}
		stage := "$default"
		if tpl.Settings.API == settings.REST {
			stage = tpl.Settings.Stage
		}
		reading := []string{stage + "/GET/openapi.json", stage + "/GET/asyncapi.json", stage + "/GET/health", stage + "/GET/commands/*", stage + "/HEAD/commands/*"}
		for _, v := range tpl.Schema.Views {
			reading = append(reading, stage+"/GET/"+v.Name, stage+"/GET/"+v.Name+"/*", stage+"/HEAD/"+v.Name, stage+"/HEAD/"+v.Name+"/*")
		}
		want := map[string][]string{
			"Write": {stage + "/POST/commands", stage + "/POST/commands/*"}, "History": {stage + "/GET/streams/*", stage + "/HEAD/streams/*"}, "Read": reading,
		}
		for sid, paths := range want {
			slices.Sort(paths)
			paths = slices.Compact(paths) // a view may have tables of several versions
			slices.Sort(got[sid])
			if !slices.Equal(got[sid], paths) {
				t.Errorf("%s allows %v, want %v", sid, got[sid], paths)
			}
		}
	})
}
