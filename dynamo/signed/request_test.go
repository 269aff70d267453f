package signed

import (
	"context"
	"encoding/json/v2"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"
)

// TestRequests: every input is sent with the SDK's JSON and headers.
func TestRequests(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sdk, ours := both(always(200, "{}"), nil)
		for _, in := range inputs(t) {
			for _, s := range []side{sdk, ours} {
				if _, err := do(context.Background(), s.client, in); err != nil {
					t.Fatal(err)
				}
			}
			last := len(sdk.sent) - 1
			var want, got any
			if err := json.Unmarshal([]byte(sdk.bodies[last]), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(ours.bodies[last]), &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%T: %v\n%s\nthe SDK's\n%s", in, err, ours.bodies[last], sdk.bodies[last])
			}
			sameRequest(t, ours.sent[last], sdk.sent[last])
		}
	})
}

// own are the headers whose values are a client's own.
var own = []string{"Amz-Sdk-Invocation-Id", "Authorization", "User-Agent", "X-Amz-Date"}

func sameRequest(t rapid.TB, got, want *http.Request) {
	for name, v := range want.Header {
		switch {
		case len(got.Header[name]) != 1:
			t.Errorf("no header %s", name)
		case !slices.Contains(own, name) && got.Header[name][0] != v[0]:
			t.Errorf("header %s is %q, the SDK's %q", name, got.Header[name][0], v[0])
		}
	}
	if len(got.Header) != len(want.Header) {
		t.Errorf("headers %v, the SDK's %v", got.Header, want.Header)
	}
	if got.URL.String() != want.URL.String() || got.Method != want.Method || got.ContentLength <= 0 {
		t.Errorf("%s %v, the SDK's %s %v", got.Method, got.URL, want.Method, want.URL)
	}
}

// TestTargets: requests go where the SDK's go, for everything that an endpoint
// depends on.
func TestTargets(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
	t.Setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
	for name, change := range map[string]func(*dynamodb.Options){
		"region":     func(*dynamodb.Options) {},
		"China":      func(o *dynamodb.Options) { o.Region = "cn-north-1" },
		"own":        func(o *dynamodb.Options) { o.BaseEndpoint = aws.String("http://127.0.0.1:8000/db") },
		"dual stack": func(o *dynamodb.Options) { o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled },
		"FIPS":       func(o *dynamodb.Options) { o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled },
		"account": func(o *dynamodb.Options) {
			o.Credentials, o.AccountIDEndpointMode = account("111122223333"), "preferred"
		},
		"no account": func(o *dynamodb.Options) { o.AccountIDEndpointMode = "preferred" },
		"account off": func(o *dynamodb.Options) {
			o.Credentials, o.AccountIDEndpointMode = account("111122223333"), aws.AccountIDEndpointModeDisabled
		},
	} {
		sdk, ours := both(always(200, "{}"), change)
		same(t, name, sdk, ours, simple()["*dynamodb.PutItemInput"])
		if len(sdk.sent) == 1 && len(ours.sent) == 1 {
			sameRequest(t, ours.sent[0], sdk.sent[0])
		}
	}
	for name, change := range map[string]func(*dynamodb.Options){
		"no region":           func(o *dynamodb.Options) { o.Region = "" },
		"an account required": func(o *dynamodb.Options) { o.AccountIDEndpointMode = aws.AccountIDEndpointModeRequired },
		"no credentials": func(o *dynamodb.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, context.DeadlineExceeded })
		},
	} {
		sdk, ours := both(always(200, "{}"), change)
		same(t, name, sdk, ours, simple()["*dynamodb.PutItemInput"])
	}
}

func account(id string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", AccountID: id}, nil
	})
}

// TestEncoderKnowsEveryType: what the encoder leaves out, no input has.
func TestEncoderKnowsEveryType(t *testing.T) {
	t.Parallel()
	known := []smithy.ShapeType{
		smithy.ShapeTypeBoolean, smithy.ShapeTypeString, smithy.ShapeTypeEnum, smithy.ShapeTypeInteger, smithy.ShapeTypeLong,
		smithy.ShapeTypeBlob, smithy.ShapeTypeList, smithy.ShapeTypeMap, smithy.ShapeTypeStructure, smithy.ShapeTypeUnion,
	}
	seen := map[smithy.ShapeID]bool{}
	var walk func(s *smithy.Schema)
	walk = func(s *smithy.Schema) {
		if !slices.Contains(known, s.Type()) {
			t.Errorf("%v has type %v", s.ID(), s.Type())
		}
		for _, m := range s.Members() {
			if !seen[m.TargetID()] {
				seen[m.TargetID()] = true
				walk(m)
			}
		}
	}
	for _, op := range []*operation{putItem, updateItem, deleteItem, getItem, query, scan, batchGetItem, batchWriteItem, transactWriteItems} {
		walk(op.schema.Input)
	}
	if len(seen) < 20 {
		t.Errorf("looked at %d shapes", len(seen))
	}
}
