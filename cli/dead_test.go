package cli

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/aggregate/async"
	"daybook/dynamo"
	"daybook/inspect"
	"daybook/messaging"
)

const deadQueue, commandQueue = "school-test-dead-commands.fifo", "school-test-commands.fifo"

// deadSite is an installation with the two queues.
type deadSite struct {
	*site
	sqs            *sqs.Client
	dead, commands *string // URLs
	handled        []string
}

// inDeadSite runs a test in a bubble, with an installation that has no letters.
func inDeadSite(t *testing.T, test func(t *testing.T, s *deadSite)) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		s := &deadSite{site: newSiteInMemory(t)}
		s.sqs = sqs.New(sqs.Options{
			Region: "us-east-1", BaseEndpoint: &s.endpoint, Credentials: dynamo.StaticCredentials("local", "local"),
			HTTPClient: &http.Client{Transport: s.transport},
		})
		s.dead = s.create(deadQueue, nil)
		s.commands = s.create(commandQueue, map[string]string{
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:` + deadQueue + `","maxReceiveCount":2}`, "VisibilityTimeout": "5",
		})
		test(t, s)
	})
}

func (s *deadSite) create(name string, attributes map[string]string) *string {
	s.t.Helper()
	all := map[string]string{"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
	for k, v := range attributes {
		all[k] = v
	}
	out, err := s.sqs.CreateQueue(s.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.QueueUrl
}

// letter puts a dead letter into the queue; its id there is also its deduplication
// id. One without an error is as the queue moves it.
func (s *deadSite) letter(id, group, body, failure string) {
	s.t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: s.dead, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &id}
	if failure != "" {
		in.MessageAttributes = map[string]types.MessageAttributeValue{}
		for name, value := range map[string]string{"code": "internal", "error": failure, "receives": "1"} {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
	}
	if _, err := s.sqs.SendMessage(s.t.Context(), in); err != nil {
		s.t.Error(err)
	}
}

func queued(command, id, commandID, payload string) string {
	return fmt.Sprintf(`{"v":1,"command":%q,"id":%q,"payload":%s,"commandId":%q}`, command, id, payload, commandID)
}

// four puts four dead letters into the queue: two of member/7, one of member/8, one
// that can't be read.
func (s *deadSite) four() {
	s.letter("d-1", "member/7", queued("rename-member", "7", "k-1", `{"name":"Ann"}`), "internal: it failed")
	s.letter("d-2", "member/8", queued("rename-member", "8", "k-2", `{"name":"Ann"}`), "")
	s.letter("d-3", "member/7", queued("rename-member", "7", "k-3", `{"name":"Bea"}`), "internal: it failed")
	s.letter("d-4", "x", "rubbish", "internal: unread")
}

// left are the bodies of the letters that can be received, in order of their
// groups. It hides nothing.
func (s *deadSite) left() (bodies []string) {
	s.t.Helper()
	out, err := s.sqs.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: s.dead, MaxNumberOfMessages: 10})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range out.Messages {
		bodies = append(bodies, aws.ToString(m.Body))
		if _, err := s.sqs.ChangeMessageVisibility(s.t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: s.dead, ReceiptHandle: m.ReceiptHandle}); err != nil {
			s.t.Fatal(err)
		}
	}
	return bodies
}

// serve handles the command queue as the command function does, until the test
// ends. A body that says die kills it each time: the queue moves the message.
func (s *deadSite) serve() {
	options := messaging.Options{Region: "us-east-1", Endpoint: s.endpoint, Credentials: dynamo.StaticCredentials("local", "local"), Transport: s.transport}
	worker := async.NewWorker(s.handler, dynamo.NewRequests(s.client, "school-"+testStage+"-requests"), messaging.NewQueue(*s.dead, options), nil)
	ctx := s.t.Context()
	go func() {
		for {
			out, err := s.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
				QueueUrl: s.commands, MaxNumberOfMessages: 1, WaitTimeSeconds: 20,
				MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			})
			if err != nil {
				return // the test has ended
			}
			for _, m := range out.Messages {
				s.handled = append(s.handled, aws.ToString(m.Body))
				if strings.Contains(aws.ToString(m.Body), "die") {
					continue
				}
				receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
				worker.Handle(ctx, []async.Delivery{{ID: aws.ToString(m.MessageId), Body: []byte(*m.Body), Group: m.Attributes["MessageGroupId"], Receives: receives}})
				if _, err := s.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: s.commands, ReceiptHandle: m.ReceiptHandle}); err != nil {
					return
				}
			}
		}
	}()
}

