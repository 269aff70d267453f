package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"
	"uuid"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// outcome is how an invocation ended.
type outcome struct {
	answer []byte
	err    error
}

// errTimeout is an invocation that the gateway has stopped waiting for.
var errTimeout = errors.New("the function has not answered in time")

// invoke runs the function and writes its answer. As behind API Gateway, the
// function goes on when the caller goes away, and when the gateway has answered
// in its place.
func (g *Gateway) invoke(w http.ResponseWriter, c call, event []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.request.Context()), g.timeout)
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: uuid.New().String()})
	ended := make(chan outcome, 1)
	go func() {
		defer cancel()
		g.execute(ctx, c, event, ended)
	}()
	var o outcome
	select {
	case o = <-ended:
	case <-ctx.Done():
		select {
		case o = <-ended: // its end canceled ctx
		default:
			o.err = errTimeout
		}
	}
	if o.err == nil && len(o.answer) > maxPayload {
		o.err = fmt.Errorf("an answer of %d bytes is over Lambda's %d", len(o.answer), maxPayload)
	}
	switch {
	case errors.Is(o.err, errTimeout):
		g.timedOut(ctx, w, c)
	case o.err != nil:
		g.fail(w, c.request, "a function failed", o.err)
	default:
		if err := c.write(w, o.answer); err != nil {
			g.fail(w, c.request, "a function's answer can't be an HTTP answer", err)
		}
	}
}

// execute runs the function to its end, however late, and sends what it returned in
// time.
func (g *Gateway) execute(ctx context.Context, c call, event []byte, ended chan<- outcome) {
	o := outcome{err: errors.New("the function's goroutine ended without an answer")}
	defer func() { // also when the function ends its goroutine
		if ctx.Err() != nil {
			o = outcome{err: errTimeout}
			g.options.Log.WarnContext(ctx, "a function returned after its time-out", "requestId", c.id, "took", time.Since(c.at).String())
		}
		<-g.busy // first: a caller that has its answer may send the next request
		ended <- o
	}()
	o.answer, o.err = run(ctx, c.function(), event)
}

// run invokes f. A panic is the function's failure, as a crash is in Lambda.
func run(ctx context.Context, f Function, event []byte) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the function panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return f(ctx, event)
}

// timedOut answers in place of a function that has not.
func (g *Gateway) timedOut(ctx context.Context, w http.ResponseWriter, c call) {
	g.options.Log.WarnContext(ctx, "a function timed out", "requestId", c.id, "method", c.request.Method, "path", c.path)
	if g.options.Format == RESTAPI {
		g.refuse(w, http.StatusGatewayTimeout)
		return
	}
	g.refuse(w, http.StatusServiceUnavailable)
}
