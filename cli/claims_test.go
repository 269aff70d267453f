package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(10)
	if r := s.want(exitOK, "claims"); r.out != "" || !strings.Contains(r.errors, "10 values held, 0 not") {
		t.Errorf("got %+v", r)
	}
	claim := func(id, holder string) {
		if err := s.store.RestoreHeld(t.Context(), events.Held{Key: "member-email=" + id, Stream: events.Stream(holder), Commit: 1}); err != nil {
			t.Fatal(err)
		}
	}
	claim("free@example.com", "member/u9")
	r := s.want(exitFound, "claims", "-json")
	if got := decode[claimLine](t, r); len(got) != 1 || got[0].Key != "member-email=free@example.com" || got[0].Holder != "member/u9" || got[0].Owner != "" {
		t.Errorf("got %+v", got)
	}
	// A whole verify says so too; one of a view is about that view.
	if r := s.want(exitOK, "verify", "bookings"); strings.Contains(r.out, "claims") {
		t.Errorf("verify of one view: %s", r.out)
	}
	whole := []string{"verify", "-limit", "1", "-patience", "0s"}
	s.project()
	if r := s.want(exitFound, whole...); !strings.Contains(r.out, "claims\tdifferent\tmember-email=free@example.com\tholder is member/u9, should be nothing\n") ||
		!strings.Contains(r.out, "claims: 11 values held, 1 not as the commits say\n") {
		t.Errorf("verify: %s", r.out)
	}
	if got := decode[struct {
		Clean  bool        `json:"clean"`
		Claims claimReport `json:"claims"`
	}](t, s.want(exitFound, append(whole, "-json")...)); len(got) != 1 || got[0].Clean || got[0].Claims.Found != 1 {
		t.Errorf("verify: %+v", got)
	}
	_, err := s.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("school-test-claims"), Key: map[string]types.AttributeValue{
		"claim": &types.AttributeValueMemberS{Value: "member-email=ann1@example.com"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.want(exitFound, "claims"); !strings.Contains(r.out, "member-email=ann1@example.com\tmember/u1\t-\n") {
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
	bubble(t, importOfClaims) // an import waits for young commits
}

func importOfClaims(t *testing.T) {
	s := newSiteInMemory(t)
	s.send("create-member", "b", `{"name":"Ann","email":"one@example.com"}`)
	s.send("change-member-email", "b", `{"email":"two@example.com"}`)
	s.send("create-member", "a", `{"name":"Bob","email":"one@example.com"}`)
	s.send("create-member", "c", `{"name":"Cid","email":"three@example.com"}`)
	s.send("change-member-email", "c", `{"email":"four@example.com"}`)
	s.send("create-member", "d", `{"name":"Dot","email":"three@example.com"}`)
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
	if r := other.want(exitRefused, "send", "create-member", "-payload", `{"name":"Eve","email":"one@example.com"}`); !strings.Contains(r.errors, "already-taken") && !strings.Contains(r.errors, "taken") {
		t.Errorf("got %q", r.errors)
	}
	// Somebody else holds a value that an import brings.
	third := newSiteInMemory(t)
	third.send("create-member", "z", `{"name":"Zoe","email":"one@example.com"}`)
	if r := third.doWith(t.Context(), text, "import", "-", "-yes"); r.code != exitFailed || !strings.Contains(r.errors, "a value of member-email that member/a claims") {
		t.Errorf("got %+v", r)
	}
	if r := third.want(exitFound, "claims"); !strings.Contains(r.out, "member-email=one@example.com\tmember/") {
		t.Errorf("got %+v", r)
	}
}

func TestRestoreSpent(t *testing.T) {
	t.Parallel()
	bubble(t, restoreSpent) // an import waits for young commits
}

func restoreSpent(t *testing.T) {
	s := newSiteInMemory(t)
	now := time.Now()
	line := `{"stream":"member/7","commit":1,"version":1,"id":"x","time":"` + now.UTC().Format(lineTimeLayout) + `","commands":[{"id":"once-1","digest":"0102030405060708","version":1,"once":true}],` +
		`"events":[{"name":"member-created","schema":1,"data":{"name":"Ann","email":"a@example.com"}}],"claims":[{"name":"member-email","value":"a@example.com"}],"releases":[{"name":"member-email","value":"b@example.com"}],` +
		`"snapshot":{"schema":1,"state":{"name":"\u00e9"},"commands":[{"key":"0102030405060708","digest":"0102030405060708","version":1,"started":true}]}}` + "\n"
	if r := s.doWith(t.Context(), line, "import", "-", "-yes"); r.code != exitOK {
		t.Fatalf("got %+v", r)
	}
	if got := s.export(); got != line {
		t.Errorf("got\n%s\nwant\n%s", got, line)
	}
	spent, err := s.store.Spent(t.Context(), now, "", []string{"once-1"})
	if err != nil || spent[0] == nil || spent[0].Stream != "member/7" || !spent[0].Started || spent[0].Digest != (events.Digest{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("got %+v, %v", spent, err)
	}
	other := *spent[0]
	other.Stream = "member/8"
	if err := s.store.RestoreSpent(t.Context(), other, now); events.CodeOf(err) != events.CodeAlreadyTaken {
		t.Errorf("spent by another: %v", err)
	}
	if err := s.store.RestoreSpent(t.Context(), other, now.Add(events.OnceOnlyFor)); err != nil {
		t.Errorf("forgotten by then: %v", err)
	}
}
