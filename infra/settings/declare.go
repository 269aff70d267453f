package settings

import (
	"net/url"
	"regexp"
	"strings"

	"daybook/messaging/endpoint"
	"daybook/telemetry/collector"
)

var (
	isStage    = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	isAccount  = regexp.MustCompile(`^[0-9]{12}$`)
	isRegion   = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	isTopic    = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
	isKey      = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	isCert     = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$`)
	isDomain   = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	isScope    = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,64}$`) // scope-token of RFC 6749, 3.3
	isBus      = regexp.MustCompile(`^(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9._/-]{1,256}$`)
	isVault    = regexp.MustCompile(`^arn:aws[a-z-]*:backup:[a-z0-9-]+:[0-9]{12}:backup-vault:[A-Za-z0-9_-]{2,50}$`)
	isTag      = regexp.MustCompile(`^[A-Za-z0-9 _.:/+@-]{1,128}=[A-Za-z0-9 _.:/+@-]{0,256}$`)
	isAudience = regexp.MustCompile(`^[^\s,]{1,256}$`)
)

// maxStage keeps the longest physical name, the failure bucket's with account
// and region in it, within S3's 63 characters.
const maxStage = 16

func stage(s string) bool { return len(s) <= maxStage && isStage.MatchString(s) }

func key(s string) bool { return s == KeyOfAWS || s == KeyCreated || isKey.MatchString(s) }

func issuer(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.RawQuery == "" && u.Fragment == ""
}

func otlp(s string) bool {
	_, err := collector.Endpoint(s)
	return err == nil
}

func origin(s string) bool {
	if s == "*" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && s == u.Scheme+"://"+u.Host
}

// retentions are the days that CloudWatch Logs can keep events
// (PutRetentionPolicy, retentionInDays).
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// memory is what Lambda allows a function, in MB.
const minMemory, maxMemory = 128, 10240

// fields returns all settings of the application of the name app, in the order of the table in docs/deploy.md.
func fields(app string) []field {
	all := general()
	all = append(all, functions()...)
	all = append(all, front()...)
	all = append(all, authorization(app)...)
	return append(all, delivery()...)
}

func declare(name, initial, allowed, meaning string, set func(*Settings, string) error) field {
	return field{name: name, initial: initial, allowed: allowed, meaning: meaning, set: set}
}

func general() []field {
	return []field{
		declare("profile", string(Standard), "`standard`, `production`", "A set of defaults: `production` is what a business should not run without. Each setting can still be given by itself.",
			choice(func(s *Settings) *Profile { return &s.Profile }, Standard, Production)),
		declare("stage", "dev", "a-z, 0-9 and inner hyphens, at most 16", "Part of every name; deployments of different stages live side by side.",
			text(func(s *Settings) *string { return &s.Stage }, stage, "a stage name: a-z, 0-9 and inner hyphens, at most 16 characters")),
		declare("account", "", "12 digits", "The AWS account. Unset: the one of the credentials.",
			text(func(s *Settings) *string { return &s.Account }, isAccount.MatchString, "an account number of 12 digits")),
		declare("region", "", "such as `eu-central-1`", "The AWS region. Unset: the one of the credentials.",
			text(func(s *Settings) *string { return &s.Region }, isRegion.MatchString, "a region such as eu-central-1")),
		declare("removalPolicy", string(Retain), "`retain`, `destroy`", "The fate of tables, queues and bucket when the stack is deleted; `retain` also protects the tables from being deleted by hand.",
			choice(func(s *Settings) *RemovalPolicy { return &s.RemovalPolicy }, Retain, Destroy)),
		declare("kmsKey", KeyOfAWS, "`aws-owned`, `create`, ARN of a key", "What tables, logs, bucket, queues and event bus are encrypted with. With the ARN of a key, its key policy must let CloudWatch Logs and EventBridge use it.",
			text(func(s *Settings) *string { return &s.KMSKey }, key, "aws-owned, create, or the ARN of a KMS key")).in(KeyCreated),
		declare("tags", "", "`name=value` with commas in between", "Tags of every resource, beside `daybook:stage`.",
			list(func(s *Settings) *[]string { return &s.Tags }, isTag.MatchString, "a tag such as team=shop")),
		declare("backupDays", "0", "0 to 36500 days", "How long AWS Backup keeps the nightly backups of the events table, in a vault of the deployment's own; 0 for no backups.",
			number(func(s *Settings) *int { return &s.BackupDays }, 0, 36_500)).in("35"),
		declare("backupCopyTo", "", "ARN of a backup vault", "A vault, in another account or Region, that every backup is copied to. Needs `backupDays`.",
			text(func(s *Settings) *string { return &s.BackupCopyTo }, isVault.MatchString, "the ARN of a backup vault")),
	}
}

