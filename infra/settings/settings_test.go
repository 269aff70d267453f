package settings_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"daybook/infra/settings"
)

var update = flag.Bool("update", false, "write the table of settings into docs/deploy.md")

func TestDefaultsAreSafe(t *testing.T) {
	t.Parallel()
	s, err := settings.Load("daybook", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Authorization != settings.IAM || s.OpenToAll() {
		t.Errorf("authorization = %s, want iam", s.Authorization)
	}
	if s.RemovalPolicy != settings.Retain {
		t.Errorf("removal policy = %s, want retain", s.RemovalPolicy)
	}
	if s.API != settings.HTTP || s.Architecture != settings.ARM64 || len(s.CORSOrigins) != 0 || s.Prefix() != "daybook-dev" {
		t.Errorf("defaults = %+v", s)
	}
}

func TestContextCountsBeforeEnvironmentBeforeDefault(t *testing.T) {
	t.Parallel()
	environ := []string{"DAYBOOK_DEPLOY_STAGE=env", "DAYBOOK_DEPLOY_LOG_LEVEL=warn", "DAYBOOK_DEPLOY_API=", "HOME=/", "DAYBOOK_EVENTS_TABLE=x"}
	s, err := settings.Load("daybook", []byte(`{"stage":"ctx","tracing":true,"batchSize":50,"@aws-cdk/core:x":true,"aws:cdk:y":1,"corsOrigins":["https://a.example","http://localhost:3000"]}`), environ)
	if err != nil {
		t.Fatal(err)
	}
	if s.Stage != "ctx" || s.LogLevel != "warn" || !s.Tracing || s.BatchSize != 50 || s.API != settings.HTTP {
		t.Errorf("settings = %+v", s)
	}
	if got := strings.Join(s.CORSOrigins, " "); got != "https://a.example http://localhost:3000" {
		t.Errorf("origins = %s", got)
	}
}

func TestRegionAndAccountOfTheCredentials(t *testing.T) {
	t.Parallel()
	environ := []string{"DAYBOOK_DEPLOY_REGION=eu-west-1", "CDK_DEFAULT_REGION=us-east-1", "CDK_DEFAULT_ACCOUNT=123456789012"}
	s, err := settings.Load("daybook", nil, environ)
	if err != nil {
		t.Fatal(err)
	}
	if s.Region != "eu-west-1" || s.Account != "123456789012" {
		t.Errorf("account %s, region %s", s.Account, s.Region)
	}
}

const certificate = "arn:aws:acm:eu-central-1:123456789012:certificate/0d0d1b34-0000-4000-8000-8ad0a1c8f0ab"

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, context string
		environ       []string
		want          []string // each is part of the error
	}{
		{"unknown", `{"stagee":"x"}`, nil, []string{"stagee (context): there is no such setting; did you mean \"stage\"?"}},
		{"unknown far off", `{"blue":"x"}`, nil, []string{"blue (context)", "docs/deploy.md"}},
		{"unknown variable", "", []string{"DAYBOOK_DEPLOY_STAG=x"}, []string{"DAYBOOK_DEPLOY_STAG (environment): there is no such setting; did you mean \"DAYBOOK_DEPLOY_STAGE\"?"}},
		{"stage", `{"stage":"Dev"}`, nil, []string{`stage (context): "Dev" is not a stage name`}},
		{"long stage", `{"stage":"abcdefghijklmnopq"}`, nil, []string{"at most 16"}},
		{"number", `{"commandMemory":64}`, nil, []string{`"64" is not a whole number from 128 to 10240`}},
		{"fraction", `{"batchSize":1.5}`, nil, []string{`"1.5" is not a whole number`}},
		{"retention", `{"logRetention":31}`, nil, []string{`"31" is not one of 1 3 5 7`}},
		{"api", "", []string{"DAYBOOK_DEPLOY_API=soap"}, []string{`api (DAYBOOK_DEPLOY_API): "soap" is not one of http, rest`}},
		{"authorization", `{"authorization":"open"}`, nil, []string{"not one of iam, jwt, none"}},
		{"boolean", `{"tracing":"yes"}`, nil, []string{`"yes" is neither true nor false`}},
		{"shape", `{"stage":{"a":1}}`, nil, []string{"stage (context): must be text"}},
		{"shape of a list", `{"corsOrigins":[["https://a.example"]]}`, nil, []string{"must be text"}},
		{"number that lost digits", `{"account":123456789012345678901}`, nil, []string{"account (context): is a number above 2^53", "in quotes"}},
		{"hyphen", `{"log-level":"warn"}`, nil, []string{"log-level (context): there is no such setting; did you mean \"logLevel\"?"}},
		{"hyphen and typo", `{"throtle-rate":"5"}`, nil, []string{"did you mean \"throttleRate\"?"}},
		{"profile", `{"profile":"prod"}`, nil, []string{"not one of standard, production"}},
		{"client rate and http", `{"clientRate":100}`, nil, []string{"api=rest"}},
		{"small client rate", `{"api":"rest","clientRate":9}`, nil, []string{"no fewer than 10"}},
		{"tenant isolation and http", `{"authorization":"jwt","jwtIssuer":"https://id.example","jwtAudience":"a","tenantIsolation":true}`, nil, []string{"tenantIsolation", "use api=rest"}},
		{"tenant isolation and iam", `{"api":"rest","tenantIsolation":true}`, nil, []string{"tenantIsolation", "use authorization=jwt"}},
		{"copies of no backups", `{"backupCopyTo":"arn:aws:backup:eu-west-1:210987654321:backup-vault:daybook"}`, nil, []string{"needs backupDays"}},
		{"vault", `{"backupDays":7,"backupCopyTo":"vault"}`, nil, []string{"ARN of a backup vault"}},
		{"tag", `{"tags":"team"}`, nil, []string{"not a tag"}},
		{"functions", `{"functions":"some"}`, nil, []string{"not one of all, none"}},
		{"replicas", `{"replicas":"eu-west-1"}`, nil, []string{"lose commits", "docs/deploy.md"}},
		{"issuer that looks like Cognito", `{"api":"rest","account":"123456789012","authorization":"jwt","jwtIssuer":"https://cognito-idp.eu-west-1.amazonaws.com.evil.example/eu-west-1_Ab1"}`, nil, []string{"Cognito user pools only"}},
		{"origin", `{"corsOrigins":"https://a.example/x"}`, nil, []string{"not an origin"}},
		{"context", `[]`, nil, []string{"not a JSON object"}},
		{"region", `{"region":"mars"}`, nil, []string{"not a region"}},
		{"account", `{"account":"1"}`, nil, []string{"12 digits"}},
		{"key", `{"kmsKey":"alias/x"}`, nil, []string{"ARN of a KMS key"}},
		{"topic", `{"alarmTopic":"x"}`, nil, []string{"SNS topic"}},
		{"bus", `{"eventBus":"arn:aws:sqs:eu-west-1:123456789012:x"}`, nil, []string{"name or ARN of an event bus"}},
		{"queue", `{"queueConcurrency":1}`, nil, []string{"from 2 to 1000"}},
		{"several", `{"stage":"A","api":"x","blue":1}`, nil, []string{"3 settings are wrong", "blue", "stage", "api"}},
		{"domain alone", `{"domainName":"api.shop.example"}`, nil, []string{"needs certificate"}},
		{"certificate elsewhere", `{"domainName":"api.shop.example","region":"us-east-1","certificate":"` + certificate + `"}`, nil, []string{"us-east-1"}},
		{"cors and rest", `{"api":"rest","corsOrigins":"*"}`, nil, []string{"api=http"}},
		{"jwt without issuer", `{"authorization":"jwt"}`, nil, []string{"jwtIssuer"}},
		{"jwt without audience", `{"authorization":"jwt","jwtIssuer":"https://id.example"}`, nil, []string{"jwtAudience"}},
		{"issuer without jwt", `{"jwtIssuer":"https://id.example"}`, nil, []string{"needs authorization=jwt, which is iam"}},
		{"issuer over http", `{"authorization":"jwt","jwtIssuer":"http://id.example"}`, nil, []string{"https URL"}},
		{"history as reading", `{"authorization":"jwt","jwtIssuer":"https://id.example","jwtAudience":"a","historyScope":"daybook/read"}`, nil, []string{"historyScope"}},
		{"rest with another issuer", `{"api":"rest","authorization":"jwt","jwtIssuer":"https://id.example"}`, nil, []string{"Cognito user pools only"}},
		{"rest and audience", `{"api":"rest","account":"123456789012","authorization":"jwt","jwtIssuer":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1","jwtAudience":"a"}`, nil, []string{"does not check it"}},
		{"rest and user pool without account", `{"api":"rest","authorization":"jwt","jwtIssuer":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1"}`, nil, []string{"account"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := settings.Load("daybook", []byte(c.context), c.environ)
			wrong, ok := errors.AsType[*settings.Error](err)
			if !ok {
				t.Fatalf("err = %v, want *settings.Error", err)
			}
			for _, want := range c.want {
				if !strings.Contains(wrong.Error(), want) {
					t.Errorf("error %q lacks %q", wrong, want)
				}
			}
		})
	}
}

