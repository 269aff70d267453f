package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// The conformance suites run against another DynamoDB when the environment names
// one; localstack/compare/conformance.sh does so. A test without an entry in faultsOf
// has to pass.
const (
	envEndpoint = "DAYBOOK_TEST_ENDPOINT" // URL of a DynamoDB that is not AWS's
	envEngine   = "DAYBOOK_TEST_ENGINE"   // its name in faultsOf
)

// faultsOf names, for engines that others made, the tests that they cannot pass,
// with the fault of the engine that each one meets. Nothing else is left out.
var faultsOf = map[string]map[string]string{
	"dynoxide": {
		"TestTablesConform/scan_while_items_change": "a Scan with segments that continues behind an item that was deleted finds nothing",
	},
	"dynalite": {
		"TestTablesConform/parked_items":                  "it has no transactions",
		"TestTablesConform/transaction_is_all_or_nothing": "it has no transactions",
		"TestTablesConform/transaction_of_100":            "it has no transactions",
	},
	"ministack": {},
}

// tablesFor creates the tables of specs for a test of a conformance suite and
// returns a client and the prefix of their names: in an embedded database of the
// test's own, or at the endpoint that the environment names, where they are
// dropped after the test.
func tablesFor(t *testing.T, specs ...TableSpec) (*Client, string) {
	t.Helper()
	endpoint := os.Getenv(envEndpoint)
	if endpoint == "" {
		return newFixture(t, specs...).client, testPrefix
	}
	engine := os.Getenv(envEngine)
	if fault, ok := faultsOf[engine][t.Name()]; ok {
		t.Skipf("left out: a fault of %s: %s", engine, fault)
	}
	o := testOptions(nil)
	o.Endpoint, o.AttemptTimeout = endpoint, 10*time.Second
	client, prefix := New(o), uniquePrefix(t)
	t.Cleanup(func() { dropAll(t, client, prefix) })
	if err := Create(t.Context(), client, prefix, specs...); err != nil {
		t.Fatal(err)
	}
	return client, prefix
}

// uniquePrefix is a prefix of tables that no other test has, nor a run before.
func uniquePrefix(t *testing.T) string {
	t.Helper()
	id := make([]byte, 8)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	return "daybook-test-" + hex.EncodeToString(id)
}

// dropAll drops the tables of a prefix, those that the test has created too.
func dropAll(t *testing.T, client *Client, prefix string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for pages := dynamodb.NewListTablesPaginator(client, nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		for _, name := range page.TableNames {
			if !strings.HasPrefix(name, prefix+"-") {
				continue
			}
			if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
				t.Error(err)
			}
		}
	}
}
