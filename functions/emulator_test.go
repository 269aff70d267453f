package functions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"daybook/dynamo"
	"daybook/localstack/embedded"
)

// TestUnderAWSsEmulator runs the command function's main under AWS's own runtime
// interface emulator. The emulator is a program of another module, so CI builds it
// (`.ci/emulator`) and names it in DAYBOOK_RIE.
func TestUnderAWSsEmulator(t *testing.T) {
	emulator := os.Getenv("DAYBOOK_RIE")
	if emulator == "" {
		t.Skip("left out: DAYBOOK_RIE names no aws-lambda-rie; .ci/emulator builds it and runs this test")
	}
	invoke := startEmulator(t, emulator, filepath.Join(build(t), "command"))
	for i := range 4 { // the first starts the function, the others find it warm
		create := fmt.Sprintf(`{"id":"%d","payload":{"name":"Ada","email":"ada%d@example.com"}}`, i, i)
		event := `{"version":"2.0","rawPath":"/commands/create-member","requestContext":{"http":{"method":"POST"}},"headers":{"content-type":"application/json"},"body":` + quoted(t, create) + `}`
		if answer := invoke(event); !strings.Contains(answer, `"statusCode":201`) || !strings.Contains(answer, fmt.Sprintf(`member/%d@1`, i)) {
			t.Errorf("member %d: %s", i, answer)
		}
	}
	if answer := invoke(`{}`); !strings.Contains(answer, `"errorMessage"`) {
		t.Errorf("an event of another kind: %s", answer)
	}
}

// startEmulator runs a function under the emulator, and returns how to invoke it.
func startEmulator(t *testing.T, emulator, binary string) func(event string) string {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	database := httptest.NewServer(db)
	client := dynamo.New(dynamo.Options{Region: "eu-west-1", Endpoint: database.URL, Credentials: dynamo.StaticCredentials("a", "b")})
	if err := dynamo.Create(t.Context(), client, "test", dynamo.EventsTable(), dynamo.ClaimsTable()); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	var out bytes.Buffer
	process := exec.Command(emulator, "--runtime-interface-emulator-address", address, "--runtime-api-address", freeAddress(t), binary)
	process.Env = environment(database.URL, "PATH="+os.Getenv("PATH"))
	process.Stdout, process.Stderr = &out, &out
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the function is its child
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		_ = process.Wait() // it was killed
		database.Close()
		_ = db.Close() // nothing is kept
		if t.Failed() {
			t.Logf("the emulator said:\n%s", &out)
		}
	})
	url := "http://" + address + "/2015-03-31/functions/function/invocations"
	return func(event string) string {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		for {
			answer, err := post(ctx, url, event)
			if errors.Is(err, syscall.ECONNREFUSED) && ctx.Err() == nil {
				time.Sleep(20 * time.Millisecond) // it is starting, in a process of its own
				continue
			}
			if err != nil {
				return err.Error()
			}
			return answer
		}
	}
}

func post(ctx context.Context, url, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}

// freeAddress is an address on loopback that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it is to be free
	return l.Addr().String()
}
