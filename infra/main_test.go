package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// A wrong setting is one message and status 1: nothing is built, Node is not
// started, and there is no stack trace.
func TestWrongSettingEndsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: links the app")
	}
	t.Parallel()
	cmd := exec.Command("go", "run", "./infra")
	cmd.Dir = ".."
	cmd.Env = append(cmd.Environ(), `CDK_CONTEXT_JSON={"stagee":"x"}`, "JSII_NODE=/does/not/exist")
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	if err == nil {
		t.Fatal("the app took a setting that there is not")
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	want := "daybook: setting stagee (context): there is no such setting; did you mean \"stage\"?"
	if lines[0] != want || len(lines) != 2 || lines[1] != "exit status 1" { // the second is go run's
		t.Errorf("the app said %q, want %q", lines, want)
	}
}
