package wire

import (
	"io"
	"net/http"
	"strings"
)

// maxDrain is how much of a body that a service left unread is read for it, in
// bytes: the largest request that any of them takes.
const maxDrain = 16 << 20

// Router gives several services one address, as an AWS client with one endpoint
// URL expects it. A nil service answers nothing; what belongs to none goes to
// Tables.
type Router struct {
	Tables    http.Handler // DynamoDB and its streams
	Queue     http.Handler // SQS
	Bus       http.Handler // EventBridge
	Schedules http.Handler // EventBridge Scheduler
	Functions http.Handler // Lambda
	Keys      http.Handler // KMS
}

// ServeHTTP finds a request's service by its target or, for a service that has
// no targets, its path. It reads what the service has left of the body: net/http
// closes a connection with more than 256 KB unread, and a client that is still
// writing then sees a broken connection in place of the answer.
func (rt Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt.route(w, r)
	_, _ = io.CopyN(io.Discard, r.Body, maxDrain) // the client has gone, or sent less
}

func (rt Router) route(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case rt.Queue != nil && strings.HasPrefix(target, "AmazonSQS."):
		rt.Queue.ServeHTTP(w, r)
	case rt.Bus != nil && strings.HasPrefix(target, "AWSEvents."):
		rt.Bus.ServeHTTP(w, r)
	case rt.Keys != nil && strings.HasPrefix(target, "TrentService."):
		rt.Keys.ServeHTTP(w, r)
	case rt.Schedules != nil && target == "" && (r.URL.Path == "/schedules" || strings.HasPrefix(r.URL.Path, "/schedules/")):
		rt.Schedules.ServeHTTP(w, r)
	case rt.Functions != nil && target == "" && strings.HasPrefix(r.URL.Path, "/2015-03-31/"):
		rt.Functions.ServeHTTP(w, r)
	default:
		rt.Tables.ServeHTTP(w, r)
	}
}
