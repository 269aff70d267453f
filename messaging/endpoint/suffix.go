package endpoint

import "strings"

// partitions are those other than the commercial one, by what the names of their Regions
// begin with.
var partitions = []struct{ region, name, suffix string }{
	{"cn-", "aws-cn", "amazonaws.com.cn"},
	{"eusc-", "aws-eusc", "amazonaws.eu"},
	{"us-gov-", "aws-us-gov", commercial},
	{"us-iso-", "aws-iso", "c2s.ic.gov"},
	{"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
	{"us-isof-", "aws-iso-f", "csp.hci.ic.gov"},
	{"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
}

const commercial = "amazonaws.com"

// Suffix is the domain that the services of a Region are in: amazonaws.com, or
// that of the Region's partition.
func Suffix(region string) string {
	_, suffix := partitionOf(region)
	return suffix
}

// Partition is the partition of a Region, as ARNs name it.
func Partition(region string) string {
	name, _ := partitionOf(region)
	return name
}

func partitionOf(region string) (name, suffix string) {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.region) {
			return p.name, p.suffix
		}
	}
	return "aws", commercial
}

// Of is the address of a service in a Region: https://sqs.eu-central-1.amazonaws.com.
func Of(service, region string) string {
	return "https://" + service + "." + region + "." + Suffix(region)
}
