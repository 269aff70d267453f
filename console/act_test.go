package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"daybook/console"
	"daybook/events"
	"daybook/inspect"
)

// TestDryRun decides as a handler does, and stores nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(1)
	dry := func(command, id string, payload object) inspect.DryRun {
		return post[inspect.DryRun](s, "commands/"+command, object{"id": id, "payload": payload, "dryRun": true})
	}
	d := dry("change-member-email", "m0", object{"email": "new@example.com"})
	if len(d.Streams) != 1 || d.Streams[0].Version != 2 || d.WriteUnits != 6 || d.Streams[0].Events[0].Name != "member-email-changed" ||
		!strings.Contains(string(d.Streams[0].Before), "ann0@") || !strings.Contains(string(d.Streams[0].After), "new@") ||
		len(d.Streams[0].Claims) != 1 || len(d.Streams[0].Releases) != 1 {
		t.Errorf("got %+v", d)
	}
	if d := dry("rename-member", "m0", object{"name": "Ann 0"}); len(d.Streams) != 0 || d.WriteUnits != 0 {
		t.Errorf("what is so already: %+v", d)
	}
	if d := dry("move-seats", "judo", object{"to": "chess", "quantity": 2}); len(d.Streams) != 2 || d.WriteUnits != 4 {
		t.Errorf("over two streams: %+v", d)
	}
	if page := get[inspect.StreamPage](s, "stream?stream=member/m0"); page.Version != 1 {
		t.Errorf("a dry run stored version %d", page.Version)
	}
	for _, c := range []struct {
		command, id string
		payload     object
		want        events.Code
		status      int
	}{
		{"rename-member", "nobody", object{"name": "Eve"}, "member-not-found", http.StatusUnprocessableEntity},
		{"create-member", "m5", object{"name": "Eve", "email": "ann0@example.com"}, events.CodeAlreadyTaken, http.StatusConflict},
		{"create-member", "m5", object{"name": "Eve", "email": "none"}, events.CodeMalformed, http.StatusBadRequest},
		{"fly", "m5", object{}, events.CodeUnknownCommand, http.StatusNotFound},
	} {
		for _, dryRun := range []bool{true, false} {
			f := s.fails("commands/"+c.command, object{"id": c.id, "payload": c.payload, "dryRun": dryRun})
			if f.Code != c.want || f.Status != c.status || f.Rejected != (c.status == http.StatusUnprocessableEntity) {
				t.Errorf("%s, dry run %t: got %+v", c.command, dryRun, f)
			}
		}
	}
	if f := s.fails("commands/create-member", object{"payload": object{"name": "Eve", "email": "none"}}); len(f.Fields) != 1 || f.Fields[0].Path != "/payload/email" {
		t.Errorf("the field is not named: %+v", f)
	}
}

// TestSend: the same command id is the same command.
func TestSend(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	type answer struct {
		Token             string
		Started, Replayed bool
	}
	body := object{"id": "7", "payload": object{"name": "Ann", "email": "a@example.com"}, "commandId": "once"}
	if a := post[answer](s, "commands/create-member", body); a.Token != "member/7@1" || !a.Started || a.Replayed {
		t.Errorf("got %+v", a)
	}
	if a := post[answer](s, "commands/create-member", body); a.Token != "member/7@1" || !a.Replayed {
		t.Errorf("sent again: %+v", a)
	}
	zero := object{"id": "7", "payload": object{"name": "Eve"}, "expectedVersion": 0}
	if f := s.fails("commands/rename-member", zero); f.Code != events.CodeVersionConflict {
		t.Errorf("got %+v", f)
	}
}

