#!/usr/bin/env bash
# github.com/awslabs/aws-lambda-go-api-proxy v0.16.2 (with aws-lambda-go v1.55.1):
# behind an HTTP API, a path that holds a percent sign does not reach the handler.
#
# An HTTP API of API Gateway hands paths over percent-decoded: a request for
# /users/ada%20l arrives with rawPath "/users/ada l". httpadapter.NewV2 puts rawPath
# into a URL as if it were still encoded. Spaces and letters beyond ASCII arrive, but
# with "% " the request is not handled: status 504, and an error for Lambda.
#
# Affected: a net/http service in Lambda behind an HTTP API whose ids, file or
# category names may have "%", with this adapter.
#
# Output on 2026-11-29:
#   "/users/ada l": 200 "/users/ada l"
#   "/users/λ": 200 "/users/λ"
#   "/users/50% off": 504, error: true
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir" && rm -rf "$dir"' EXIT
cd "$dir"
cat > main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

func main() {
	log.SetOutput(io.Discard)
	adapter := httpadapter.NewV2(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", r.URL.Path)
	}))
	for _, rawPath := range []string{"/users/ada l", "/users/λ", "/users/50% off"} {
		var e events.APIGatewayV2HTTPRequest
		e.Version, e.RawPath = "2.0", rawPath
		e.RequestContext.HTTP.Method = "GET"
		e.RequestContext.DomainName = "id.execute-api.eu-west-1.amazonaws.com"
		a, err := adapter.ProxyWithContext(context.Background(), e)
		if err != nil {
			fmt.Printf("seen: %q: %d, error: true\n", rawPath, a.StatusCode)
			continue
		}
		fmt.Printf("seen: %q: %d %s\n", rawPath, a.StatusCode, a.Body)
	}
}
EOF
cat > go.mod <<'EOF'
module probe

go 1.24

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/awslabs/aws-lambda-go-api-proxy v0.16.2
)
EOF
GOFLAGS=-mod=mod go run . | sed -n 's/^seen: //p' | tee seen
cat > expected <<'EOF'
"/users/ada l": 200 "/users/ada l"
"/users/λ": 200 "/users/λ"
"/users/50% off": 504, error: true
EOF
diff expected seen
