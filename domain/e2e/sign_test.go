package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signer signs requests for a service of AWS; nil signs nothing.
type signer struct {
	region, service string
	credentials     aws.Credentials
}

// signerOf returns what DAYBOOK_SIGN asks for: the caller whose keys are in the
// environment, in that region. Nil for a target that takes requests as they are.
func signerOf(service string) *signer {
	region := os.Getenv("DAYBOOK_SIGN")
	if region == "" {
		return nil
	}
	return &signer{region: region, service: service, credentials: aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}}
}

// sign adds a signature of version 4 to a request.
func (s *signer) sign(t *testing.T, r *http.Request) {
	t.Helper()
	if s == nil {
		return
	}
	var body []byte
	if r.GetBody != nil {
		copied, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(copied); err != nil {
			t.Fatal(err)
		}
	}
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(t.Context(), s.credentials, r, hex.EncodeToString(hash[:]), s.service, s.region, time.Now()); err != nil {
		t.Fatal(err)
	}
}
