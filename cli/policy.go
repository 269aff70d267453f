package cli

import "daybook/messaging/endpoint"

// policy is what a command may do, as IAM writes it.
type policy struct {
	Version   string
	Statement []statement
}

// statement allows actions on resources.
type statement struct {
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

func newPolicy(statements ...statement) policy { return policy{"2012-10-17", statements} }

func allow(actions []string, resources ...string) statement {
	return statement{Effect: "Allow", Action: actions, Resource: resources}
}

// decryption allows reading what services have encrypted with a key of the account
// (the setting kmsKey): they ask KMS on behalf of the caller. It allows no call of KMS
// itself, and nothing where no such key is.
func decryption(services ...string) statement {
	via := make([]string, len(services))
	for i, service := range services {
		via[i] = service + ".*" // its host name in any Region
	}
	s := allow([]string{"kms:Decrypt", "kms:DescribeKey"}, "*")
	s.Condition = map[string]map[string][]string{"StringLike": {"kms:ViaService": via}}
	return s
}

// personal allows what personal values take of KMS: their data keys are decrypted.
func (s *session) personal() []statement {
	if !s.of.Personal() {
		return nil
	}
	return []statement{allow([]string{"kms:Decrypt"}, "*")}
}

// arnOf is the ARN of a resource of this account in any Region.
func (s *session) arnOf(service, resource string) string {
	return "arn:" + endpoint.Partition(s.aws.Region) + ":" + service + ":*:*:" + resource
}

// bucketARN is the ARN of a bucket, or of objects in it.
func (s *session) bucketARN(bucket string) string {
	return "arn:" + endpoint.Partition(s.aws.Region) + ":s3:::" + bucket
}
