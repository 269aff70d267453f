package mapping

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
)

// failureReport is what a function that reports batch item failures answers.
type failureReport struct {
	Failures []struct {
		Identifier *string `json:"itemIdentifier"`
	} `json:"batchItemFailures"`
}

// processed returns how many leading records of a batch the function's answer
// says are processed, and for less than all why. Lambda's rules: nothing, null,
// an empty object and an empty list are success; an identifier that is missing,
// null, empty or not of this batch fails the whole batch; of several, the lowest
// sequence number counts.
func (s Settings) processed(records []Record, answer []byte) (int, error) {
	all := len(records)
	if !s.ReportBatchItemFailures {
		return all, nil
	}
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 {
		return all, nil
	}
	var report failureReport
	if err := json.Unmarshal(answer, &report, jsontext.AllowDuplicateNames(true)); err != nil {
		return 0, fmt.Errorf("the function's answer is no report of batch item failures: %w", err)
	}
	if len(report.Failures) == 0 {
		return all, nil
	}
	place := make(map[string]int, all)
	for i, r := range records {
		if _, ok := place[r.Sequence]; !ok { // a record may be delivered twice
			place[r.Sequence] = i
		}
	}
	first := all
	for _, f := range report.Failures {
		if f.Identifier == nil || *f.Identifier == "" {
			return 0, fmt.Errorf("the function reported a failure without an itemIdentifier")
		}
		i, ok := place[*f.Identifier]
		if !ok {
			return 0, fmt.Errorf("the function reported a failure at %q, which is not in the batch", *f.Identifier)
		}
		first = min(first, i)
	}
	return first, fmt.Errorf("the function failed at record %s", records[first].Sequence)
}
