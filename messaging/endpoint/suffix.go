package endpoint

import "strings"

// suffixes are the domains of the partitions other than the commercial and the
// GovCloud one, by what the names of their Regions begin with.
var suffixes = []struct{ region, suffix string }{
	{"cn-", "amazonaws.com.cn"},
	{"eusc-", "amazonaws.eu"},
	{"us-iso-", "c2s.ic.gov"},
	{"us-isob-", "sc2s.sgov.gov"},
	{"us-isof-", "csp.hci.ic.gov"},
	{"eu-isoe-", "cloud.adc-e.uk"},
}

// Suffix is the domain that the services of a Region are in: amazonaws.com, or
// that of the Region's partition.
func Suffix(region string) string {
	for _, s := range suffixes {
		if strings.HasPrefix(region, s.region) {
			return s.suffix
		}
	}
	return "amazonaws.com"
}

// Of is the address of a service in a Region: https://sqs.eu-central-1.amazonaws.com.
func Of(service, region string) string {
	return "https://" + service + "." + region + "." + Suffix(region)
}
