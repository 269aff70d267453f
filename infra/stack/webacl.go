package stack

import (
	v1 "github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/infra/settings"
)

// limitClients puts a web ACL before a REST API that refuses an address which
// sends more than the setting clientRate in five minutes, with a problem as the
// gateway's own. API Gateway's throttling is over all callers.
func limitClients(scope constructs.Construct, s settings.Settings, api v1.RestApi) {
	measured := func(name string) *awswafv2.CfnWebACL_VisibilityConfigProperty {
		return &awswafv2.CfnWebACL_VisibilityConfigProperty{
			CloudWatchMetricsEnabled: jsii.Bool(true), MetricName: jsii.String(s.Prefix() + name), SampledRequestsEnabled: jsii.Bool(false),
		}
	}
	acl := awswafv2.NewCfnWebACL(scope, jsii.String("WebAcl"), &awswafv2.CfnWebACLProps{
		Name:          jsii.String(s.Prefix()),
		Scope:         jsii.String("REGIONAL"),
		DefaultAction: &awswafv2.CfnWebACL_DefaultActionProperty{Allow: &awswafv2.CfnWebACL_AllowActionProperty{}},
		CustomResponseBodies: &map[string]any{"throttled": &awswafv2.CfnWebACL_CustomResponseBodyProperty{
			ContentType: jsii.String("APPLICATION_JSON"), Content: jsii.String(problemBody("429", "throttled", "Too many requests")),
		}},
		Rules: &[]any{&awswafv2.CfnWebACL_RuleProperty{
			Name: jsii.String("client-rate"), Priority: jsii.Number(0),
			Statement: &awswafv2.CfnWebACL_StatementProperty{RateBasedStatement: &awswafv2.CfnWebACL_RateBasedStatementProperty{
				AggregateKeyType: jsii.String("IP"), Limit: jsii.Number(s.ClientRate), EvaluationWindowSec: jsii.Number(300),
			}},
			Action: &awswafv2.CfnWebACL_RuleActionProperty{Block: &awswafv2.CfnWebACL_BlockActionProperty{
				CustomResponse: &awswafv2.CfnWebACL_CustomResponseProperty{ResponseCode: jsii.Number(429), CustomResponseBodyKey: jsii.String("throttled")},
			}},
			VisibilityConfig: measured("-client-rate"),
		}},
		VisibilityConfig: measured(""),
	})
	awswafv2.NewCfnWebACLAssociation(scope, jsii.String("WebAclAssociation"), &awswafv2.CfnWebACLAssociationProps{
		ResourceArn: api.DeploymentStage().StageArn(), WebAclArn: acl.AttrArn(),
	})
}
