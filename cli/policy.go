package cli

import "daybook/messaging/endpoint"

// policy is what a command may do, as IAM writes it.
type policy struct {
	Version   string
	Statement []statement
}

// statement allows actions on resources.
type statement struct {
	Effect   string
	Action   []string
	Resource []string
}

func newPolicy(statements ...statement) policy { return policy{"2012-10-17", statements} }

func allow(actions []string, resources ...string) statement {
	return statement{"Allow", actions, resources}
}

// arnOf is the ARN of a resource of this account in any Region.
func (s *session) arnOf(service, resource string) string {
	return "arn:" + endpoint.Partition(s.aws.Region) + ":" + service + ":*:*:" + resource
}

// bucketARN is the ARN of a bucket, or of objects in it.
func (s *session) bucketARN(bucket string) string {
	return "arn:" + endpoint.Partition(s.aws.Region) + ":s3:::" + bucket
}
