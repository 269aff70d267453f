package cli

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.shop(10)
	if r := s.want(exitOK, "claims"); r.out != "" || !strings.Contains(r.errors, "10 values held, 0 not") {
		t.Errorf("got %+v", r)
	}
	claim := func(id, holder string) {
		if err := s.store.RestoreHeld(t.Context(), events.Held{Key: "user-email=" + id, Stream: events.Stream(holder), Commit: 1}); err != nil {
			t.Fatal(err)
		}
	}
	claim("free@example.com", "user/u9")
	r := s.want(exitFound, "claims", "-json")
	if got := decode[claimLine](t, r); len(got) != 1 || got[0].Key != "user-email=free@example.com" || got[0].Holder != "user/u9" || got[0].Owner != "" {
		t.Errorf("got %+v", got)
	}
	// A whole verify says so too; one of a view is about that view.
	if r := s.want(exitOK, "verify", "orders"); strings.Contains(r.out, "claims") {
		t.Errorf("verify of one view: %s", r.out)
	}
	whole := []string{"verify", "-limit", "1", "-patience", "0s"}
	s.project()
	if r := s.want(exitFound, whole...); !strings.Contains(r.out, "claims\tdifferent\tuser-email=free@example.com\tholder is user/u9, should be nothing\n") ||
		!strings.Contains(r.out, "claims: 11 values held, 1 not as the commits say\n") {
		t.Errorf("verify: %s", r.out)
	}
	if got := decode[struct {
		Clean  bool        `json:"clean"`
		Claims claimReport `json:"claims"`
	}](t, s.want(exitFound, append(whole, "-json")...)); len(got) != 1 || got[0].Clean || got[0].Claims.Found != 1 {
		t.Errorf("verify: %+v", got)
	}
	_, err := s.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("daybook-test-claims"), Key: map[string]types.AttributeValue{
		"claim": &types.AttributeValueMemberS{Value: "user-email=ann1@example.com"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.want(exitFound, "claims"); !strings.Contains(r.out, "user-email=ann1@example.com\tuser/u1\t-\n") {
		t.Errorf("got %q", r.out)
	}
	if r := s.want(exitFound, "claims", "-restore"); strings.Contains(r.out, "ann1") || !strings.Contains(r.errors, "11 values held, 1 not") {
		t.Errorf("got %+v", r)
	}
	s.want(exitUsage, "claims", "x")
}

// TestImportOfClaims moves a value from one stream to another: streams come back
// one after the other, and the value is where it was.
func TestImportOfClaims(t *testing.T) {
	t.Parallel()
	synctest.Test(t, importOfClaims) // an import waits for young commits
}

func importOfClaims(t *testing.T) {
	s := newSiteInMemory(t)
	s.send("create-user", "b", `{"name":"Ann","email":"one@example.com"}`)
	s.send("change-user-email", "b", `{"email":"two@example.com"}`)
	s.send("create-user", "a", `{"name":"Bob","email":"one@example.com"}`)
	s.send("create-user", "c", `{"name":"Cid","email":"three@example.com"}`)
	s.send("change-user-email", "c", `{"email":"four@example.com"}`)
	s.send("create-user", "d", `{"name":"Dot","email":"three@example.com"}`)
	text := s.export()
	other := newSiteInMemory(t)
	for range 2 {
		if r := other.doWith(t.Context(), text, "import", "-", "-yes"); r.code != exitOK {
			t.Fatalf("got %+v", r)
		}
		if r := other.want(exitOK, "claims"); !strings.Contains(r.errors, "4 values held, 0 not") {
			t.Errorf("got %+v", r)
		}
	}
	if other.export() != text {
		t.Error("the export of the import is another")
	}
	if r := other.want(exitRefused, "send", "create-user", "-payload", `{"name":"Eve","email":"one@example.com"}`); !strings.Contains(r.errors, "already-taken") && !strings.Contains(r.errors, "taken") {
		t.Errorf("got %q", r.errors)
	}
	// Somebody else holds a value that an import brings.
	third := newSiteInMemory(t)
	third.send("create-user", "z", `{"name":"Zoe","email":"one@example.com"}`)
	if r := third.doWith(t.Context(), text, "import", "-", "-yes"); r.code != exitFailed || !strings.Contains(r.errors, "a value of user-email that user/a claims") {
		t.Errorf("got %+v", r)
	}
	if r := third.want(exitFound, "claims"); !strings.Contains(r.out, "user-email=one@example.com\tuser/") {
		t.Errorf("got %+v", r)
	}
}

func TestRestoreSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, restoreSpent) // an import waits for young commits
}

func restoreSpent(t *testing.T) {
	s := newSiteInMemory(t)
	now := time.Now()
	line := `{"stream":"user/7","commit":1,"version":1,"id":"x","time":"` + now.UTC().Format(lineTimeLayout) + `","commands":[{"id":"once-1","digest":"0102030405060708","version":1,"once":true}],` +
		`"events":[{"name":"user-created","schema":1,"data":{"name":"Ann","email":"a@example.com"}}],"claims":[{"name":"user-email","value":"a@example.com"}],"releases":[{"name":"user-email","value":"b@example.com"}],` +
		`"snapshot":{"schema":1,"state":{"name":"\u00e9"},"commands":[{"key":"0102030405060708","digest":"0102030405060708","version":1,"started":true}]}}` + "\n"
	if r := s.doWith(t.Context(), line, "import", "-", "-yes"); r.code != exitOK {
		t.Fatalf("got %+v", r)
	}
	if got := s.export(); got != line {
		t.Errorf("got\n%s\nwant\n%s", got, line)
	}
	spent, err := s.store.Spent(t.Context(), now, []string{"once-1"})
	if err != nil || spent[0] == nil || spent[0].Stream != "user/7" || !spent[0].Started || spent[0].Digest != (events.Digest{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("got %+v, %v", spent, err)
	}
	other := *spent[0]
	other.Stream = "user/8"
	if err := s.store.RestoreSpent(t.Context(), other, now); events.CodeOf(err) != events.CodeAlreadyTaken {
		t.Errorf("spent by another: %v", err)
	}
	if err := s.store.RestoreSpent(t.Context(), other, now.Add(events.OnceOnlyFor)); err != nil {
		t.Errorf("forgotten by then: %v", err)
	}
}
