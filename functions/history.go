package functions

import (
	"context"
	"net/http"
	"strings"

	"daybook/api"
	"daybook/events"
)

type routeKey struct{}

// withRoute marks a context with the gateway's route of the request.
func withRoute(ctx context.Context, route string) context.Context {
	return context.WithValue(ctx, routeKey{}, route)
}

// historyByItsRoute refuses a history that the gateway has authorized as something
// else: who may query views could otherwise write the path in another way
// ("/%73treams/user/7") and come by the route for views. An event that names no
// route was not authorized by one.
func historyByItsRoute(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, _ := r.Context().Value(routeKey{}).(string)
		if strings.HasPrefix(r.URL.Path, "/streams/") && route != "" && !strings.HasPrefix(route, "/streams/") {
			api.WriteProblem(w, r, events.Errorf(events.CodeForbidden, "a history is asked for by a path that begins with /streams/"))
			return
		}
		h.ServeHTTP(w, r)
	})
}
