package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// club answers GET / as the API does, and names the path of everything else.
func club(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if strings.TrimPrefix(r.URL.Path, "/local") == "/" {
		_, _ = w.Write([]byte(`{"title":"Club <3","links":[{"name":"docs","href":"docs"},{"name":"openapi","href":"openapi.json"}],` +
			`"views":[{"name":"members","href":"members"}],"commands":[{"name":"join","method":"POST","href":"commands/join"}]}`))
		return
	}
	_, _ = w.Write([]byte(`{"path":"` + r.URL.EscapedPath() + `"}`))
}

func get(h http.Handler, target, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestEntrance: a browser is shown a page, whose links lead on behind any prefix; a
// client gets the API's own answer.
func TestEntrance(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/local"} {
		h := New(http.HandlerFunc(club), prefix, false)
		page := get(h, prefix+"/", browser)
		for _, want := range []string{"<title>Club &lt;3</title>", `href="docs"`, `href="openapi.json"`, `href="docs/#/views/list-members"`, `href="docs/#/commands/join"`} {
			if !strings.Contains(page.Body.String(), want) {
				t.Errorf("no %s in %s", want, page.Body)
			}
		}
		if page.Header().Get("Content-Security-Policy") != policy || page.Header().Get("Content-Type") != "text/html; charset=utf-8" || page.Header().Get("Vary") != "Accept" {
			t.Errorf("headers %v", page.Header())
		}
		for _, accept := range []string{"", "*/*", "application/json"} {
			w := get(h, prefix+"/", accept)
			if w.Header().Get("Content-Type") != "application/json" || !strings.HasPrefix(w.Body.String(), `{"title"`) || w.Header().Get("Vary") != "Accept" {
				t.Errorf("Accept %q: got %v %s", accept, w.Header(), w.Body)
			}
		}
	}
}

// TestAllElseIsTheAPIs, as it came: no path is cleaned or decoded on its way, and a
// page takes no other method.
func TestAllElseIsTheAPIs(t *testing.T) {
	t.Parallel()
	h := New(http.HandlerFunc(club), "/local", false)
	for _, target := range []string{"/local/docsx", "/local/users//7", "/local/users/a%2Fb", "/local/users/../docs/", "/docs/", "/", "/local/doc"} {
		w := get(h, target, browser)
		if want := `{"path":"` + target + `"}`; target != "/" && w.Body.String() != want {
			t.Errorf("%s: got %d %s", target, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest("POST", "/local/docs/", nil)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Body.String() != `{"path":"/local/docs/"}` {
		t.Errorf("POST: got %d %s", w.Code, w.Body)
	}
}

// TestEntranceOfAFailingAPI shows the failure and no page.
func TestEntranceOfAFailingAPI(t *testing.T) {
	t.Parallel()
	h := New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }), "", false)
	if w := get(h, "/", browser); w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d", w.Code)
	}
}

// address finds what a page loads and where its links lead.
var address = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

// TestDocs: the page and all it loads are there, relative to it, with a policy that
// the page keeps: no script or style within it, none from elsewhere.
func TestDocs(t *testing.T) {
	t.Parallel()
	h := New(http.HandlerFunc(club), "/local", false)
	if w := get(h, "/local/docs", browser); w.Code != http.StatusFound || w.Header().Get("Location") != "/local/docs/" {
		t.Fatalf("got %d to %s", w.Code, w.Header().Get("Location"))
	}
	page := get(h, "/local/docs/", browser)
	if page.Code != http.StatusOK || page.Header().Get("Content-Security-Policy") != policy {
		t.Fatalf("got %d %v", page.Code, page.Header())
	}
	if inline := regexp.MustCompile(`<style|style=|<script>| on[a-z]+=`).FindString(page.Body.String()); inline != "" {
		t.Errorf("the page has %s within it", inline)
	}
	loaded := 0
	for _, found := range address.FindAllStringSubmatch(page.Body.String(), -1) {
		if strings.HasPrefix(found[1], "data:") || strings.HasPrefix(found[1], "..") {
			continue
		}
		loaded++
		w := get(h, path.Join("/local/docs", found[1]), "*/*")
		kind := w.Header().Get("Content-Type")
		if w.Code != http.StatusOK || !strings.HasPrefix(kind, "text/css") && !strings.HasPrefix(kind, "text/javascript") {
			t.Errorf("%s: got %d %s", found[1], w.Code, kind)
		}
	}
	if loaded != 4 {
		t.Errorf("the page loads %d files, want 4", loaded)
	}
}

// TestVendoredFilesAreThoseOfTheManifest: Swagger UI is as it came, with its licence.
func TestVendoredFilesAreThoseOfTheManifest(t *testing.T) {
	t.Parallel()
	raw, err := fs.ReadFile(files, "swagger-ui/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Package string            `json:"package"`
		Version string            `json:"version"`
		SHA256  map[string]string `json:"sha256"`
	}
	if err := json.Unmarshal(raw, &manifest, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("vendor.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\npackage=" + manifest.Package + "\n", "\nversion=" + manifest.Version + "\n"} {
		if !strings.Contains(string(script), want) {
			t.Errorf("vendor.sh has no line %q", want)
		}
	}
	there, err := fs.ReadDir(files, "swagger-ui")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range there {
		if file.Name() == "manifest.json" {
			continue
		}
		body, err := fs.ReadFile(files, "swagger-ui/"+file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(body); manifest.SHA256[file.Name()] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has the sum %x, the manifest says %q", file.Name(), sum, manifest.SHA256[file.Name()])
		}
	}
	if names := there; len(names) != len(manifest.SHA256)+1 || !slices.ContainsFunc(names, func(e fs.DirEntry) bool { return e.Name() == "LICENSE" }) {
		t.Errorf("%d files, %d in the manifest", len(names), len(manifest.SHA256))
	}
}

// TestTenantField: the documentation of an application with tenants asks whose requests
// it sends, in the field that its script reads.
func TestTenantField(t *testing.T) {
	t.Parallel()
	for _, tenants := range []bool{false, true} {
		h := New(http.HandlerFunc(club), "/local", tenants)
		page := get(h, "/local/docs/", browser)
		if has := strings.Contains(page.Body.String(), `<input id="tenant"`); page.Code != http.StatusOK || has != tenants || page.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("tenants %t: %d %v %s", tenants, page.Code, page.Header(), page.Body)
		}
		if script := get(h, "/local/docs/docs.js", "*/*").Body.String(); !strings.Contains(script, `querySelector("#tenant")`) {
			t.Errorf("the script has no use for the field: %s", script)
		}
	}
}
