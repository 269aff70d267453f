package synth

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeNode makes a program that answers --version, and has the CDK use it.
func fakeNode(t *testing.T, version string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "node")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho "+version+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JSII_NODE", path)
}

func TestNodeThatTheCDKRunsOn(t *testing.T) {
	for version, want := range map[string]string{
		"v18.19.0": "the CDK needs Node 20 or newer, and %s is v18.19.0; install a newer one, or name it in JSII_NODE",
		"v9.0.0":   "is v9.0.0",
		"v20.0.0":  "",
		"v24.11.1": "",
		"nonsense": "is nonsense",
	} {
		t.Run(version, func(t *testing.T) {
			fakeNode(t, version)
			err := checkNode(t.Context())
			if want == "" {
				if err != nil {
					t.Errorf("Node %s: %v", version, err)
				}
				return
			}
			want = strings.ReplaceAll(want, "%s", os.Getenv("JSII_NODE"))
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Node %s: %v, want one line with %q", version, err, want)
			}
		})
	}
	t.Setenv("JSII_NODE", filepath.Join(t.TempDir(), "node"))
	if err := checkNode(t.Context()); err == nil || !strings.Contains(err.Error(), "does not run") {
		t.Errorf("without Node: %v", err)
	}
}

// package.json and the guide name the version that the app asks for; .ci/run
// reads package.json.
func TestOneNodeVersion(t *testing.T) {
	t.Parallel()
	read := func(path string) []byte {
		data, err := os.ReadFile(filepath.Join("..", "..", path))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var pkg struct{ Engines struct{ Node string } }
	if err := json.Unmarshal(read("package.json"), &pkg); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(">=%d", oldestNode); pkg.Engines.Node != want {
		t.Errorf("package.json asks for Node %s, want %s", pkg.Engines.Node, want)
	}
	if want := fmt.Sprintf("Node %d or newer", oldestNode); !strings.Contains(string(read("docs/deploy.md")), want) {
		t.Errorf("docs/deploy.md does not say %q", want)
	}
	if want := "engines.node"; !strings.Contains(string(read(".ci/run")), want) {
		t.Errorf(".ci/run does not read %s of package.json", want)
	}
}
