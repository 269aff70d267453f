package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"daybook/api"
	"daybook/functions/names"
)

// allowedHeaders are those that web pages of other origins may send: those that a
// deployed API allows, and those that this gateway reads for itself.
func allowedHeaders() []string {
	return slices.Concat(api.RequestHeaders(), api.AuthorizationHeaders(), []string{actorHeader, scopesHeader, names.TenantHeader})
}

// ValidOrigin reports whether s can be one of Options.CORSOrigins: an origin as
// browsers write it, such as http://localhost:5173, or *.
func ValidOrigin(s string) bool {
	if s == "*" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && s == u.Scheme+"://"+strings.ToLower(u.Host)
}

// cors does for web pages of other origins what an HTTP API with a CORS
// configuration does: it lets those that are allowed read the answer, and answers
// preflight requests, for any path, by itself. It reports whether it has.
func (g *Gateway) cors(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if len(g.options.CORSOrigins) == 0 || origin == "" {
		return false
	}
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	header := w.Header()
	if slices.Contains(g.options.CORSOrigins, "*") {
		origin = "*"
	} else {
		header.Add("Vary", "Origin")
	}
	if slices.Contains(g.options.CORSOrigins, origin) {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", strings.Join(api.AnswerHeaders(), ","))
		if preflight {
			header.Set("Access-Control-Allow-Methods", "GET,POST")
			header.Set("Access-Control-Allow-Headers", strings.Join(allowedHeaders(), ","))
			header.Set("Access-Control-Max-Age", "3600")
		}
	}
	if preflight {
		w.WriteHeader(http.StatusNoContent)
	}
	return preflight
}
