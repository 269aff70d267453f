package stack

import (
	"encoding/json/v2"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// MappingProps are the properties of NewMapping.
type MappingProps struct {
	Events        Table
	Function      Function
	Failures      awss3.Bucket
	Key           Key
	Filter        string // the records that the function gets: Commits or CommitsOf
	Disabled      bool   // hands nothing over
	BatchSize     int
	BatchWindow   int // seconds
	RetryAttempts int
	RecordAge     int // seconds
}

// Commits is a filter that lets new commits through. Nothing else happens to the
// table but the removal of expired items, if it has any.
const Commits = `{"eventName":["INSERT"]}`

// CommitsOf is a filter that lets new commits of some aggregates' streams through:
// the name of a stream begins with that of its aggregate. At least one aggregate
// must be given. It is not for an application with tenants, where the tenant comes first
// and no filter can look behind it.
func CommitsOf(aggregates []string) string {
	type prefix struct {
		Prefix string `json:"prefix"`
	}
	var streams []prefix
	for _, a := range aggregates {
		streams = append(streams, prefix{a + "/"})
	}
	pattern, err := json.Marshal(map[string]any{
		"eventName": []string{"INSERT"},
		"dynamodb":  map[string]any{"Keys": map[string]any{"stream": map[string]any{"S": streams}}},
	}, json.Deterministic(true))
	if err != nil {
		return Commits // strings only
	}
	return string(pattern)
}

// NewMapping makes an event source mapping that hands commits from the events
// table's stream to a function, from the oldest that the stream has. A batch that
// fails is split and retried; what fails permanently goes to the bucket with the
// whole record, and the shard moves on. One batch of a shard at a time: commits of
// one stream then come in order nearly always.
func NewMapping(scope constructs.Construct, id string, p MappingProps) awslambda.CfnEventSourceMapping {
	role := p.Function.Role
	p.Events.allowStream(role, "Stream")
	allow(role, "ListFailures", []string{"s3:ListBucket"}, *p.Failures.BucketArn())
	allow(role, "PutFailures", []string{"s3:PutObject"}, *p.Failures.ArnForObjects(jsii.String("*")))
	p.Key.allow(role, "s3")
	mapping := awslambda.NewCfnEventSourceMapping(scope, jsii.String(id), &awslambda.CfnEventSourceMappingProps{
		FunctionName:     p.Function.target(),
		EventSourceArn:   p.Events.TableStreamArn(),
		StartingPosition: jsii.String("TRIM_HORIZON"),
		Enabled:          jsii.Bool(!p.Disabled),
		BatchSize:        jsii.Number(p.BatchSize),

		MaximumBatchingWindowInSeconds: jsii.Number(p.BatchWindow),
		MaximumRetryAttempts:           jsii.Number(p.RetryAttempts),
		MaximumRecordAgeInSeconds:      jsii.Number(p.RecordAge),
		BisectBatchOnFunctionError:     jsii.Bool(true),
		ParallelizationFactor:          jsii.Number(1),
		FunctionResponseTypes:          jsii.Strings("ReportBatchItemFailures"),
		FilterCriteria: &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{
			Filters: &[]any{&awslambda.CfnEventSourceMapping_FilterProperty{Pattern: jsii.String(p.Filter)}},
		},
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: p.Failures.BucketArn()},
		},
		MetricsConfig: &awslambda.CfnEventSourceMapping_MetricsConfigProperty{Metrics: jsii.Strings("EventCount")},
	})
	// Lambda tries the permissions out when the mapping is made.
	mapping.Node().AddDependency(role)
	return mapping
}