func functions() []field {
	return []field{
		declare("functions", string(AllFunctions), "`all`, `none`", "`none` leaves out the functions, the API, event source mappings, alarms and dashboard: for emulators that can't run functions, which then run as processes.",
			choice(func(s *Settings) *FunctionSet { return &s.Functions }, AllFunctions, NoFunctions)),
		declare("architecture", string(ARM64), "`arm64`, `x86_64`", "What the functions are built for and run on.",
			choice(func(s *Settings) *Architecture { return &s.Architecture }, ARM64, X8664)),
		declare("commandMemory", "512", "128 to 10240 MB", "Memory of the command function; its share of a processor grows with it.",
			number(func(s *Settings) *int { return &s.CommandMemory }, minMemory, maxMemory)),
		declare("queryMemory", "512", "128 to 10240 MB", "Memory of the query function.",
			number(func(s *Settings) *int { return &s.QueryMemory }, minMemory, maxMemory)),
		declare("projectorMemory", "512", "128 to 10240 MB", "Memory of the projector function.",
			number(func(s *Settings) *int { return &s.ProjectorMemory }, minMemory, maxMemory)),
		declare("processMemory", "512", "128 to 10240 MB", "Memory of the process function.",
			number(func(s *Settings) *int { return &s.ProcessMemory }, minMemory, maxMemory)),
		declare("tracing", "false", "`true`, `false`", "AWS X-Ray traces of the functions, and of a REST API.",
			yes(func(s *Settings) *bool { return &s.Tracing })).in("true"),
		declare("otlp", "", "http or https URL", "An OpenTelemetry collector that gets the functions' spans by OTLP over HTTP. The functions are built with OpenTelemetry's SDK then: bigger, and slower to start. Unset: no spans, and no SDK in the functions.",
			text(func(s *Settings) *string { return &s.OTLP }, otlp, "the URL of an OTLP collector, without user, query and fragment")),
		declare("rollout", string(AtOnce), "`at-once`, `canary`", "`canary` gives functions versions and an alias; CodeDeploy moves a tenth of the invocations to a new version, all after five minutes, and all back when an alarm rings.",
			choice(func(s *Settings) *Rollout { return &s.Rollout }, AtOnce, Canary)).in(string(Canary)),
		declare("projectorConcurrency", "0", "0 to 1000", "Concurrent executions reserved for the projector, and its limit: API traffic can't starve it. The events table's stream has as many at once as it has shards. 0 for none.",
			number(func(s *Settings) *int { return &s.ProjectorConcurrency }, 0, 1_000)).in("20"),
		declare("processConcurrency", "0", "0 to 1000", "The same for the process function.",
			number(func(s *Settings) *int { return &s.ProcessConcurrency }, 0, 1_000)).in("20"),
		declare("logLevel", "info", "`debug`, `info`, `warn`, `error`", "The lowest level that the functions log.",
			choice(func(s *Settings) *string { return &s.LogLevel }, "debug", "info", "warn", "error")),
		declare("logRetention", "30", "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days", "How long CloudWatch keeps the logs.",
			oneOf(func(s *Settings) *int { return &s.LogRetention }, retentions...)),
	}
}

