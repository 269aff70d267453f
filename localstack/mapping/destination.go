package mapping

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"uuid"
)

// DiscardedBatch is a run of records that the mapping gave up.
type DiscardedBatch struct {
	Mapping     string
	FunctionARN string
	StreamARN   string
	Shard       string
	Condition   string // RetryAttemptsExhausted or RecordAgeExceeded
	Records     []Record
	Invocations int            // of these records, approximately
	Failed      bool           // they were invoked and failed
	Event       jsontext.Value // the event with all the records
	Time        time.Time
}

// Destination takes what a mapping gives up. Discard returns where it put it.
type Destination interface {
	Discard(d DiscardedBatch) (where string, err error)
}

// Directory is an on-failure destination: a directory laid out as Lambda lays
// out a bucket, one file a discarded batch, in the format Lambda sends to S3.
// The whole event is in member "payload", as a string.
type Directory string

// invocationRecord is the document Lambda writes ("Retain discarded records for
// a DynamoDB event source" in the Lambda developer guide).
type invocationRecord struct {
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext *responseContext `json:"responseContext,omitzero"`
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	Batch           batchInfo        `json:"DDBStreamBatchInfo"`
	Payload         string           `json:"payload"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError"`
}

type batchInfo struct {
	ShardID       string `json:"shardId"`
	StartSequence string `json:"startSequenceNumber"`
	EndSequence   string `json:"endSequenceNumber"`
	FirstArrival  string `json:"approximateArrivalOfFirstRecord"`
	LastArrival   string `json:"approximateArrivalOfLastRecord"`
	BatchSize     int    `json:"batchSize"`
	StreamARN     string `json:"streamArn"`
}

// Discard writes d to a file of its own and returns the file's path.
func (dir Directory) Discard(d DiscardedBatch) (string, error) {
	at := d.Time.UTC()
	path := filepath.Join(string(dir), "aws", "lambda", d.Mapping, d.Shard, at.Format("2006/01/02"),
		at.Format("2006-01-02T15.04.05")+"-"+uuid.New().String())
	data, err := d.document()
	if err != nil {
		return "", fmt.Errorf("describe discarded records: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return "", fmt.Errorf("write discarded records: %w", err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		return "", fmt.Errorf("write discarded records: %w", err)
	}
	return path, nil
}

// document writes d as Lambda writes it to S3.
func (d DiscardedBatch) document() ([]byte, error) {
	const millis = "2006-01-02T15:04:05.000Z"
	first, last := d.Records[0], d.Records[len(d.Records)-1]
	record := invocationRecord{
		Version:   "1.0",
		Timestamp: d.Time.UTC().Format(millis),
		Payload:   string(d.Event),
		Batch: batchInfo{
			ShardID: d.Shard, StartSequence: first.Sequence, EndSequence: last.Sequence,
			FirstArrival: first.Created.UTC().Format(time.RFC3339), LastArrival: last.Created.UTC().Format(time.RFC3339),
			BatchSize: len(d.Records), StreamARN: d.StreamARN,
		},
	}
	record.RequestContext.RequestID = uuid.New().String()
	record.RequestContext.FunctionARN = d.FunctionARN
	record.RequestContext.Condition = d.Condition
	record.RequestContext.ApproximateInvokeCount = d.Invocations
	if d.Failed {
		record.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: "Unhandled"}
	}
	return json.Marshal(record, jsontext.Multiline(true))
}
