package endpoint_test

import (
	"testing"

	"daybook/messaging/endpoint"
)

func TestAddressOfAService(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1":   "https://sqs.eu-central-1.amazonaws.com",
		"us-gov-west-1":  "https://sqs.us-gov-west-1.amazonaws.com",
		"cn-north-1":     "https://sqs.cn-north-1.amazonaws.com.cn",
		"eusc-de-east-1": "https://sqs.eusc-de-east-1.amazonaws.eu",
		"us-isob-east-1": "https://sqs.us-isob-east-1.sc2s.sgov.gov",
	} {
		if got := endpoint.Of("sqs", region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}
