package mapping

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
)

// failureReport is what a function that reports batch item failures answers.
type failureReport struct {
	Failures []struct {
		Identifier *string `json:"itemIdentifier"`
	} `json:"batchItemFailures"`
}

// reported returns the identifiers that a function's answer says it failed at.
// Lambda's rules: nothing, null, an empty object and an empty list are success;
// an identifier that is missing, null or empty fails the whole batch, as an answer
// does that can't be read.
func reported(answer []byte) ([]string, error) {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 {
		return nil, nil
	}
	var report failureReport
	if err := json.Unmarshal(answer, &report, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, fmt.Errorf("the function's answer is not a report of batch item failures: %w", err)
	}
	ids := make([]string, len(report.Failures))
	for i, f := range report.Failures {
		if f.Identifier == nil || *f.Identifier == "" {
			return nil, errors.New("the function reported a failure without an itemIdentifier")
		}
		ids[i] = *f.Identifier
	}
	return ids, nil
}

// processed returns how many leading records of a batch the function's answer
// says are processed, and for less than all why. An identifier that is not of
// this batch fails the whole batch; of several, the lowest sequence number
// counts.
func (s Settings) processed(records []Record, answer []byte) (int, error) {
	all := len(records)
	if !s.ReportBatchItemFailures {
		return all, nil
	}
	ids, err := reported(answer)
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return all, nil
	}
	place := make(map[string]int, all)
	for i, r := range records {
		if _, ok := place[r.Sequence]; !ok { // a record may be delivered twice
			place[r.Sequence] = i
		}
	}
	first := all
	for _, id := range ids {
		i, ok := place[id]
		if !ok {
			return 0, fmt.Errorf("the function reported a failure at %q, which is not in the batch", id)
		}
		first = min(first, i)
	}
	return first, fmt.Errorf("the function failed at record %s", records[first].Sequence)
}
