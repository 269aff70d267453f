package signed

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
func (c *Client) keyOf(credentials *aws.Credentials, day string, t *target) *signingKey {
	k := c.key.Load()
	if k == nil || k.id != credentials.AccessKeyID || k.secret != credentials.SecretAccessKey ||
		k.day != day || k.region != t.region || k.service != t.service {
		k = newSigningKey(credentials, day, t.region, t.service)
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

// The headers that are signed, in the order of their names. The SDK signs the same.
var signedHeaders = []struct{ name, lower string }{
	{"Accept-Encoding", "accept-encoding"},
	{"Amz-Sdk-Invocation-Id", "amz-sdk-invocation-id"},
	{"Amz-Sdk-Request", "amz-sdk-request"},
	{"", "content-length"},
	{"Content-Type", "content-type"},
	{"", "host"},
	{"X-Amz-Date", "x-amz-date"},
	{"X-Amz-Security-Token", "x-amz-security-token"},
	{"X-Amz-Target", "x-amz-target"},
}

// The names of signedHeaders, with and without a session token.
const (
	namesWithToken = "accept-encoding;amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
	namesNoToken   = "accept-encoding;amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;x-amz-target"
)

// sign returns the Authorization header of a request, whose body has the hash given
// and whose X-Amz-Date is date. It writes into scratch, which it returns grown.
func (k *signingKey) sign(r *http.Request, body [sha256.Size]byte, date string, scratch []byte) (authorization string, grown []byte) {
	names := namesNoToken
	if r.Header["X-Amz-Security-Token"] != nil {
		names = namesWithToken
	}
	canonical := sha256.Sum256(canonicalRequest(scratch[:0], r, names, body))

	b := appendAll(scratch[:0], algorithm, "\n", date, "\n", k.scope, "\n")
	b = hex.AppendEncode(b, canonical[:])
	mac, ok := k.macs.Get().(hash.Hash)
	if !ok {
		return "", b
	}
	mac.Reset()
	mac.Write(b)
	signature := mac.Sum(canonical[:0])
	k.macs.Put(mac)

	b = appendAll(b[:0], algorithm, " Credential=", k.id, "/", k.scope, ", SignedHeaders=", names, ", Signature=")
	b = hex.AppendEncode(b, signature)
	return string(b), b
}

func canonicalRequest(b []byte, r *http.Request, names string, body [sha256.Size]byte) []byte {
	path := r.URL.EscapedPath()
	if path != "/" {
		path = httpbinding.EscapePath(path, false) // once more, as the signature wants it
	}
	b = appendAll(b, r.Method, "\n", path, "\n\n") // no query
	for _, h := range signedHeaders {
		switch h.lower {
		case "content-length":
			b = strconv.AppendInt(appendAll(b, "content-length:"), r.ContentLength, 10)
		case "host":
			b = appendAll(b, "host:", r.Host)
		default:
			v := r.Header[h.name]
			if len(v) == 0 {
				continue
			}
			b = appendAll(b, h.lower, ":", v[0])
		}
		b = append(b, '\n')
	}
	b = appendAll(b, "\n", names, "\n")
	return hex.AppendEncode(b, body[:])
}

func appendAll(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
