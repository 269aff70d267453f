package functions

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"daybook/api"
	"daybook/functions/names"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	c, err := FromEnv(env(names.EnvEventsTable, "e", names.EnvViewPrefix, "v", names.EnvRegion, "eu-west-1", names.EnvLogLevel, "warn",
		"AWS_ENDPOINT_URL", "http://localhost:4566", names.EnvPathPrefix, "shop",
		names.EnvRequestsTable, "r", names.EnvCommandQueue, "q", names.EnvDeadQueue, "d"), names.EnvEventsTable, names.EnvViewPrefix)
	if err != nil {
		t.Fatal(err)
	}
	if c.EventsTable != "e" || c.ViewPrefix != "v" || c.Region != "eu-west-1" || c.LogLevel != slog.LevelWarn ||
		c.Endpoint != "http://localhost:4566" || c.PathPrefix != "shop" ||
		c.RequestsTable != "r" || c.CommandQueue != "q" || c.DeadQueue != "d" || c.QueueEndpoint != "http://localhost:4566" {
		t.Errorf("config %+v", c)
	}
	c, err = FromEnv(env(names.EnvRegion, "eu-west-1", "AWS_ENDPOINT_URL", "general", names.EnvEndpoint, "special"))
	if err != nil || c.Endpoint != "special" || c.LogLevel != slog.LevelInfo {
		t.Errorf("config %+v, %v", c, err)
	}
}

func TestFromEnvSecurity(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env  []string
		want api.Security
		err  string
	}{
		{nil, api.Security{}, ""},
		{[]string{names.EnvAuthorization, "none"}, api.Security{}, ""},
		{[]string{names.EnvAuthorization, "iam"}, api.Security{SigV4: true}, ""},
		{[]string{names.EnvAuthorization, "jwt", names.EnvJWTIssuer, "https://id.example", names.EnvScopes, "w r h"},
			api.Security{Issuer: "https://id.example", WriteScope: "w", ReadScope: "r", HistoryScope: "h"}, ""},
		{[]string{names.EnvAuthorization, "jwt", names.EnvJWTIssuer, "https://id.example", names.EnvScopes, "w r"}, api.Security{}, "three scopes in DAYBOOK_SCOPES"},
		{[]string{names.EnvAuthorization, "jwt", names.EnvScopes, "w r h"}, api.Security{}, "needs DAYBOOK_JWT_ISSUER"},
		{[]string{names.EnvAuthorization, "basic"}, api.Security{}, `DAYBOOK_AUTHORIZATION is "basic", not iam, jwt or none`},
	} {
		c, err := FromEnv(env(append(test.env, names.EnvRegion, "eu-west-1")...))
		if c.Security != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%v: %+v, %v", test.env, c.Security, err)
		}
	}
}

// Everything missing is reported at once, in one line.
func TestFromEnvNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := FromEnv(env(names.EnvLogLevel, "loud"), names.EnvEventsTable, names.EnvViewPrefix)
	if err == nil {
		t.Fatal("no error")
	}
	want := `the environment can't be used: not set: DAYBOOK_EVENTS_TABLE, DAYBOOK_VIEW_PREFIX, AWS_REGION; DAYBOOK_LOG_LEVEL is "loud", not debug, info, warn or error`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestLogNamesTheRequest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := Config{LogTo: &out, LogLevel: slog.LevelWarn}.logger("query")
	ctx := lambdacontext.NewContext(withRequestID(t.Context(), "r1"), &lambdacontext.LambdaContext{AwsRequestID: "i1"})
	log.InfoContext(ctx, "quiet")
	log.With("a", 1).WarnContext(ctx, "loud")
	for _, want := range []string{`"requestId":"r1"`, `"invocationId":"i1"`, `"function":"query"`, `"a":1`, `"msg":"loud"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, &out)
		}
	}
	if strings.Contains(out.String(), "quiet") {
		t.Errorf("a line below the level: %s", &out)
	}
}
