package kms_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/kms"
	"daybook/localstack/wire"
	"daybook/messaging"
)

// client is the functions' client of a server with the key in that file.
func client(t *testing.T, path string) *messaging.KMS {
	t.Helper()
	server, err := kms.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return messaging.NewKMS("alias/shop-local-personal", messaging.Options{
		Region: "us-east-1", Endpoint: "http://kms.embedded", Credentials: dynamo.StaticCredentials("a", "b"), Transport: wire.Transport(server), Attempts: 1,
	})
}

func TestWrapsForOneSubject(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "personal.key")
	first := client(t, path)
	plain, wrapped, err := first.Generate(t.Context(), "user/7")
	if err != nil || len(plain) != 32 || strings.Contains(string(wrapped), string(plain)) {
		t.Fatalf("%d bytes, %v", len(plain), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	again := client(t, path) // a restart
	if got, err := again.Unwrap(t.Context(), "user/7", wrapped); err != nil || string(got) != string(plain) {
		t.Errorf("%x, %v", got, err)
	}
	for name, unwrap := range map[string]func() ([]byte, error){
		"another subject": func() ([]byte, error) { return again.Unwrap(t.Context(), "user/8", wrapped) },
		"another key":     func() ([]byte, error) { return client(t, "").Unwrap(t.Context(), "user/7", wrapped) },
		"an altered key":  func() ([]byte, error) { return again.Unwrap(t.Context(), "user/7", append([]byte{1}, wrapped...)) },
	} {
		if got, err := unwrap(); events.CodeOf(err) != events.CodeInternal || got != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestDamagedKeyIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "personal.key")
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.Open(path, slog.Default()); err == nil || !strings.Contains(err.Error(), "5 bytes, not the 32") {
		t.Errorf("%v", err)
	}
}
