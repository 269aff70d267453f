package signedhttp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// signingKey is the key that requests of one day are signed with, by Signature
// Version 4. Deriving it takes four HMACs.
type signingKey struct {
	id, secret, day, region, service string

	scope string
	macs  sync.Pool // hash.Hash, keyed
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z" // of X-Amz-Date; its first eight bytes are the day
)

// keyOf returns the key of a day, "20060102", derived once.
func (c *Client) keyOf(credentials *aws.Credentials, day string, t *Target) *signingKey {
	k := c.key.Load()
	if k == nil || k.id != credentials.AccessKeyID || k.secret != credentials.SecretAccessKey ||
		k.day != day || k.region != t.Region || k.service != t.Service {
		k = newSigningKey(credentials, day, t.Region, t.Service)
		c.key.Store(k)
	}
	return k
}

func newSigningKey(credentials *aws.Credentials, day, region, service string) *signingKey {
	key := []byte("AWS4" + credentials.SecretAccessKey)
	for _, part := range []string{day, region, service, "aws4_request"} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return &signingKey{
		id: credentials.AccessKeyID, secret: credentials.SecretAccessKey, day: day, region: region, service: service,
		scope: day + "/" + region + "/" + service + "/aws4_request",
		macs:  sync.Pool{New: func() any { return hmac.New(sha256.New, key) }},
	}
}

// The headers that are signed, where a request has them, in the order of their names.
// The SDK signs the same.
var signedHeaders = []struct{ name, lower string }{
	{"Accept-Encoding", "accept-encoding"},
	{"Amz-Sdk-Invocation-Id", "amz-sdk-invocation-id"},
	{"Amz-Sdk-Request", "amz-sdk-request"},
	{"", "content-length"},
	{"Content-Type", "content-type"},
	{"", "host"},
	{"Range", "range"},
	{"X-Amz-Content-Sha256", "x-amz-content-sha256"},
	{"X-Amz-Date", "x-amz-date"},
	{"X-Amz-Security-Token", "x-amz-security-token"},
	{"X-Amz-Target", "x-amz-target"},
}

// maxNames is the length of all names of signedHeaders.
const maxNames = 160

// sign returns the Authorization header of a request, whose body has the hash given
// and whose X-Amz-Date is date. It writes into scratch, which it returns grown.
func (k *signingKey) sign(r *http.Request, body [sha256.Size]byte, date string, scratch []byte) (authorization string, grown []byte) {
	var room [maxNames]byte
	b, names := canonicalRequest(scratch[:0], room[:0], r, body, k.service == serviceS3)
	canonical := sha256.Sum256(b)

	b = appendAll(b[:0], algorithm, "\n", date, "\n", k.scope, "\n")
	b = hex.AppendEncode(b, canonical[:])
	mac, ok := k.macs.Get().(hash.Hash)
	if !ok {
		return "", b
	}
	mac.Reset()
	mac.Write(b)
	signature := mac.Sum(canonical[:0])
	k.macs.Put(mac)

	b = appendAll(b[:0], algorithm, " Credential=", k.id, "/", k.scope, ", SignedHeaders=")
	b = append(append(b, names...), ", Signature="...)
	b = hex.AppendEncode(b, signature)
	return string(b), b
}

// serviceS3 is the one service whose signature takes a path as it is sent.
const serviceS3 = "s3"

// canonicalRequest appends what is signed of a request to b, and the names of the
// signed headers to names.
func canonicalRequest(b, names []byte, r *http.Request, body [sha256.Size]byte, asSent bool) (canonical, signed []byte) {
	path := r.URL.EscapedPath()
	if path != "/" && !asSent {
		path = httpbinding.EscapePath(path, false) // once more, as the signature wants it
	}
	b = appendAll(b, r.Method, "\n", path, "\n", r.URL.RawQuery, "\n")
	for _, h := range signedHeaders {
		switch v := r.Header[h.name]; {
		case h.lower == "content-length" && r.ContentLength > 0:
			b = strconv.AppendInt(append(b, "content-length:"...), r.ContentLength, 10)
		case h.lower == "host":
			b = appendAll(b, "host:", r.Host)
		case len(v) > 0:
			b = appendAll(b, h.lower, ":", v[0])
		default:
			continue
		}
		b, names = append(b, '\n'), append(append(names, h.lower...), ';')
	}
	names = names[:len(names)-1]
	b = append(append(append(b, '\n'), names...), '\n')
	return hex.AppendEncode(b, body[:]), names
}

func appendAll(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
