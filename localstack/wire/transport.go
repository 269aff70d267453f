package wire

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// ErrAnswerLost is the round trip's error when an answer did not arrive. The
// request may have been carried out.
var ErrAnswerLost = errors.New("wire: connection reset before the answer")

// Transport returns a transport that hands requests to h in memory, whatever
// host they name. It respects the request's context.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

// RoundTrip answers one request.
func (t transport) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
			answer, err = nil, ErrAnswerLost
		} else if p != nil {
			panic(p)
		}
	}()
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	served := r.Clone(ctx)
	if served.Body == nil {
		served.Body = http.NoBody
	}
	defer served.Body.Close() //nolint:errcheck // nothing was written to it
	served.Host = cmp.Or(served.Host, r.URL.Host)
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, served)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: w.status, Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.wrote = true
	return w.body.Write(b)
}
