package embedded

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
)

// ask sends a request and returns its status and its answer.
func ask(t testing.TB, db *DB, operation, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://embedded/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	response, err := db.RoundTripper().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// look is what a client sees of the tables. An item whose bytes no version wrote is
// answered InternalServerError; see row.item.
func look(t testing.TB, db *DB) string {
	t.Helper()
	var all strings.Builder
	for _, body := range []string{`{"TableName":"things"}`, `{"TableName":"things","IndexName":"by-owner"}`} {
		status, answer := ask(t, db, "Scan", body)
		if status > 500 {
			t.Errorf("scan %s: %d %s", body, status, answer)
		}
		all.WriteString(answer)
	}
	for _, operation := range []string{"ListTables", "DescribeTable"} {
		body := map[string]string{"ListTables": "{}", "DescribeTable": `{"TableName":"things"}`}[operation]
		status, answer := ask(t, db, operation, body)
		if status >= 500 {
			t.Errorf("%s: %d %s", operation, status, answer)
		}
		all.WriteString(answer)
	}
	return all.String()
}

// payloads are those of a data file's records.
func payloads(t testing.TB, path string, kind byte, number uint64) (all [][]byte) {
	t.Helper()
	file, r, err := openData(path, kind, number)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for {
		payload, err := r.next(nil)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, payload)
	}
}

// FuzzDataFile: a record of the log whose checksum is right and whose content may be
// anything, as another version might have written it. The data is refused; or it is
// opened, all requests are answered, and it is the same after the next start.
func FuzzDataFile(f *testing.F) {
	dir := f.TempDir()
	db, err := Open(f.Context(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	for _, request := range [][2]string{
		{"CreateTable", `{"TableName":"things","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"owner","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"},"GlobalSecondaryIndexes":[{"IndexName":"by-owner","KeySchema":[{"AttributeName":"owner","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"},"owner":{"S":"ann"},"n":{"N":"1"}}}`},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"},"owner":{"S":"bob"},"l":{"L":[{"NULL":true}]}}}`},
		{"TransactWriteItems", `{"ClientRequestToken":"t","TransactItems":[{"Put":{"TableName":"things","Item":{"pk":{"S":"b"}}}}]}`},
		{"DeleteItem", `{"TableName":"things","Key":{"pk":{"S":"a"}}}`},
	} {
		if status, answer := ask(f, db, request[0], request[1]); status != http.StatusOK {
			f.Fatal(request, answer)
		}
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(segmentPath(dir, 1))
	if err != nil {
		f.Fatal(err)
	}
	all := payloads(f, segmentPath(dir, 1), kindLog, 1)
	for _, payload := range all {
		f.Add(payload)
	}
	for _, payload := range [][]byte{{}, {recordSchema}, {recordWrite, 1}, {recordRelease, 1, 0, 0}, {recordRows, 1}, {recordShard, 1, 0, 0, 200, 200, 200, 200, 1}, {recordHeld}, {recordTokens, 1}, {recordTrailer}} {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		record := append(startRecord(nil), payload...)
		finishRecord(record, 1, int64(len(whole)))
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), append(bytes.Clone(whole), record...), 0o600); err != nil {
			t.Fatal(err)
		}
		first := ""
		for n := range 2 {
			db, err := Open(t.Context(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				if _, damaged := errors.AsType[*DamagedError](err); !damaged || n > 0 {
					t.Fatalf("start %d: %v", n, err)
				}
				return
			}
			seen := look(t, db)
			if n == 0 {
				first = seen
			} else if seen != first {
				t.Errorf("%q: after another start the tables are\n%s\nand were\n%s", payload, seen, first)
			}
			if err := db.Close(); err != nil {
				t.Errorf("%q: %v", payload, err)
			}
		}
	})
}