// The CDK's command line writes keys of its own: npx cdk acknowledge, npx cdk
// cli-telemetry, look-ups, feature flags. None of them is a setting of ours.
func TestKeysOfTheCDK(t *testing.T) {
	t.Parallel()
	s, err := settings.Load("daybook", []byte(`{
		"acknowledged-issue-numbers": [34892, 32775], "cli-telemetry": false, "availability-zones:account=1:region=eu-west-1": ["a"],
		"@aws-cdk/aws-iam:minimizePolicies": true, "aws:cdk:bundling-stacks": ["**"], "cdk-migrate": true, "tree.metadata": {"x": 1},
		"stage": "prod"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Stage != "prod" {
		t.Errorf("stage = %s, want prod", s.Stage)
	}
}

// However a value is given, it is read the same: -c gives text only.
func TestValuesAlike(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{`{"batchSize":50}`, `{"batchSize":"50"}`},
		{`{"batchSize":5e1}`, `{"batchSize":" 50 "}`},
		{`{"tracing":true}`, `{"tracing":"true"}`},
		{`{"account":123456789012}`, `{"account":"123456789012"}`},
		{`{"corsOrigins":["https://a.example","https://b.example"]}`, `{"corsOrigins":"https://a.example, https://b.example"}`},
		{`{"logRetention":null}`, `{"logRetention":""}`},
	} {
		a, err1 := settings.Load("daybook", []byte(c[0]), nil)
		b, err2 := settings.Load("daybook", []byte(c[1]), nil)
		if err1 != nil || err2 != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s gives %+v (%v), %s gives %+v (%v)", c[0], a, err1, c[1], b, err2)
		}
	}
}

// The profile is a set of defaults: what is given by itself counts.
func TestProfile(t *testing.T) {
	t.Parallel()
	s, err := settings.Load("daybook", []byte(`{"profile":"production","api":"rest","processConcurrency":5,"tracing":false}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.KMSKey != settings.KeyCreated || s.Rollout != settings.Canary || s.BackupDays != 35 || s.ProjectorConcurrency != 20 || !s.AccessLogCaller || s.ClientRate != 3000 {
		t.Errorf("production is %+v", s)
	}
	if s.ProcessConcurrency != 5 || s.Tracing {
		t.Errorf("what was given does not count: %+v", s)
	}
	if s, err = settings.Load("daybook", []byte(`{"profile":"production"}`), nil); err != nil || s.ClientRate != 0 {
		t.Errorf("an HTTP API limits clients to %d: %v", s.ClientRate, err)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	for _, region := range []string{"eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1", "ap-southeast-10"} {
		s, err := settings.Load("daybook", []byte(`{"region":"`+region+`"}`), nil)
		if err != nil || s.Region != region {
			t.Errorf("%s: %s, %v", region, s.Region, err)
		}
	}
}

func TestUserPool(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1":              "eu-west-1 eu-west-1_Ab1 true",
		"https://cognito-idp.eu-west-1.amazonaws.com/us-east-1_Ab1":              "false",
		"https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab1":         "cn-north-1 cn-north-1_Ab1 true",
		"https://cognito-idp.eusc-de-east-1.amazonaws.eu/eusc-de-east-1_Ab1":     "eusc-de-east-1 eusc-de-east-1_Ab1 true",
		"https://cognito-idp.eu-west-1.amazonaws.com.evil.example/eu-west-1_Ab1": "false",
		"https://id.example":                             "false",
		"https://cognito-idp.evil.example/eu-west-1_Ab1": "false",
	} {
		region, id, ok := settings.Settings{JWTIssuer: issuer}.UserPool()
		got := "false"
		if ok {
			got = region + " " + id + " true"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", issuer, got, want)
		}
	}
}

// The table in the guide is the one that the code has.
func TestTableInGuide(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "deploy.md")
	guide, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- settings: begin -->\n", "<!-- settings: end -->"
	head, rest, ok1 := strings.Cut(string(guide), begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table of settings", path)
	}
	if table == settings.Table("daybook") {
		return
	}
	if !*update {
		t.Fatalf("the table of settings in %s is out of date; go test ./infra/settings -update writes it", path)
	}
	if err := os.WriteFile(path, []byte(head+begin+settings.Table("daybook")+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
