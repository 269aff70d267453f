package embedded

import "testing"

func TestTokens(t *testing.T) {
	t.Parallel()
	var ts tokens
	one, other := newTokenUse("t", []byte("one")), newTokenUse("t", []byte("other"))
	begin := func(u *tokenUse, now uint32, wantReplayed bool, wantError string) {
		t.Helper()
		replayed, err := ts.begin(u, now)
		name := ""
		if err != nil {
			e, _ := asAPIError(err)
			name = e.name()
		}
		if replayed != wantReplayed || name != wantError {
			t.Fatalf("replayed %v, %s", replayed, name)
		}
	}
	begin(one, 1000, false, "")
	begin(one, 1000, false, "TransactionInProgressException")
	begin(one, 2300, false, "TransactionInProgressException") // however long it takes
	begin(other, 2300, false, "IdempotentParameterMismatchException")
	ts.end(one, 2300, false)
	begin(other, 2300, false, "")
	ts.end(other, 2300, true)
	begin(other, 2899, true, "")
	begin(one, 2899, false, "IdempotentParameterMismatchException")
	begin(one, 2900, false, "")
	ts.end(one, 2900, true)
	begin(one, 9000, false, "")
	if n := len(ts.young) + len(ts.old); n > 2 {
		t.Fatalf("%d tokens are remembered", n)
	}
}