func TestDeadList(t *testing.T) {
	t.Parallel()
	inDeadSite(t, func(t *testing.T, s *deadSite) {
		if r := s.want(exitOK, "dead", "list", "-check"); r.out != "" {
			t.Errorf("nothing is there, but %q", r.out)
		}
		s.four()
		r := s.want(exitOK, "dead", "list")
		got := map[string][]string{}
		for _, line := range r.lines() {
			if len(line) != 6 || line[5] == "" {
				t.Fatalf("got %q", line)
			}
			got[line[0]] = line[1:3]
			if line[1] == "-" {
				got["unread"] = line[1:3]
			}
		}
		for id, want := range map[string][]string{"k-1": {"rename-member", "member/7"}, "k-2": {"rename-member", "member/8"}, "k-3": {"rename-member", "member/7"}, "unread": {"-", "x"}} {
			if !slices.Equal(got[id], want) {
				t.Errorf("%s is %q, want %q", id, got[id], want)
			}
		}
		if strings.Contains(r.out, "Ann") || strings.Contains(r.out, "rubbish") || len(r.lines()) != 4 {
			t.Errorf("got %s", r.out)
		}
		s.want(exitFound, "dead", "list", "-check")
		if left := s.left(); len(left) != 4 {
			t.Errorf("left are %q", left)
		}
		for _, l := range decode[inspect.Letter](t, s.want(exitOK, "dead", "list", "-json")) {
			if moved := l.ID == "k-2"; moved == (l.Code == "internal") || moved == (l.Receives == 1) || l.Text == "" {
				t.Errorf("got %+v", l)
			}
		}
	})
}

