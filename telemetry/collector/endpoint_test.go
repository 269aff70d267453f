package collector_test

import (
	"testing"

	"daybook/telemetry/collector"
)

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"http://localhost:4318": "http://localhost:4318/v1/traces", "https://c.example/": "https://c.example/v1/traces",
		"https://c.example/tenant/traces": "https://c.example/tenant/traces",
		"localhost:4318":                  "", "": "", "grpc://c.example": "", "http://": "", "https://c.example?key=1": "", "https://user@c.example": "", "https://c.example#x": "",
	} {
		if got, err := collector.Endpoint(given); got != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q, %v, want %q", given, got, err, want)
		}
	}
}
