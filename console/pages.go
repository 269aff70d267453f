package console

import (
	"embed"
	"io/fs"
	"net/http"

	"daybook/events"
)

//go:embed static
var static embed.FS

// pages serves the embedded files.
func pages() http.Handler {
	files, _ := fs.Sub(static, "static") // it is embedded
	serve := http.StripPrefix("/console/", http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeProblem(w, events.Errorf(events.CodeMethodNotAllowed, "the console's pages are there to be read"))
			return
		}
		w.Header().Set("Cache-Control", "no-cache") // another build may answer here next
		serve.ServeHTTP(w, r)
	})
}
