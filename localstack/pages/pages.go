package pages

import (
	"bytes"
	"embed"
	"encoding/json/v2"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Docs is the path of the documentation, below the API's prefix.
const Docs = "docs"

// policy lets a page have what this package serves and speak to the API beside it:
// no script, style or address of elsewhere, no script within a page, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page swagger-ui
var files embed.FS

//go:embed home.html
var home string

// Handler is an http.Handler that shows the pages and leaves all else to the API.
type Handler struct {
	api    http.Handler
	prefix string // of all paths: "" or "/" and a stage
	docs   http.Handler
	home   *template.Template
}

// tenantField asks for the tenant of the requests that the documentation sends.
const tenantField = `<li><label>Tenant <input id="tenant" placeholder="acme" autocomplete="off" spellcheck="false"></label></li>`

// New returns a handler in front of an API whose paths have a prefix. With tenants, the
// documentation asks whose requests it sends.
func New(api http.Handler, prefix string, tenants bool) *Handler {
	static := http.FileServerFS(files)
	docs := http.NewServeMux()
	docs.Handle("/swagger-ui/", static)
	if tenants {
		index, _ := files.ReadFile("page/index.html") // embedded
		index = bytes.Replace(index, []byte("</ul></nav>"), []byte(tenantField+"</ul></nav>"), 1)
		docs.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(index) // the browser has gone
		})
	}
	docs.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL.Path = "/page" + r.URL.Path
		static.ServeHTTP(w, r)
	})
	return &Handler{
		api: api, prefix: prefix, docs: http.StripPrefix(prefix+"/"+Docs, docs),
		home: template.Must(template.New("home").Parse(home)),
	}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, reads := strings.TrimPrefix(r.URL.Path, h.prefix), r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case !reads || !strings.HasPrefix(r.URL.Path, h.prefix):
		h.api.ServeHTTP(w, r)
	case path == "/":
		w.Header().Set("Vary", "Accept")
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
			h.api.ServeHTTP(w, r)
			return
		}
		h.entrance(w, r)
	case path == "/"+Docs:
		http.Redirect(w, r, Docs+"/", http.StatusFound)
	case strings.HasPrefix(path, "/"+Docs+"/"):
		secure(w.Header())
		h.docs.ServeHTTP(w, r)
	default:
		h.api.ServeHTTP(w, r)
	}
}

// secure sets what holds of every page.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
}

// Link is an address of the API's entrance.
type Link struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	Href   string `json:"href"`
}

// entrance shows what the API answers to GET / as a page of links.
func (h *Handler) entrance(w http.ResponseWriter, r *http.Request) {
	asked := r.Clone(r.Context())
	asked.Method = http.MethodGet
	asked.Header.Set("Accept", "application/json")
	answer := httptest.NewRecorder()
	h.api.ServeHTTP(answer, asked)
	var there struct {
		Title    string `json:"title"`
		Links    []Link `json:"links"`
		Views    []Link `json:"views"`
		Commands []Link `json:"commands"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &there); err != nil || answer.Code != http.StatusOK {
		h.api.ServeHTTP(w, r) // as a client is told
		return
	}
	var page bytes.Buffer
	if err := h.home.Execute(&page, there); err != nil {
		http.Error(w, "the page can't be written", http.StatusInternalServerError)
		return
	}
	secure(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page.Bytes()) // the browser has gone
}