func front() []field {
	return []field{
		declare("api", string(HTTP), "`http`, `rest`", "The kind of API in API Gateway.",
			choice(func(s *Settings) *API { return &s.API }, HTTP, REST)),
		declare("corsOrigins", "", "origins with commas in between, or `*`", "Web pages of these origins may call the API (`api=http` only). Unset: none.",
			list(func(s *Settings) *[]string { return &s.CORSOrigins }, origin, "an origin such as https://shop.example")),
		declare("throttleRate", "500", "1 to 10000 per second", "Requests beyond it are refused with 429, over all callers.",
			number(func(s *Settings) *int { return &s.ThrottleRate }, 1, 10_000)),
		declare("throttleBurst", "1000", "1 to 5000", "Requests that may come at once.",
			number(func(s *Settings) *int { return &s.ThrottleBurst }, 1, 5_000)),
		declare("clientRate", "0", "0, or 10 to 2000000", "Requests that one address may send in five minutes before it is refused with 429, by a web ACL (`api=rest` only); 0 for no limit.",
			number(func(s *Settings) *int { return &s.ClientRate }, 0, 2_000_000)).in("3000"),
		declare("domainName", "", "such as `api.shop.example`", "A domain name of your own; the address that API Gateway gives is then switched off. Needs `certificate`.",
			text(func(s *Settings) *string { return &s.DomainName }, isDomain.MatchString, "a domain name")),
		declare("certificate", "", "ARN of an ACM certificate", "The certificate of `domainName`, in the stack's region.",
			text(func(s *Settings) *string { return &s.Certificate }, isCert.MatchString, "the ARN of an ACM certificate")),
		declare("accessLogCaller", "false", "`true`, `false`", "Whether access logs name the caller: the token's `sub`, or the ARN of the IAM identity.",
			yes(func(s *Settings) *bool { return &s.AccessLogCaller })).in("true"),
		declare("accessLogRole", "true", "`true`, `false`", "Whether the stack sets the role with which REST APIs write logs, which is one for all APIs of an account in a region. `false` where it is set already; nothing to an HTTP API.",
			yes(func(s *Settings) *bool { return &s.AccessLogRole })),
	}
}

func authorization(app string) []field {
	return []field{
		declare("authorization", string(IAM), "`iam`, `jwt`, `none`", "How callers prove who they are; `none` opens the API to everybody, and warns.",
			choice(func(s *Settings) *Authorization { return &s.Authorization }, IAM, JWT, None)),
		declare("jwtIssuer", "", "https URL", "The issuer of the tokens, for `authorization=jwt`. For a REST API it must be a Cognito user pool.",
			text(func(s *Settings) *string { return &s.JWTIssuer }, issuer, "an https URL without query")),
		declare("jwtAudience", "", "values with commas in between", "Accepted values of the token's `aud` or `client_id`; needed for an HTTP API. A REST API cannot check it: there, the app clients that may have the scopes decide.",
			list(func(s *Settings) *[]string { return &s.JWTAudience }, isAudience.MatchString, "an audience without blanks")),
		declare("writeScope", app+"/write", "scope", "A token needs it to send commands.",
			text(func(s *Settings) *string { return &s.WriteScope }, isScope.MatchString, "an OAuth scope")),
		declare("readScope", app+"/read", "scope", "A token needs it to query views.",
			text(func(s *Settings) *string { return &s.ReadScope }, isScope.MatchString, "an OAuth scope")),
		declare("historyScope", app+"/history", "scope", "A token needs it to read events under `/streams/`.",
			text(func(s *Settings) *string { return &s.HistoryScope }, isScope.MatchString, "an OAuth scope")),
		declare("tenantIsolation", "false", "`true`, `false`", "In an application with tenants, Lambda keeps the execution environments of the command and the query function apart by tenant ([tenants.md](tenants.md#isolation-mode)). Needs `api=rest` and `authorization=jwt`.",
			yes(func(s *Settings) *bool { return &s.TenantIsolation })),
	}
}

