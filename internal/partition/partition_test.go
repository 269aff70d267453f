package partition_test

import (
	"testing"

	"daybook/internal/partition"
)

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1":   "https://sqs.eu-central-1.amazonaws.com",
		"us-east-1":      "https://sqs.us-east-1.amazonaws.com",
		"us-gov-west-1":  "https://sqs.us-gov-west-1.amazonaws.com",
		"cn-north-1":     "https://sqs.cn-north-1.amazonaws.com.cn",
		"eusc-de-east-1": "https://sqs.eusc-de-east-1.amazonaws.eu",
		"us-iso-east-1":  "https://sqs.us-iso-east-1.c2s.ic.gov",
		"eu-west-99":     "https://sqs.eu-west-99.amazonaws.com",
	} {
		if got := partition.Endpoint("sqs", region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
