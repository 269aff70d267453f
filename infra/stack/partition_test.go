package stack_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/regioninfo"

	domains "daybook/messaging/endpoint"
)

// The domains and the partitions that functions and the command line use are those that
// the CDK knows, for every Region that it knows.
func TestPartitionsAreTheCDKs(t *testing.T) {
	t.Parallel()
	needNode(t)
	synthesizing.Lock()
	defer synthesizing.Unlock()
	regions := *regioninfo.RegionInfo_Regions()
	if len(regions) < 30 {
		t.Fatalf("the CDK knows %d Regions", len(regions))
	}
	for _, r := range regions {
		if want := r.DomainSuffix(); want != nil && domains.Suffix(*r.Name()) != *want {
			t.Errorf("%s: %s, the CDK has %s", *r.Name(), domains.Suffix(*r.Name()), *want)
		}
		if want := r.Partition(); want != nil && domains.Partition(*r.Name()) != *want {
			t.Errorf("%s: %s, the CDK has %s", *r.Name(), domains.Partition(*r.Name()), *want)
		}
	}
}

// A template for another partition names no ARN and no regional service of the
// commercial one.
func TestPartitions(t *testing.T) {
	t.Parallel()
	needNode(t)
	regional := regexp.MustCompile(`[a-z]{2,4}-[a-z]+(-[a-z]+)?-[0-9]\.amazonaws\.com`)
	for _, region := range []string{"cn-north-1", "eusc-de-east-1"} {
		for _, api := range []string{"http", "rest"} {
			context := `{"kmsKey":"create","account":"123456789012","region":"` + region + `","api":"` + api + `"}`
			synthesizing.Lock()
			tpl := synth(t, region, context)
			synthesizing.Unlock()
			if found := regional.FindString(tpl.Raw); found != "" {
				t.Errorf("%s: the template names %s", region, found)
			}
			if strings.Contains(tpl.Raw, "arn:aws:") {
				t.Errorf("%s: the template has an ARN of the commercial partition", region)
			}
			for _, s := range tpl.statements() {
				if s.kind == "AWS::KMS::Key" && s.sid == "Logs" {
					same(t, tpl, region+" logs", at(s.raw, "Principal", "Service"), "logs."+region+".<AWS::URLSuffix>")
				}
				if s.sid == "KeyDynamodb" {
					same(t, tpl, region+" through", at(s.condition, "StringEquals", "kms:ViaService"), "dynamodb."+region+".<AWS::URLSuffix>")
				}
			}
		}
	}
}