func delivery() []field {
	return []field{
		declare("batchSize", "100", "1 to 1000 records", "The largest batch of commits that the projector gets.",
			number(func(s *Settings) *int { return &s.BatchSize }, 1, 1_000)),
		declare("batchWindow", "0", "0 to 60 s", "How long to gather commits for a batch, of either function; 0 hands them over at once.",
			number(func(s *Settings) *int { return &s.BatchWindow }, 0, 60)),
		declare("retryAttempts", "20", "1 to 1000", "How often a failed batch is retried before its records go to the failure bucket.",
			number(func(s *Settings) *int { return &s.RetryAttempts }, 1, 1_000)),
		declare("recordAge", "3600", "60 to 86400 s", "Records that failed for longer go to the failure bucket. DynamoDB keeps them for a day.",
			number(func(s *Settings) *int { return &s.RecordAge }, 60, 86_400)),
		declare("processBatchSize", "25", "1 to 1000 records", "The largest batch of commits that the process function gets. Each may take several commands.",
			number(func(s *Settings) *int { return &s.ProcessBatchSize }, 1, 1_000)),
		declare("queueConcurrency", "50", "2 to 1000", "How many batches of queued commands are handled at once. Each takes one of the account's concurrent executions.",
			number(func(s *Settings) *int { return &s.QueueConcurrency }, 2, 1_000)),
		declare("eventBus", "", "name or ARN", "The event bus that gets integration events, as it is. Unset: one of the deployment's own, named like the stack.",
			text(func(s *Settings) *string { return &s.EventBus }, isBus.MatchString, "the name or ARN of an event bus")),
		declare("alarmTopic", "", "ARN of an SNS topic", "Who is told of alarms. Unset: nobody, and a warning.",
			text(func(s *Settings) *string { return &s.AlarmTopic }, isTopic.MatchString, "the ARN of an SNS topic")),
		declare("lagAlarm", "60", "1 to 86400 s", "Alarm when the projector, the process function or the oldest queued command is this far behind for five minutes.",
			number(func(s *Settings) *int { return &s.LagAlarm }, 1, 86_400)),
		declare("conflictAlarm", "20", "0 to 100 percent", "Alarm when this share of commands meets a conflict for 15 minutes; 0 for no such alarm.",
			number(func(s *Settings) *int { return &s.ConflictAlarm }, 0, 100)),
		declare("latencyAlarm", "3000", "0 to 30000 ms", "Alarm when one in a hundred requests takes longer, for five minutes; 0 for no such alarm. A list with `?after=` waits up to 1.5 s.",
			number(func(s *Settings) *int { return &s.LatencyAlarm }, 0, 30_000)),
		declare("quietAlarm", "0", "0 to 1000000", "Alarm when the API gets fewer requests than this in an hour; 0 for no such alarm.",
			number(func(s *Settings) *int { return &s.QuietAlarm }, 0, 1_000_000)),
		declare("silenceAlarm", "true", "`true`, `false`", "Alarm when commits are written for 15 minutes and the projector is not invoked.",
			yes(func(s *Settings) *bool { return &s.SilenceAlarm })),
	}
}

// issuedByCognito reports whether the issuer is a Cognito user pool, and tells
// the pool's region and id.
func issuedByCognito(issuer string) (region, pool string, ok bool) {
	rest, ok := strings.CutPrefix(issuer, "https://cognito-idp.")
	if !ok {
		return "", "", false
	}
	host, pool, ok := strings.Cut(rest, "/")
	region, _, _ = strings.Cut(host, ".")
	return region, pool, ok && host == region+"."+endpoint.Suffix(region) && isRegion.MatchString(region) && strings.HasPrefix(pool, region+"_")
}

// UserPool is the Cognito user pool that JWTIssuer names: its region and id.
func (s Settings) UserPool() (region, id string, ok bool) { return issuedByCognito(s.JWTIssuer) }
