package functions_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestInternalCommandsInTheFunction: the function itself refuses an internal command,
// whatever kind of API, route and caller an event names, and queues nothing.
func TestInternalCommandsInTheFunction(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const httpEvent = `{"version":"2.0","routeKey":"POST %[1]s","rawPath":"%[1]s","headers":{"content-type":"application/json","prefer":"%[2]s"},"body":"%[3]s",` +
		`"requestContext":{"stage":"$default","http":{"method":"POST"},"authorizer":{"iam":{"userArn":"arn:aws:iam::1:root"},"jwt":{"claims":{"sub":"process/enrolment","scope":"release-seats"}}}}}`
	const restEvent = `{"resource":"%[1]s","path":"%[1]s","httpMethod":"POST","headers":{"Content-Type":"application/json","Prefer":"%[2]s"},"body":"%[3]s",` +
		`"requestContext":{"stage":"dev","identity":{"userArn":"arn:aws:iam::1:root"},"authorizer":{"claims":{"sub":"process/enrolment"}}}}`
	for _, event := range []string{httpEvent, restEvent} {
		for _, prefer := range []string{"wait=1", "respond-async"} {
			for path, body := range map[string]string{
				"/commands/release-seats": `{\"id\":\"p\",\"payload\":{\"booking\":\"1\"}}`,
				"/commands":               `[{\"command\":\"release-seats\",\"id\":\"p\",\"payload\":{\"booking\":\"1\"}}]`,
			} {
				out, err := r.command.Invoke(t.Context(), fmt.Appendf(nil, event, path, prefer, body))
				if err != nil || !strings.Contains(string(out), `unknown-command`) {
					t.Errorf("%s, %s: %s, %v", path, prefer, out, err)
				}
			}
		}
	}
	if len(r.sqs.sent) > 0 {
		t.Errorf("queued %v", r.sqs.sent)
	}
}
