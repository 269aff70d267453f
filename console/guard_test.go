package console_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"daybook/console"
)

// TestGuard: pages of other origins, and names that lead here, are refused.
func TestGuard(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	server := s.another(func(o *console.Options) { o.Token, o.Write, o.Hosts = "secret", true, []string{"tools.example"} })
	host := strings.TrimPrefix(server.URL, "http://")
	token := func(more ...string) http.Header {
		h := http.Header{"X-Daybook-Console": {"secret"}}
		for i := 0; i+1 < len(more); i += 2 {
			h[more[i]] = []string{more[i+1]}
		}
		return h
	}
	for name, c := range map[string]struct {
		method, path string
		header       http.Header
		want         int
	}{
		"a page needs no token":            {http.MethodGet, "/console/", http.Header{"X-Daybook-Console": nil}, 200},
		"the address without a slash":      {http.MethodGet, "/console", nil, 200},
		"with the token":                   {http.MethodGet, "/console/api/app", token(), 200},
		"another token":                    {http.MethodGet, "/console/api/app", http.Header{"X-Daybook-Console": {"secret2"}}, 401},
		"no token":                         {http.MethodGet, "/console/api/app", http.Header{"X-Daybook-Console": nil}, 403},
		"a name that leads here":           {http.MethodGet, "/console/api/app", token("Host", "evil.example:80"), 403},
		"a page under such a name":         {http.MethodGet, "/console/", token("Host", "evil.example"), 403},
		"localhost":                        {http.MethodGet, "/console/api/app", token("Host", "localhost:1"), 200},
		"a name of its own":                {http.MethodGet, "/console/api/app", token("Host", "tools.example"), 200},
		"another origin":                   {http.MethodGet, "/console/api/app", token("Origin", "http://evil.example"), 403},
		"another port":                     {http.MethodGet, "/console/api/app", token("Origin", "http://127.0.0.1:1"), 403},
		"an opaque origin":                 {http.MethodPost, "/console/api/redrive", token("Origin", "null"), 403},
		"its own origin":                   {http.MethodGet, "/console/api/app", token("Origin", "http://"+host), 200},
		"sent by another site":             {http.MethodPost, "/console/api/redrive", token("Sec-Fetch-Site", "cross-site"), 403},
		"sent by another port":             {http.MethodPost, "/console/api/redrive", token("Sec-Fetch-Site", "same-site"), 403},
		"sent by itself":                   {http.MethodPost, "/console/api/redrive", token("Sec-Fetch-Site", "same-origin"), 400}, // no body
		"an address that is not there":     {http.MethodGet, "/console/api/planets", token(), 404},
		"a method that is not there":       {http.MethodDelete, "/console/api/app", token(), 404},
		"a page that is not there":         {http.MethodGet, "/console/planets.js", nil, 404},
		"a page is there to be read":       {http.MethodPost, "/console/main.js", nil, 405},
		"outside of the embedded files":    {http.MethodGet, "/console/../console.go", nil, 404},
		"what others ask about in advance": {http.MethodOptions, "/console/api/redrive", http.Header{"X-Daybook-Console": nil, "Origin": {"http://evil.example"}}, 403},
	} {
		response, body := ask(t, c.method, server.URL+c.path, nil, c.header)
		if response.StatusCode != c.want {
			t.Errorf("%s: %d, want %d: %.200s", name, response.StatusCode, c.want, body)
		}
		if response.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: another origin may read the answer", name)
		}
		if csp := response.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", name, csp)
		}
	}
}

// TestVendored: what others wrote is as their packages have it.
func TestVendored(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("static/vendor/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct{ File, Package, Version, Integrity, Path, License, SHA256 string }
	if err := json.Unmarshal(text, &all, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"manifest.json": true}
	for _, f := range all {
		listed[f.File] = true
		data, err := os.ReadFile(filepath.Join("static/vendor", f.File))
		if err != nil {
			t.Error(err)
			continue
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("%s is not %s of %s@%s: its SHA-256 is %x", f.File, f.Path, f.Package, f.Version, sum)
		}
		if !strings.HasPrefix(f.Integrity, "sha512-") || f.License == "" {
			t.Errorf("%s: integrity %q, license %q", f.File, f.Integrity, f.License)
		}
	}
	entries, err := os.ReadDir("static/vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !listed[e.Name()] {
			t.Errorf("static/vendor/%s is not in the manifest", e.Name())
		}
	}
}

// TestPages: pages keep to the policy, and their modules exist.
func TestPages(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`<script>|<style|\son[a-z]+="|\sstyle="|\beval\(|new Function|https?://(?:[^w]|w[^w]|ww[^w]|www\.[^w]|www\.w[^3])`)
	imported := regexp.MustCompile(`from '([^']+)'`)
	err := filepath.WalkDir("static", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "vendor") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if found := forbidden.FindString(string(text)); found != "" {
			t.Errorf("%s has %q", path, found)
		}
		for _, m := range imported.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("static", m[1])); err != nil {
				t.Errorf("%s imports %s: %v", path, m[1], err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
