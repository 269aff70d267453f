package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"daybook/nearest"
)

// conflicts tells which settings do not go together.
func (s Settings) conflicts() []string {
	var all []string
	refuse := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	refuse((s.DomainName == "") != (s.Certificate == ""), "domainName: it needs certificate, and certificate needs it")
	refuse(s.Certificate != "" && s.Region != "" && !strings.Contains(s.Certificate, ":acm:"+s.Region+":"),
		"certificate: it must be in the stack's region, %s", s.Region)
	refuse(s.API == REST && len(s.CORSOrigins) > 0,
		"corsOrigins: a REST API leaves CORS to the functions; use api=http for web pages of other origins")
	refuse(s.API == HTTP && s.ClientRate > 0, "clientRate: an HTTP API can't have a web ACL; use api=rest, or throttleRate for all callers together")
	refuse(s.ClientRate > 0 && s.ClientRate < 10, "clientRate: AWS WAF counts no fewer than 10")
	refuse(s.TenantIsolation && s.API != REST, "tenantIsolation: an HTTP API can't tell Lambda whose request it is; use api=rest")
	refuse(s.TenantIsolation && s.Authorization != JWT, "tenantIsolation: the tenant is a claim of a verified token; use authorization=jwt")
	refuse(s.BackupCopyTo != "" && s.BackupDays == 0, "backupCopyTo: it needs backupDays")
	return append(all, s.jwtConflicts()...)
}

func (s Settings) jwtConflicts() []string {
	var all []string
	refuse := func(when bool, format string, args ...any) {
		if when {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	if s.Authorization != JWT {
		refuse(s.JWTIssuer != "", "jwtIssuer: it needs authorization=jwt, which is %s", s.Authorization)
		refuse(len(s.JWTAudience) > 0, "jwtAudience: it needs authorization=jwt, which is %s", s.Authorization)
		return all
	}
	refuse(s.HistoryScope == s.ReadScope || s.HistoryScope == s.WriteScope,
		"historyScope: it must differ from readScope and writeScope")
	if s.JWTIssuer == "" {
		return append(all, "jwtIssuer: authorization=jwt needs it")
	}
	region, _, cognito := s.UserPool()
	if s.API == HTTP {
		refuse(len(s.JWTAudience) == 0, "jwtAudience: authorization=jwt needs it for an HTTP API")
		return all
	}
	refuse(!cognito, "jwtIssuer: a REST API verifies tokens of Cognito user pools only (https://cognito-idp.<region>.amazonaws.com/<pool>); use api=http for %s", s.JWTIssuer)
	refuse(cognito && s.Account == "", "account: a REST API with authorization=jwt needs it, to name the user pool")
	refuse(cognito && s.Region != "" && s.Region != region, "jwtIssuer: a REST API needs a user pool of its own region, %s", s.Region)
	refuse(len(s.JWTAudience) > 0, "jwtAudience: a REST API does not check it; give the scopes only to the app clients that may have them, and leave it out")
	return all
}

// hint names the known name that is nearest to what was written.
func hint(written string, known []string) string {
	return cmp.Or(nearest.Hint(written, slices.Values(known)), "; docs/deploy.md lists them")
}