// TestParked: a stream that a view can't follow is listed with the error, and a redrive
// says that it still can't.
func TestParked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send("create-member", "bad", object{"name": "Ann", "email": "a@example.com"})
	s.raw("member/bad", events.Event{Name: "member-renamed", Schema: 9, Data: []byte(`{}`)})
	type page struct{ Parked []inspect.ParkedStream }
	var parked []inspect.ParkedStream
	eventually(t, "the stream is parked", func() bool {
		parked = get[page](s, "parked?name=members").Parked
		return len(parked) == 1
	})
	if p := parked[0]; p.Stream != "member/bad" || p.Commit != 2 || p.Text == "" {
		t.Errorf("got %+v", p)
	}
	if f := s.fails("redrive", object{"name": "members", "stream": "member/bad"}); f.Code != events.CodeConflict || !strings.Contains(f.Detail, "stays parked") {
		t.Errorf("got %+v", f)
	}
	all := post[struct{ Redriven []struct{ Fault string } }](s, "redrive", object{"name": "members"})
	if len(all.Redriven) != 1 || all.Redriven[0].Fault == "" {
		t.Errorf("got %+v", all)
	}
	if c := get[inspect.StreamPage](s, "stream?stream=member/bad").Commits[1]; c.Fault == "" {
		t.Errorf("the state after the event is known: %+v", c)
	}
	post[struct{}](s, "redrive", object{"name": "enrolment"}) // nothing is parked there
}

// TestDeadLetters: a command that can't be read is a dead letter; it is one again when
// it is redriven, and can be dropped.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	client := sqs.New(s.sqs())
	name, group := s.stack.Prefix()+"-commands.fifo", "member/7"
	queue, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	body := "no command"
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: &body, MessageGroupId: &group}); err != nil {
		t.Fatal(err)
	}
	type health struct{ Queue inspect.Depth }
	eventually(t, "there is a dead letter", func() bool { return get[health](s, "health").Queue == inspect.Depth{Dead: 1} })
	letters := get[inspect.LettersPage](s, "letters").Letters
	if len(letters) != 1 || letters[0].Group != group || letters[0].Text == "" {
		t.Fatalf("got %+v", letters)
	}
	type handled struct{ Letters []inspect.HandledLetter }
	if h := post[handled](s, "letters", object{"action": "redrive", "ids": []string{letters[0].ID}}).Letters; len(h) != 1 || h[0].Outcome != inspect.OutcomeFailed {
		t.Errorf("redriven: %+v", h)
	}
	if letters = get[inspect.LettersPage](s, "letters").Letters; len(letters) != 1 {
		t.Fatalf("after it was redriven: %+v", letters)
	}
	if h := post[handled](s, "letters", object{"action": "drop", "ids": []string{letters[0].ID}}).Letters; len(h) != 1 || h[0].Outcome != inspect.OutcomeDropped {
		t.Errorf("got %+v", h)
	}
	if letters := get[inspect.LettersPage](s, "letters").Letters; len(letters) != 0 {
		t.Errorf("it is there still: %+v", letters)
	}
	for _, body := range []object{{"action": "drop", "ids": []string{}}, {"action": "eat", "ids": []string{"1"}}} {
		if f := s.fails("letters", body); f.Code != events.CodeMalformed {
			t.Errorf("%v: %+v", body, f)
		}
	}
}

// TestReadOnly: without Write nothing is changed, by whatever address; dry runs do.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(1)
	server := s.another(func(*console.Options) {})
	s.url = server.URL + "/console/api/"
	for path, body := range map[string]object{
		"commands/rename-member": {"id": "m0", "payload": object{"name": "Eve"}},
		"redrive":                {"name": "members"}, "letters": {"action": "drop", "ids": []string{"1"}},
		"rebuild": {"view": "members"}, "switch": {"view": "members", "table": "v1"}, "sample": {"view": "members"},
	} {
		if f := s.fails(path, body); f.Status != http.StatusForbidden || !strings.Contains(f.Detail, "-write") {
			t.Errorf("%s: got %+v", path, f)
		}
	}
	if d := post[inspect.DryRun](s, "commands/rename-member", object{"id": "m0", "payload": object{"name": "Eve"}, "dryRun": true}); len(d.Streams) != 1 {
		t.Errorf("got %+v", d)
	}
	if page := get[inspect.StreamPage](s, "stream?stream=member/m0"); page.Version != 1 {
		t.Errorf("at version %d", page.Version)
	}
	if letters := get[inspect.LettersPage](s, "letters"); len(letters.Letters) != 0 {
		t.Errorf("got %+v", letters)
	}
}
