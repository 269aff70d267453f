package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	v1 "github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/infra/settings"
)

// newRESTAPI makes a REST API with one stage, named after the setting stage. claim names
// the tenant; "" without tenants.
func newRESTAPI(scope constructs.Construct, s settings.Settings, claim string, routes []route, logs awslogs.LogGroup) API {
	props := &v1.RestApiProps{
		RestApiName:               jsii.String(s.Prefix()),
		Description:               jsii.String("Commands and queries of " + s.Prefix()),
		EndpointTypes:             &[]v1.EndpointType{v1.EndpointType_REGIONAL},
		CloudWatchRole:            jsii.Bool(false), // restLogRole makes it
		DisableExecuteApiEndpoint: jsii.Bool(s.DomainName != ""),
		DeployOptions: &v1.StageOptions{
			StageName:            jsii.String(s.Stage),
			ThrottlingRateLimit:  jsii.Number(s.ThrottleRate),
			ThrottlingBurstLimit: jsii.Number(s.ThrottleBurst),
			MetricsEnabled:       jsii.Bool(true),
			LoggingLevel:         v1.MethodLoggingLevel_ERROR,
			DataTraceEnabled:     jsii.Bool(false), // would log payloads
			TracingEnabled:       jsii.Bool(s.Tracing),
			AccessLogDestination: v1.NewLogGroupLogDestination(logs),
			AccessLogFormat: accessLog(caller(s, claim, "route", "$context.resourcePath", "authorization", "$context.authorizer.error",
				"integration", "$context.integration.error")...),
		},
	}
	if s.DomainName != "" {
		props.DomainName = &v1.DomainNameOptions{
			DomainName:     jsii.String(s.DomainName),
			Certificate:    certificate(scope, s.Certificate),
			EndpointType:   v1.EndpointType_REGIONAL,
			SecurityPolicy: v1.SecurityPolicy_TLS_1_2,
		}
	}
	api := v1.NewRestApi(scope, jsii.String("Rest"), props)
	if s.AccessLogRole {
		restLogRole(scope, api)
	}
	problems(api)
	if s.ClientRate > 0 {
		limitClients(scope, s, api)
	}
	restRoutes(scope, s, routes, api, tenantHeader(s, claim))
	return restHandle(s, api)
}

func restRoutes(scope constructs.Construct, s settings.Settings, routes []route, api v1.RestApi, parameters *map[string]*string) {
	integrations := make(map[string]v1.Integration)
	kind, authorizer := restAuthorizer(scope, s)
	for _, r := range routes {
		if integrations[r.function.Name] == nil {
			integrations[r.function.Name] = v1.NewLambdaIntegration(r.function.live, &v1.LambdaIntegrationOptions{
				Proxy: jsii.Bool(true), AllowTestInvoke: jsii.Bool(false), RequestParameters: parameters,
			})
		}
		api.Root().ResourceForPath(jsii.String(r.path)).AddMethod(jsii.String(r.method), integrations[r.function.Name], &v1.MethodOptions{
			AuthorizationType: kind, Authorizer: authorizer, AuthorizationScopes: scopes(s, r.access),
		})
	}
}

func restAuthorizer(scope constructs.Construct, s settings.Settings) (v1.AuthorizationType, v1.IAuthorizer) {
	switch s.Authorization {
	case settings.JWT:
		region, id, _ := s.UserPool() // settings.Load has seen to it
		arn := "arn:" + *awscdk.Stack_Of(scope).Partition() + ":cognito-idp:" + region + ":" + s.Account + ":userpool/" + id
		pool := awscognito.UserPool_FromUserPoolArn(scope, jsii.String("UserPool"), jsii.String(arn))
		return v1.AuthorizationType_COGNITO, v1.NewCognitoUserPoolsAuthorizer(scope, jsii.String("Jwt"), &v1.CognitoUserPoolsAuthorizerProps{
			CognitoUserPools: &[]awscognito.IUserPool{pool},
		})
	case settings.None:
		return v1.AuthorizationType_NONE, nil
	default:
		return v1.AuthorizationType_IAM, nil
	}
}

func restHandle(s settings.Settings, api v1.RestApi) API {
	dimensions := map[string]*string{"ApiName": jsii.String(s.Prefix()), "Stage": jsii.String(s.Stage)}
	a := API{
		invoke: func(method, path string) string {
			return *api.ArnForExecuteApi(jsii.String(method), jsii.String(path), jsii.String(s.Stage))
		},
		count:   apiMetric("Count", "Sum", 1, dimensions),
		hourly:  apiMetric("Count", "Sum", 60, dimensions),
		refused: apiMetric("4XXError", "Sum", 1, dimensions),
		failed:  apiMetric("5XXError", "Sum", 1, dimensions),
		latency: apiMetric("Latency", "p99", 1, dimensions),
	}
	if s.DomainName != "" {
		a.URL, a.Target = "https://"+s.DomainName, *api.DomainName().DomainNameAliasDomainName()
		return a
	}
	a.URL = strings.TrimSuffix(*api.Url(), "/")
	return a
}

// restLogRole sets the role with which API Gateway writes the logs of all REST
// APIs of the account in this region. It stays when the stack goes: other APIs
// may use it.
func restLogRole(scope constructs.Construct, api v1.RestApi) {
	role := awsiam.NewRole(scope, jsii.String("RestLogRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		Description: jsii.String("Lets API Gateway write the logs of this account's REST APIs"),
		ManagedPolicies: &[]awsiam.IManagedPolicy{
			awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/AmazonAPIGatewayPushToCloudWatchLogs")),
		},
	})
	role.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN)
	account := v1.NewCfnAccount(scope, jsii.String("RestLogAccount"), &v1.CfnAccountProps{CloudWatchRoleArn: role.RoleArn()})
	account.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	api.DeploymentStage().Node().AddDependency(account)
}