func TestDeadUsage(t *testing.T) {
	t.Parallel()
	inDeadSite(t, func(t *testing.T, s *deadSite) {
		s.four()
		for _, args := range [][]string{
			{"dead"}, {"dead", "lst"}, {"dead", "list", "-nonsense"}, {"dead", "redrive"}, {"dead", "redrive", "k-1", "-all"},
			{"dead", "redrive", "-all"} /* nobody to ask */, {"dead", "redrive", "-all", "-yes", "-wait", "-1s"}, {"dead", "drop", "-all"},
		} {
			s.want(exitUsage, args...)
		}
		if left := s.left(); len(left) != 4 {
			t.Errorf("left are %q", left)
		}
		s.router.Queue = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}`)
		})
		if r := s.want(exitFailed, "dead", "list"); !strings.Contains(r.errors, "commands.fifo") {
			t.Errorf("got %s", r.errors)
		}
	})
}

// outcomes are the outcomes by id.
func outcomes(t *testing.T, r result) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, l := range decode[inspect.HandledLetter](t, r) {
		if all[l.ID] != "" {
			t.Errorf("%s is there twice", l.ID)
		}
		all[l.ID] = l.Outcome
	}
	return all
}

// TestDeadRedriveEnds: a letter that fails again is sent once, not as long as it
// fails.
func TestDeadRedriveEnds(t *testing.T) {
	t.Parallel()
	inDeadSite(t, func(t *testing.T, s *deadSite) {
		s.send("create-member", "7", `{"name":"Anna","email":"anna@example.com"}`)
		s.four()
		s.letter("d-5", "booking/1", `{"v":99}`, "internal: unread")
		s.letter("d-6", "booking/2", `{"die":1}`, "")
		s.serve()
		begun := time.Now()
		r := s.want(exitFound, "dead", "redrive", "-all", "-yes", "-json")
		got := map[string]int{}
		for _, outcome := range outcomes(t, r) {
			got[outcome]++
		}
		if got["accepted"] != 2 || got["rejected"] != 1 || got["failed"] != 3 || len(got) != 3 {
			t.Errorf("outcomes are %v", got)
		}
		slices.Sort(s.handled)
		if len(s.handled) != 7 || len(slices.Compact(s.handled)) != 6 { // the queue delivers what kills the function twice
			t.Errorf("handled were %q", s.handled)
		}
		if left := s.left(); len(left) != 3 {
			t.Errorf("left are %q", left)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("it took %v, although all outcomes are known", took)
		}
	})
}

// TestDeadRedriveOfOneStream: more letters of one stream than a receive returns are
// sent in order, once each. Only the first of those that failed again can be seen.
func TestDeadRedriveOfOneStream(t *testing.T) {
	t.Parallel()
	inDeadSite(t, func(t *testing.T, s *deadSite) {
		var want []string
		for i := range 25 {
			want = append(want, fmt.Sprintf(`{"v":%d}`, 100+i))
			s.letter(fmt.Sprint("d-", i), "member/7", want[i], "internal: unread")
		}
		s.serve()
		r := s.want(exitFound, "dead", "redrive", "-all", "-yes", "-json")
		if all := decode[inspect.HandledLetter](t, r); len(all) != 25 || all[0].Outcome != inspect.OutcomeFailed || all[24].Outcome != inspect.OutcomePending {
			t.Errorf("got %s", r.out)
		}
		if !slices.Equal(s.handled, want) {
			t.Errorf("handled were %q", s.handled)
		}
	})
}

func TestDeadRedriveByID(t *testing.T) {
	t.Parallel()
	inDeadSite(t, func(t *testing.T, s *deadSite) {
		s.four()
		r := s.want(exitNotFound, "dead", "redrive", "-yes", "-wait", "0s", "k-2", "k-2", "k-9")
		if !strings.Contains(r.errors, "k-9") || strings.Contains(r.errors, "k-2") || len(r.lines()) != 1 || r.lines()[0][3] != inspect.OutcomePending {
			t.Errorf("got %s and %s", r.out, r.errors)
		}
		if left := s.left(); len(left) != 3 {
			t.Errorf("left are %q", left)
		}
		s.want(exitOK, "dead", "redrive", "-yes", "-all") // nobody handles them: no outcome for 30 seconds
		if left := s.left(); len(left) != 0 {
			t.Errorf("left are %q", left)
		}
	})
}

func TestDeadDrop(t *testing.T) {
	t.Parallel()
	inDeadSite(t, func(t *testing.T, s *deadSite) {
		s.four()
		if got := outcomes(t, s.want(exitOK, "dead", "drop", "-yes", "-json", "k-1", "k-3")); len(got) != 2 || got["k-1"] != inspect.OutcomeDropped || got["k-3"] != inspect.OutcomeDropped {
			t.Errorf("got %v", got)
		}
		if left := s.left(); len(left) != 2 || slices.Contains(s.handled, "k-1") {
			t.Errorf("left are %q", left)
		}
	})
}

// TestDeadDropLeavesWhatComes: letters that arrive while all are dropped stay, and
// the command ends although they go on to arrive.
func TestDeadDropLeavesWhatComes(t *testing.T) {
	t.Parallel()
	inDeadSite(t, func(t *testing.T, s *deadSite) {
		s.four()
		var arrived []string
		done := make(chan struct{})
		go func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				case <-time.After(300 * time.Millisecond):
					arrived = append(arrived, fmt.Sprintf("late %d", i))
					s.letter(fmt.Sprint("late-", i), fmt.Sprint("member/late", i), arrived[i], "internal: late")
				}
			}
		}()
		begun := time.Now()
		r := s.want(exitOK, "dead", "drop", "-yes", "-all", "-json")
		close(done)
		synctest.Wait()
		dropped := decode[inspect.HandledLetter](t, r)
		for _, l := range dropped {
			if l.Sent.After(begun.Add(time.Second)) {
				t.Errorf("dropped is a letter that came later: %+v", l)
			}
		}
		later := decode[inspect.HandledLetter](t, s.want(exitOK, "dead", "drop", "-yes", "-all", "-json"))
		if len(dropped) < 4 || len(later) < 100 || len(dropped)+len(later) != 4+len(arrived) {
			t.Errorf("%d letters arrived, %d and %d were dropped", len(arrived), len(dropped), len(later))
		}
	})
}
