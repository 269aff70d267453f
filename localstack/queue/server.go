package queue

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"

	"daybook/dynamo"
	"daybook/localstack/wire"
)

// Options say where a server keeps what it holds. Client and Table are required.
type Options struct {
	Client *dynamo.Client
	// Table is the full name of a table made from Table.
	Table string
	// Region and Account appear in ARNs and URLs, us-east-1 and 000000000000 by
	// default.
	Region, Account string
	// Log takes the few lines worth an operator's attention, slog.Default by
	// default.
	Log *slog.Logger
}

// Server is an embedded SQS. All methods are safe for concurrent use. It has no
// goroutine and no file.
type Server struct {
	region, account string
	log             *slog.Logger
	store           *store
	protocol        *wire.Protocol
	operations      map[string]operation
	closed          chan struct{}
	closing         sync.Once

	// mu is held while a change is decided, kept and made, so that what is kept
	// and what is in memory never differ.
	mu       sync.Mutex
	queues   map[string]*queue
	sequence uint64 // of the last message
}

// Open returns a server of the queues and messages in the table.
func Open(ctx context.Context, o Options) (*Server, error) {
	s := &Server{
		region: cmp.Or(o.Region, "us-east-1"), account: cmp.Or(o.Account, "000000000000"), log: cmp.Or(o.Log, slog.Default()),
		store: &store{client: o.Client, table: o.Table}, protocol: newProtocol(), operations: operations(), closed: make(chan struct{}),
	}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the waiting of requests that wait for messages: they answer at once,
// as do those that come later.
func (s *Server) Close() { s.closing.Do(func() { close(s.closed) }) }

// ARN is the ARN of the queue of that name.
func (s *Server) ARN(name string) string {
	return "arn:aws:sqs:" + s.region + ":" + s.account + ":" + name
}

// queueOf finds a queue by its URL (or its name alone). The lock is held.
func (s *Server) queueOf(url string) (*queue, error) {
	if url == "" {
		return nil, missing("QueueUrl")
	}
	if q := s.queues[url[strings.LastIndexByte(url, '/')+1:]]; q != nil {
		return q, nil
	}
	return nil, noQueue()
}

// byARN finds a queue by its ARN, nil if there is none. The lock is held.
func (s *Server) byARN(arn string) *queue {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if s.ARN(name) != arn {
		return nil
	}
	return s.queues[name]
}

// Send sends messages of one group to the queue of an ARN, in order, and returns
// when they are kept: what other services do with a queue as their target.
// Without deduplication ids (nil) they are deduplicated by their content.
func (s *Server) Send(ctx context.Context, arn, group string, bodies, deduplication []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.byARN(arn)
	if q == nil {
		return noQueue()
	}
	entries := make([]*entry, len(bodies))
	for i := range bodies {
		entries[i] = &entry{MessageBody: &bodies[i], MessageGroupID: &group}
		if deduplication != nil {
			entries[i].MessageDeduplicationID = &deduplication[i]
		}
	}
	_, err := s.send(ctx, q, entries)
	return err
}
