package console

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"daybook/events"
	"daybook/functions/names"
)

// policy lets pages run and load what this origin serves, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// tokenHeader is on every request of the pages. A page of another origin can't set it
// without asking first (CORS), and is not answered then.
const tokenHeader = "X-Daybook-Console"

// guard keeps other web pages out: those that made a name of their own lead here (DNS
// rebinding), and those that send requests to this address (CSRF).
func (c *Console) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if err := c.admit(r); err != nil {
			writeProblem(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *Console) admit(r *http.Request) error {
	if !c.ownHost(r.Host) {
		return events.Errorf(events.CodeForbidden, "the console is not served under the name %q: call it by the address that was printed", r.Host)
	}
	if !strings.HasPrefix(r.URL.Path, "/console/api/") {
		return nil
	}
	given := r.Header.Get(tokenHeader)
	switch {
	case !sameOrigin(r):
		return events.Errorf(events.CodeForbidden, "requests of other origins are refused")
	case given == "":
		return events.Errorf(events.CodeForbidden, "the header %s is missing", tokenHeader)
	case c.o.Token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(c.o.Token)) != 1:
		return events.Errorf(events.CodeUnauthenticated, "this page has no token of the console, or an old one: open the whole address that was printed when the console started")
	}
	return nil
}

// ownHost reports whether a request came under a name of the console's own. An IP
// address is fine: nobody can make it lead elsewhere.
func (c *Console) ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host) != nil || slices.Contains(c.o.Hosts, host)
}

// sameOrigin reports whether a request was not sent by a page of another origin.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

// tenant is whose rows and commands a page asks for, "" for none. An application without
// tenants has none to ask for.
func (c *Console) tenant(r *http.Request) string {
	if !c.o.App.Tenancy.On() {
		return ""
	}
	return r.Header.Get(names.TenantHeader)
}
