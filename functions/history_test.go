package functions_test

import (
	"fmt"
	"strings"
	"testing"
)

// The right to query views is not the right to read histories, however the path
// is written.
func TestHistoryByItsRoute(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	call(t, r.command, "POST", "/commands/create-member", "", ada)
	const httpEvent = `{"version":"2.0","routeKey":"GET %s","rawPath":"%s","requestContext":{"stage":"$default","http":{"method":"GET"}}}`
	const restEvent = `{"resource":"%s","path":"%s","httpMethod":"GET","requestContext":{"stage":"dev"}}`
	for _, c := range []struct {
		event, route, path string
		status             int
	}{
		{httpEvent, "/streams/{proxy+}", "/streams/member/7", 200},
		{httpEvent, "/{proxy+}", "/streams/member/7", 403},
		{httpEvent, "/{proxy+}", "/members/nobody", 404},
		{restEvent, "/streams/{proxy+}", "/streams/member/7", 200},
		{restEvent, "/{proxy+}", "/%%73treams/member/7", 403},
		{restEvent, "/{proxy+}", "/streams%%2Fuser/7", 403},
	} {
		event := strings.ReplaceAll(fmt.Sprintf(c.event, c.route, c.path), "%%", "%")
		out, err := r.query.Invoke(t.Context(), []byte(event))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), fmt.Sprintf(`"statusCode":%d`, c.status)) {
			t.Errorf("%s by %s: %s, want %d", c.path, c.route, out, c.status)
		}
	}
}

// An HTTP API has decoded a path whole: a percent sign in it is the id's own.
func TestPercentSignInHTTPAPI(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	call(t, r.command, "POST", "/commands/create-member", "", strings.Replace(ada, `"7"`, `"per%cent"`, 1))
	for path, status := range map[string]int{"/members/per%cent": 200, "/members/~cGVyJWNlbnQ": 200, "/members/per%25cent": 404} {
		if a := call(t, r.query, "GET", path, "after=member/per%25cent@1", ""); a.StatusCode != status {
			t.Errorf("%s: %+v", path, a)
		}
	}
}
