package main

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// answer is what an engine answers to a request.
type answer struct {
	status  int
	kind    string // the error's type, without its namespace
	message string
	body    jsontext.Value
	lost    error // no answer came
}

// client sends requests to an endpoint.
type client struct {
	endpoint string
	http     http.Client
}

func newClient(endpoint string) *client {
	return &client{endpoint: endpoint, http: http.Client{Timeout: 20 * time.Second}}
}

// authorization looks like Signature Version 4, which no engine verifies.
const authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250101/us-east-1/dynamodb/aws4_request, " +
	"SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000"

// send makes one request.
func (c *client) send(ctx context.Context, operation, body string) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, strings.NewReader(body))
	if err != nil {
		return answer{lost: err}
	}
	service := "DynamoDB_20120810."
	switch operation {
	case "ListStreams", "DescribeStream", "GetShardIterator", "GetRecords":
		service = "DynamoDBStreams_20120810."
	}
	request.Header.Set("X-Amz-Target", service+operation)
	request.Header.Set("X-Amz-Date", "20250101T000000Z")
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("Authorization", authorization)
	response, err := c.http.Do(request)
	if err != nil {
		return answer{lost: err}
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{lost: err}
	}
	return read(response.StatusCode, raw)
}

// read takes an answer apart.
func read(status int, raw []byte) answer {
	a := answer{status: status, body: jsontext.Value(bytes.TrimSpace(raw))}
	if len(a.body) == 0 {
		a.body = jsontext.Value("null")
	}
	if !a.body.IsValid() {
		a.lost = fmt.Errorf("status %d with an answer that is not JSON: %.200s", status, raw)
		return a
	}
	if status == http.StatusOK {
		return a
	}
	var fault struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	if err := json.Unmarshal(a.body, &fault); err != nil {
		a.lost = fmt.Errorf("status %d: %w", status, err)
		return a
	}
	a.kind = fault.Type[strings.LastIndexByte(fault.Type, '#')+1:]
	a.message = fault.Message + fault.Upper
	return a
}
