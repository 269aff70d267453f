package api

import "context"

type contextKey int

const (
	actorKey contextKey = iota
	grantsKey
	requestIDKey
	tenantKey
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

// Grants are what the adapter in front has verified that the sender of a request may
// do. The zero value grants nothing that needs a scope.
type Grants struct {
	// Scopes are those of the caller's token.
	Scopes []string
	// IAM says that the gateway asked IAM policies, which know methods and paths, and
	// no scopes. A command that needs a scope must then have come by a route of its
	// own, Route.
	IAM   bool
	Route string // path of the route by which the gateway authorized the request
}

// WithGrants says what the sender of the request may do.
func WithGrants(ctx context.Context, g Grants) context.Context {
	return context.WithValue(ctx, grantsKey, g)
}

func grantsOf(ctx context.Context) Grants {
	g, _ := ctx.Value(grantsKey).(Grants)
	return g
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

// WithTenant says whose request it is: the tenant that the adapter in front has verified.
func WithTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey, tenant)
}

func tenantOf(ctx context.Context) string {
	tenant, _ := ctx.Value(tenantKey).(string)
	return tenant
}
