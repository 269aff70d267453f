package cli

import (
	"bytes"
	"encoding/json/v2"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daybook/internal/testdomain"
)

// denying answers calls of one action as IAM does to a user without the right, or with
// the code that it names.
type denying struct {
	to           http.RoundTripper
	action, code string
}

// words are those of IAM.
func (d *denying) words(table string) string {
	return "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: dynamodb:" + d.action +
		" on resource: arn:aws:dynamodb:us-east-1:123456789012:table/" + table +
		" because no identity-based policy allows the dynamodb:" + d.action + " action"
}

func (d *denying) RoundTrip(q *http.Request) (*http.Response, error) {
	if _, action, _ := strings.Cut(q.Header.Get("X-Amz-Target"), "."); action != d.action {
		return d.to.RoundTrip(q)
	}
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	var of struct{ TableName string }
	if err := json.Unmarshal(body, &of); err != nil {
		return nil, err
	}
	answer, err := json.Marshal(map[string]string{"__type": "com.amazon.coral.service#" + d.code, "Message": d.words(of.TableName)})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: int64(len(answer)), Request: q,
	}, nil
}

// TestMissingRights: an operator is told of a missing right or of rejected credentials at
// once, in IAM's words, with what to do.
func TestMissingRights(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := newSiteInMemory(t)
		s.school(3)
		exported, values := filepath.Join(t.TempDir(), "export.jsonl"), filepath.Join(t.TempDir(), "values")
		s.want(exitOK, "export", "-o", exported)
		time.Sleep(time.Minute) // an import waits for young commits
		if err := os.WriteFile(values, []byte("Ann 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		const rehearsal, docs = "; school rehearse -policy prints the IAM policy that this command needs\n", "; Daybook's docs/cli.md lists the rights that each command needs\n"
		private := "verify -privacy member/u1 -values " + values
		search := strings.Replace(rehearsal, "rehearse", "verify -privacy member/u1", 1)
		for _, c := range []struct{ args, action, table, next string }{
			{"rehearse", "DescribeTable", "school-test-events", rehearsal},
			{"rehearse", "Scan", "school-test-", rehearsal},
			{"rehearse", "GetItem", "school-test-control", rehearsal},
			{"rehearse", "BatchGetItem", "", rehearsal}, // has no TableName
			{private, "ListTables", "", search},
			{private, "Scan", "school-test-", search},
			{private, "DescribeTable", "school-test-", search},
			{"verify", "Scan", "school-test-", docs},
			{"verify", "BatchGetItem", "", docs},
			{"rebuild members", "CreateTable", "school-test-members-v2-g2", docs},
			{"rebuild members", "Scan", "school-test-", docs},
			{"import -yes " + exported, "PutItem", "school-test-events", docs},
			{"streams", "Scan", "school-test-events", docs},
			{`send rename-member -id u1 -payload {"name":"A"}`, "PutItem", "school-test-events", docs},
		} {
			d := &denying{to: s.transport, action: c.action, code: "AccessDeniedException"}
			began := time.Now()
			r := s.as(testdomain.App(), d, exitFailed, strings.Fields(c.args)...)
			if took := time.Since(began); took > 0 || !strings.HasSuffix(r.errors, c.next) ||
				!strings.Contains(r.errors, "not authorized to perform: dynamodb:"+c.action) || !strings.Contains(r.errors, ":table/"+c.table) {
				t.Errorf("%s without %s: after %v: %s", c.args, c.action, took, r.errors)
			}
		}
		rejected := &denying{to: s.transport, action: "DescribeTable", code: "UnrecognizedClientException"}
		if r := s.as(testdomain.App(), rejected, exitFailed, "rehearse"); !strings.HasSuffix(r.errors, "; check -profile and the AWS_ variables of the environment, or log in again\n") {
			t.Errorf("rejected credentials: %s", r.errors)
		}
	})
}
