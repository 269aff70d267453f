package e2e

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// protected are one request of each kind that needs a permission of its own.
var protected = []struct{ policy, method, path, body string }{
	{"WRITE", "POST", "/commands/create-user", `{}`},
	{"WRITE", "POST", "/commands", `[]`},
	{"READ", "GET", "/users", ""},
	{"READ", "GET", "/users/7", ""},
	{"READ", "GET", "/openapi.json", ""},
	{"HISTORY", "GET", "/streams/user/7", ""},
}

// A deployment that asks who calls lets nobody else in.
func TestRefusal(t *testing.T) {
	if os.Getenv("DAYBOOK_SIGN") == "" && os.Getenv("DAYBOOK_AUTHORIZATION") == "" {
		t.Skip("left out: the target asks nobody who they are; with DAYBOOK_SIGN or DAYBOOK_AUTHORIZATION it does")
	}
	each(t, func(t *testing.T, c *client) {
		strangers := map[string]func(*http.Request){
			"nothing":        func(*http.Request) {},
			"a false token":  func(r *http.Request) { r.Header.Set("Authorization", "Bearer x.y.z") },
			"an unknown key": func(r *http.Request) { stranger("AKIAIOSFODNN7EXAMPLE").sign(t, r) },
		}
		for name, show := range strangers {
			t.Run(name, func(t *testing.T) {
				for _, p := range protected {
					r := c.request(p.method, p.path, p.body)
					show(r)
					if a := c.roundTrip(r); !a.refused() {
						t.Errorf("%s %s: %d %.200s", p.method, p.path, a.status, a.body)
					}
				}
			})
		}
	})
}

// The policies that the stack makes for callers let their holders do what they
// say, and nothing else.
func TestPolicies(t *testing.T) {
	if os.Getenv("DAYBOOK_WRITE_POLICY") == "" {
		t.Skip("left out: it makes users at an emulator's IAM, and needs DAYBOOK_WRITE_POLICY, _READ_ and _HISTORY_POLICY with the ARNs")
	}
	each(t, func(t *testing.T, c *client) {
		for _, policy := range []string{"WRITE", "READ", "HISTORY"} {
			caller := newUser(t, os.Getenv("DAYBOOK_"+policy+"_POLICY"))
			for _, p := range protected {
				r := c.request(p.method, p.path, p.body)
				caller.sign(t, r)
				if a := c.roundTrip(r); a.refused() == (p.policy == policy) {
					t.Errorf("%s %s by a holder of the %s policy: %d %.200s", p.method, p.path, policy, a.status, a.body)
				}
			}
		}
	})
}

// refused reports whether the caller was not let in.
func (a answer) refused() bool {
	return a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
}

// stranger signs with a key that nobody has.
func stranger(key string) *signer {
	region := os.Getenv("DAYBOOK_SIGN")
	if region == "" {
		region = "us-east-1"
	}
	return &signer{region: region, service: "execute-api", credentials: aws.Credentials{AccessKeyID: key, SecretAccessKey: "guessed"}}
}

// newUser makes a user who holds one policy, and signs as that user.
func newUser(t *testing.T, policy string) *signer {
	t.Helper()
	name := fresh("caller")
	askIAM(t, url.Values{"Action": {"CreateUser"}, "UserName": {name}})
	askIAM(t, url.Values{"Action": {"AttachUserPolicy"}, "UserName": {name}, "PolicyArn": {policy}})
	var made struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	answer := askIAM(t, url.Values{"Action": {"CreateAccessKey"}, "UserName": {name}})
	if err := xml.Unmarshal(answer, &made); err != nil || made.Secret == "" {
		t.Fatalf("an access key: %v in %s", err, answer)
	}
	s := signerOf("execute-api")
	s.credentials = aws.Credentials{AccessKeyID: made.ID, SecretAccessKey: made.Secret}
	return s
}

// askIAM calls the emulator's IAM.
func askIAM(t *testing.T, form url.Values) []byte {
	t.Helper()
	form.Set("Version", "2010-05-08")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, os.Getenv("AWS_ENDPOINT_URL")+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	signerOf("iam").sign(t, r)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("IAM %s: %d %s %v", form.Get("Action"), response.StatusCode, answer, err)
	}
	return answer
}
