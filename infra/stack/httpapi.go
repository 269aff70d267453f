package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	v2 "github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/api"
	"daybook/infra/settings"
)

// newHTTPAPI makes an HTTP API with its one stage, $default, so that paths have
// nothing in front. claim names the tenant; "" without tenants.
func newHTTPAPI(scope constructs.Construct, s settings.Settings, claim string, f Functions, routes []route, logs awslogs.LogGroup) API {
	props := &v2.HttpApiProps{
		ApiName:                   jsii.String(s.Prefix()),
		Description:               jsii.String("Commands and queries of " + s.Prefix()),
		CreateDefaultStage:        jsii.Bool(false),
		DisableExecuteApiEndpoint: jsii.Bool(s.DomainName != ""),
		CorsPreflight:             cors(s.CORSOrigins),
	}
	api := v2.NewHttpApi(scope, jsii.String("Http"), props)
	stage := httpStage(scope, s, claim, api, logs)
	integrations := make(map[string]v2.HttpRouteIntegration)
	authorizer := httpAuthorizer(s)
	for _, r := range routes {
		if integrations[r.function.Name] == nil {
			integrations[r.function.Name] = awsapigatewayv2integrations.NewHttpLambdaIntegration(
				jsii.String(title(r.function.Name)), r.function.live, nil)
		}
		api.AddRoutes(&v2.AddRoutesOptions{
			Path:                jsii.String(r.path),
			Methods:             &[]v2.HttpMethod{v2.HttpMethod(r.method)},
			Integration:         integrations[r.function.Name],
			Authorizer:          authorizer,
			AuthorizationScopes: scopes(s, r.access),
		})
	}
	if len(s.CORSOrigins) > 0 {
		// The gateway answers preflight requests by itself, but not where a route
		// for any method asks for authorization, which browsers send none with.
		api.AddRoutes(&v2.AddRoutesOptions{
			Path: jsii.String("/{proxy+}"), Methods: &[]v2.HttpMethod{v2.HttpMethod_OPTIONS},
			Integration: integrations[f.Query.Name], Authorizer: v2.NewHttpNoneAuthorizer(),
		})
	}
	dimensions := map[string]*string{"ApiId": api.ApiId()}
	a := API{
		invoke: func(method, path string) string {
			return *api.ArnForExecuteApi(jsii.String(method), jsii.String(path), jsii.String("$default"))
		},
		count:   apiMetric("Count", "Sum", 1, dimensions),
		hourly:  apiMetric("Count", "Sum", 60, dimensions),
		refused: apiMetric("4xx", "Sum", 1, dimensions),
		failed:  apiMetric("5xx", "Sum", 1, dimensions),
		latency: apiMetric("Latency", "p99", 1, dimensions),
	}
	if s.DomainName != "" {
		a.URL, a.Target = "https://"+s.DomainName, httpDomain(scope, s, api, stage)
		return a
	}
	a.URL = *api.ApiEndpoint()
	return a
}

func httpStage(scope constructs.Construct, s settings.Settings, claim string, api v2.HttpApi, logs awslogs.LogGroup) v2.HttpStage {
	stage := v2.NewHttpStage(scope, jsii.String("HttpStage"), &v2.HttpStageProps{
		HttpApi:                api,
		StageName:              jsii.String("$default"),
		AutoDeploy:             jsii.Bool(true),
		DetailedMetricsEnabled: jsii.Bool(true),
		Throttle:               &v2.ThrottleSettings{RateLimit: jsii.Number(s.ThrottleRate), BurstLimit: jsii.Number(s.ThrottleBurst)},
	})
	stage.Node().DefaultChild().(v2.CfnStage).SetAccessLogSettings(&v2.CfnStage_AccessLogSettingsProperty{
		DestinationArn: logs.LogGroupArn(),
		Format: accessLog(caller(s, claim, "route", "$context.routeKey", "authorization", "$context.authorizer.error",
			"integration", "$context.integrationErrorMessage")...).ToString(),
	})
	return stage
}

func httpAuthorizer(s settings.Settings) v2.IHttpRouteAuthorizer {
	switch s.Authorization {
	case settings.JWT:
		return awsapigatewayv2authorizers.NewHttpJwtAuthorizer(jsii.String("Jwt"), jsii.String(s.JWTIssuer),
			&awsapigatewayv2authorizers.HttpJwtAuthorizerProps{JwtAudience: jsii.Strings(s.JWTAudience...)})
	case settings.None:
		return v2.NewHttpNoneAuthorizer()
	default:
		return awsapigatewayv2authorizers.NewHttpIamAuthorizer()
	}
}

// cors lets web pages of the origins call the API with the headers that the API
// knows. Cookies are never sent along: no kind of authorization here uses them.
func cors(origins []string) *v2.CorsPreflightOptions {
	if len(origins) == 0 {
		return nil
	}
	return &v2.CorsPreflightOptions{
		AllowOrigins:  jsii.Strings(origins...),
		AllowMethods:  &[]v2.CorsHttpMethod{v2.CorsHttpMethod_GET, v2.CorsHttpMethod_POST},
		AllowHeaders:  jsii.Strings(append(api.RequestHeaders(), api.AuthorizationHeaders()...)...),
		ExposeHeaders: jsii.Strings(api.AnswerHeaders()...),
		MaxAge:        awscdk.Duration_Hours(jsii.Number(1)),
	}
}

// httpDomain puts a domain name of one's own before the API.
func httpDomain(scope constructs.Construct, s settings.Settings, api v2.HttpApi, stage v2.HttpStage) string {
	domain := v2.NewDomainName(scope, jsii.String("Domain"), &v2.DomainNameProps{
		DomainName:     jsii.String(s.DomainName),
		Certificate:    certificate(scope, s.Certificate),
		SecurityPolicy: v2.SecurityPolicy_TLS_1_2,
	})
	v2.NewApiMapping(scope, jsii.String("DomainMapping"), &v2.ApiMappingProps{Api: api, DomainName: domain, Stage: stage})
	return strings.TrimSuffix(*domain.RegionalDomainName(), "/")
}
