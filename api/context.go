package api

import "context"

type contextKey int

const (
	actorKey contextKey = iota
	requestIDKey
)

// WithActor says who sends the request: the subject that the adapter in front
// has verified. Commands without one have an empty actor.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey, actor)
}

func actorOf(ctx context.Context) string {
	actor, _ := ctx.Value(actorKey).(string)
	return actor
}

// WithRequestID names the request, as the infrastructure in front has. A request
// without a name gets one; either is answered as X-Request-Id and logged.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey, id)
}

func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}
