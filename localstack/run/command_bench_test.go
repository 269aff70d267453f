//go:build unix

package run

import (
	"encoding/json/v2"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/localstack/stack"
)

// benched are the courses that BenchmarkCommand extends in turn, together the commands
// that it sends, and the puts that it compares them with, at a time.
const benched, together = 100, 500

// latest are as many commands as have some in each of the stream's four shards.
const latest = 16

// BenchmarkCommand measures the processor time of a command in the local stack, from the
// request over HTTP (the client's part included) to the rows of its views, with the data
// kept on disk: from a client that sends one after the other, and from eight. The ratio
// is the time of the SDK's PutItem of an item as small, on a database in memory and
// without collections, to it.
func BenchmarkCommand(b *testing.B) {
	for _, clients := range []int{1, 8} {
		b.Run("clients="+strconv.Itoa(clients), func(b *testing.B) {
			defer tuneGC()()
			s, err := stack.Start(b.Context(), testdomain.App(), stack.Options{Data: b.TempDir(), LogTo: io.Discard, LogLevel: slog.LevelWarn})
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			}()
			l := &extender{url: s.URL(), clients: clients}
			l.send(b, benched, func(i int) (string, string) {
				return "add-course", fmt.Sprintf(`{"id":"c%d","payload":{"name":"a course","area":"toys","fee":10,"currency":"BRL","seats":5}}`, i)
			})
			l.settle(b)
			put := barePut(b)
			for i := range together { // the first puts are the slowest
				put(i)
			}
			var bare, used time.Duration
			n := 0
			for b.Loop() {
				percent := debug.SetGCPercent(-1) // collections are the stack's to avoid
				begun := cpuTime(b)
				for i := range together {
					put(n + i)
				}
				bare += cpuTime(b) - begun
				debug.SetGCPercent(percent)
				begun = cpuTime(b)
				l.send(b, together, func(i int) (string, string) {
					return "extend-course", fmt.Sprintf(`{"id":"c%d","payload":{"quantity":1}}`, i%benched)
				})
				l.settle(b)
				used += cpuTime(b) - begun
				n += together
			}
			b.ReportMetric(float64(used.Microseconds())/float64(n), "cpu-µs/command")
			b.ReportMetric(float64(bare.Microseconds())/float64(n), "cpu-µs/put")
			b.ReportMetric(bare.Seconds()/used.Seconds(), fmt.Sprintf("local-command-%d-ratio", clients))
		})
	}
}

// barePut returns the SDK's PutItem of a commit's size on a database in memory.
func barePut(b *testing.B) func(i int) {
	db, err := embedded.Open(b.Context(), embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.invalid"),
		Credentials: dynamo.StaticCredentials("id", "secret"), HTTPClient: &http.Client{Transport: db.RoundTripper()},
	})
	if _, err := client.CreateTable(b.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("bench"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
	}); err != nil {
		b.Fatal(err)
	}
	return func(i int) {
		text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
		if _, err := client.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: aws.String("bench"), Item: map[string]types.AttributeValue{
			"pk": text("course/" + strconv.Itoa(i)), "id": text("0b5c7b2e-7c4e-4a55-9a43-1f4e5d0c7a01"), "time": text("1700000000000"),
			"actor": text("local"), "events": text(`[{"name":"course-extended","schema":1,"data":{"quantity":1}}]`),
		}}); err != nil {
			b.Fatal(err)
		}
	}
}

// extender sends commands.
type extender struct {
	url     string
	clients int
	mu      sync.Mutex
	tokens  [benched]string // latest of each course
}

func (l *extender) send(b *testing.B, n int, command func(i int) (name, body string)) {
	var wg sync.WaitGroup
	for c := range l.clients {
		wg.Go(func() {
			for i := c; i < n; i += l.clients {
				name, body := command(i)
				response, err := http.Post(l.url+"/commands/"+name, "application/json", strings.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				var a struct {
					Token string `json:"token"`
				}
				err = json.UnmarshalRead(response.Body, &a)
				_ = response.Body.Close()
				if err != nil || response.StatusCode/100 != 2 {
					b.Errorf("%s %s: %d %v", name, body, response.StatusCode, err)
					return
				}
				l.mu.Lock()
				l.tokens[i%benched] = a.Token
				l.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// settle waits until the list shows the latest commands, and with them all before them
// in their shards.
func (l *extender) settle(b *testing.B) {
	b.Helper()
	for _, token := range l.tokens[benched-latest:] {
		for {
			response, err := http.Get(l.url + "/courses?area=toys&limit=1&after=" + token)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				b.Fatal(response.Status)
			}
			if response.Header.Get("Daybook-Stale") == "" {
				break
			}
		}
	}
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
