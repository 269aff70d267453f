#!/usr/bin/env bash
# Packages: github.com/aws/smithy-go v1.28.9 with github.com/aws/aws-sdk-go-v2/service/dynamodb
# v1.74.0, on Go 1.26 and 1.27; the server is net/http's.
#
# Behaviour: when the head of an answer has arrived, smithy-go closes the body of the
# request. If net/http's goroutine that writes the request has not yet returned from its
# last read of that body, it gets an EOF, takes the request for failed and closes the
# connection, under the SDK's hands, which are reading the answer. The SDK then has half
# an answer ("use of closed network connection", "response did not match expected
# checksum"), and sends the request again. A client of net/http alone never does.
#
# Met by: users of a DynamoDB on the same machine (an emulator, a test's server), which
# answers before the writer's goroutine runs again: a few of a hundred Queries with large
# pages are sent twice, so counts of requests and of consumed units in tests do not add
# up, pauses appear, and with one attempt the call fails. An answer that takes a
# millisecond, as over a network, is not cut.
#
# Output on 2026-11-29 (two cores; the number in the middle varies):
#   answers at once: 1000 calls, 1076 requests, some not sent whole: EOF
#   answers after a millisecond: 200 calls, 200 requests
#
# Exits with an error when no request is sent twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GOTOOLCHAIN=auto GOFLAGS=-mod=mod
cat >go.mod <<'MOD'
module probe

go 1.25

require (
	github.com/aws/aws-sdk-go-v2 v1.48.0
	github.com/aws/aws-sdk-go-v2/credentials v1.21.0
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.74.0
	github.com/aws/smithy-go v1.28.9
)
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// page is a Query's answer of 900 KB.
var page = []byte(`{"Count":900,"ScannedCount":900,"Items":[` + strings.TrimSuffix(strings.Repeat(`{"k":{"S":"`+strings.Repeat("x", 1000)+`"}},`, 900), ",") + `]}`)

// requests makes calls and returns how many requests that takes, and the first error of
// writing one.
func requests(calls int, delay time.Duration) (served int64, written error) {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		time.Sleep(delay)
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(page)), 10))
		w.Write(page)
	}))
	defer server.Close()
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) {
		if i.Err != nil {
			written = i.Err
		}
	}})
	for range calls {
		if _, err := client.Query(ctx, &dynamodb.QueryInput{TableName: aws.String("t"), KeyConditionExpression: aws.String("k = x")}); err != nil {
			fmt.Println(err)
		}
	}
	return n.Load(), written
}

func main() {
	served, err := requests(1000, 0)
	fmt.Printf("answers at once: 1000 calls, %d requests, some not sent whole: %v\n", served, err)
	later, _ := requests(200, time.Millisecond)
	fmt.Printf("answers after a millisecond: 200 calls, %d requests\n", later)
	if served == 1000 {
		os.Exit(1)
	}
}
GO
go mod tidy 2>/dev/null
go run .
