package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

const (
	targetTables  = "DynamoDB_20120810."
	targetStreams = "DynamoDBStreams_20120810."
	contentType   = "application/x-amz-json-1.0"

	// maxRequest is the largest body DynamoDB takes, in bytes.
	maxRequest = 16 << 20
)

// answer is what goes back to a client.
type answer struct {
	status int
	body   []byte
	lost   bool // the connection fails instead
}

// answer carries out one request. It never panics: a bug becomes an
// InternalServerError and a line in the log.
func (db *DB) answer(ctx context.Context, target string, body []byte) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			db.opts.Log.ErrorContext(ctx, "embedded dynamodb: a request failed on a bug",
				"target", target, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			a = errorAnswer(internalError())
		}
	}()
	op, ok := db.operations[target]
	if !ok {
		return errorAnswer(unknownOperationFor(target))
	}
	if !db.enter() {
		return errorAnswer(internalError())
	}
	defer db.leave()
	faults := db.faults
	if op.spared {
		faults = nil
	}
	if a, refused := faults.before(); refused {
		return a
	}
	out, err := op.run(db, body, make([]byte, 0, 1024))
	if err != nil {
		e, internal := asAPIError(err)
		if internal {
			db.opts.Log.ErrorContext(ctx, "embedded dynamodb: a request failed", "target", target, "error", err)
		}
		return errorAnswer(e)
	}
	return answer{status: http.StatusOK, body: out, lost: faults.loseAnswer()}
}

func unknownOperationFor(target string) *apiError {
	for _, prefix := range []string{targetTables, targetStreams} {
		if name, ok := strings.CutPrefix(target, prefix); ok {
			return unknownOperation("The operation " + name + " is not supported by this engine")
		}
	}
	return unknownOperation("")
}

func errorAnswer(e *apiError) answer { return answer{status: e.status, body: e.appendTo(nil)} }

// header sets the headers of an answer.
func (a answer) header(h http.Header) {
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	h["X-Amz-Crc32"] = []string{strconv.FormatUint(uint64(crc32.ChecksumIEEE(a.body)), 10)}
	h["X-Amzn-Requestid"] = []string{requestID()}
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToUpper(hex.EncodeToString(b[:]))
}

// bodies are buffers for request bodies. Nothing of a request outlives it.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readBody reads a request's body into a buffer of the pool.
func readBody(r io.Reader) (*bytes.Buffer, error) {
	buf := bodies.Get().(*bytes.Buffer)
	buf.Reset()
	if r == nil {
		return buf, nil
	}
	n, err := buf.ReadFrom(io.LimitReader(r, maxRequest+1))
	if err != nil {
		return buf, err
	}
	if n > maxRequest {
		return buf, &apiError{
			status: http.StatusRequestEntityTooLarge, kind: prefixService + "RequestEntityTooLargeException",
			message: "The request body is larger than 16 MB",
		}
	}
	return buf, nil
}

func (db *DB) serve(ctx context.Context, target string, body io.Reader) (answer, error) {
	buf, err := readBody(body)
	defer bodies.Put(buf)
	if err != nil {
		if e, internal := asAPIError(err); !internal {
			return errorAnswer(e), nil
		}
		return answer{}, err
	}
	return db.answer(ctx, target, buf.Bytes()), nil
}

// ServeHTTP speaks DynamoDB's wire protocol, JSON 1.0: the operation in
// X-Amz-Target, the request in the body. Signatures are not checked. A fault
// that loses an answer closes the connection.
func (db *DB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	if r.Method != http.MethodPost {
		_, _ = io.WriteString(w, "healthy: embedded dynamodb\n") // the client has gone
		return
	}
	a, err := db.serve(r.Context(), target, r.Body)
	if err != nil || a.lost {
		panic(http.ErrAbortHandler)
	}
	a.header(w.Header())
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client has gone
}

// lostAnswerError is what a client sees of an answer that was lost.
type lostAnswerError struct{}

func (lostAnswerError) Error() string   { return "embedded: connection reset before the answer" }
func (lostAnswerError) Timeout() bool   { return false }
func (lostAnswerError) Temporary() bool { return true }

// ErrAnswerLost is the round trip's error when a fault has lost the answer. The
// request may have been carried out.
var ErrAnswerLost error = lostAnswerError{}

// roundTripper answers requests without a socket.
type roundTripper struct{ db *DB }

// RoundTripper returns a transport that hands requests to the database in
// memory, whatever host they name. It respects the request's context.
func (db *DB) RoundTripper() http.RoundTripper { return roundTripper{db} }

// RoundTrip answers one request.
func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if r.Body != nil {
		defer r.Body.Close() //nolint:errcheck // nothing was written to it
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var body io.Reader
	if r.Body != nil {
		body = r.Body
	}
	a, err := t.db.serve(ctx, r.Header.Get("X-Amz-Target"), body)
	if err != nil {
		return nil, err
	}
	if a.lost {
		return nil, ErrAnswerLost
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	resp := &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, 4), Body: io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)), Request: r,
	}
	a.header(resp.Header)
	return resp, nil
}
