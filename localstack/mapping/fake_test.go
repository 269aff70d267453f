package mapping

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeStream is a stream in memory. Sequence numbers are given by the test.
type fakeStream struct {
	mu      sync.Mutex
	shards  []*fakeShard
	changed chan struct{}
	faults  []error // returned by the next reads, first to last
	polls   int
}

type fakeShard struct {
	Shard
	records []Record
	trimmed int // records before this index are gone
	closed  bool
}

func newStream(shards ...string) *fakeStream {
	s := &fakeStream{changed: make(chan struct{})}
	for _, id := range shards {
		id, parent, _ := strings.Cut(id, "<")
		s.shards = append(s.shards, &fakeShard{Shard: Shard{ID: id, Parent: parent}})
	}
	return s
}

func (s *fakeStream) shard(id string) *fakeShard {
	i := slices.IndexFunc(s.shards, func(f *fakeShard) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return s.shards[i]
}

// put appends records, named by their sequence numbers, to a shard.
func (s *fakeStream) put(shard string, sequences ...int) {
	for _, n := range sequences {
		s.add(shard, record(n))
	}
}

func (s *fakeStream) add(shard string, r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.shard(shard)
	f.records = append(f.records, r)
	close(s.changed)
	s.changed = make(chan struct{})
}

func record(n int) Record {
	seq := strconv.Itoa(n)
	return Record{
		Sequence: seq, EventName: "INSERT", Created: time.Now(),
		JSON: jsontext.Value(`{"eventName":"INSERT","dynamodb":{"SequenceNumber":"` + seq + `"}}`),
	}
}

func (s *fakeStream) close(shard string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shard(shard).closed = true
}

func (s *fakeStream) activity(string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *fakeStream) fault() error {
	if len(s.faults) == 0 {
		return nil
	}
	err := s.faults[0]
	s.faults = s.faults[1:]
	return err
}

func (s *fakeStream) Shards(context.Context) ([]Shard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Shard
	for _, f := range s.shards {
		list = append(list, f.Shard)
	}
	return list, nil
}

func (s *fakeStream) Iterator(_ context.Context, shard, after string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.shard(shard)
	if f == nil {
		return "", ErrGone
	}
	at := f.trimmed
	if after != "" {
		i := slices.IndexFunc(f.records, func(r Record) bool { return r.Sequence == after })
		if i < f.trimmed {
			return "", ErrTrimmed
		}
		at = i + 1
	}
	return fmt.Sprintf("%s|%d", shard, at), nil
}

func (s *fakeStream) Records(_ context.Context, iterator string, limit int) (Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls++
	if err := s.fault(); err != nil {
		return Page{}, err
	}
	id, index, _ := strings.Cut(iterator, "|")
	at, err := strconv.Atoi(index)
	f := s.shard(id)
	if err != nil || f == nil {
		return Page{}, ErrGone
	}
	end := min(at+limit, len(f.records))
	page := Page{Records: slices.Clone(f.records[at:end])}
	if end < len(f.records) || !f.closed {
		page.Next = fmt.Sprintf("%s|%d", id, end)
	}
	return page, nil
}

// fakeFunction notes what it is invoked with and answers by script.
type fakeFunction struct {
	mu    sync.Mutex
	calls []string // sequence numbers of each event, joined with a blank
	at    []time.Duration
	begun time.Time
	// answer is called with the sequence numbers of the event; nil succeeds.
	answer func(ctx context.Context, call int, sequences []int) (string, error)
}

func (f *fakeFunction) invoke(ctx context.Context, event []byte) ([]byte, error) {
	var in struct {
		Records []struct {
			Change struct {
				SequenceNumber string `json:"SequenceNumber"`
			} `json:"dynamodb"`
		} `json:"Records"`
	}
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	var names []string
	var sequences []int
	for _, r := range in.Records {
		n, err := strconv.Atoi(r.Change.SequenceNumber)
		if err != nil {
			return nil, err
		}
		names, sequences = append(names, r.Change.SequenceNumber), append(sequences, n)
	}
	f.mu.Lock()
	f.calls = append(f.calls, strings.Join(names, " "))
	f.at = append(f.at, time.Since(f.begun))
	call := len(f.calls)
	answer := f.answer
	f.mu.Unlock()
	if answer == nil {
		return []byte(`{"batchItemFailures":[]}`), nil
	}
	out, err := answer(ctx, call, sequences)
	return []byte(out), err
}

var errPoison = errors.New("poison")

// poison fails every batch that holds one of the given records.
func poison(bad ...int) func(context.Context, int, []int) (string, error) {
	return func(_ context.Context, _ int, sequences []int) (string, error) {
		for _, n := range sequences {
			if slices.Contains(bad, n) {
				return "", errPoison
			}
		}
		return "", nil
	}
}

// fails reports a failure at the first of the given records in the batch.
func fails(bad ...int) func(context.Context, int, []int) (string, error) {
	return func(_ context.Context, _ int, sequences []int) (string, error) {
		for _, n := range sequences {
			if slices.Contains(bad, n) {
				return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":"%d"}]}`, n), nil
			}
		}
		return `{"batchItemFailures":[]}`, nil
	}
}

// fakeDestination notes what is discarded.
type fakeDestination struct {
	mu   sync.Mutex
	gone []string // "condition: sequence numbers (invocations)"
}

func (d *fakeDestination) Discard(x DiscardedBatch) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, r := range x.Records {
		names = append(names, r.Sequence)
	}
	d.gone = append(d.gone, fmt.Sprintf("%s: %s (%d)", x.Condition, strings.Join(names, " "), x.Invocations))
	return "memory", nil
}

// rig is a mapping with fakes around it, to be used inside a synctest bubble.
type rig struct {
	stream      *fakeStream
	function    *fakeFunction
	destination *fakeDestination
	options     Options
}

func newRig(stream *fakeStream, change func(s *Settings)) *rig {
	r := &rig{stream: stream, function: &fakeFunction{begun: time.Now()}, destination: &fakeDestination{}}
	settings := Settings{BatchSize: 100, MaximumRetryAttempts: -1, MaximumRecordAge: -1, Timeout: time.Minute}
	if change != nil {
		change(&settings)
	}
	r.options = Options{
		Name: "test", StreamARN: "arn:stream", FunctionARN: "arn:function", Source: stream,
		Function: r.function.invoke, Settings: settings, Destination: r.destination, Activity: stream.activity,
		Backoff: func(int) time.Duration { return time.Second }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	return r
}

// run runs the mapping for a time of the bubble's clock.
func (r *rig) run(t *testing.T, d time.Duration, during ...func()) {
	t.Helper()
	m, err := New(r.options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { m.Run(ctx); close(ended) }()
	for _, f := range during {
		synctest.Wait()
		f()
	}
	time.Sleep(d)
	cancel()
	<-ended
}

func (r *rig) expect(t *testing.T, calls ...string) {
	t.Helper()
	if !slices.Equal(r.function.calls, calls) {
		t.Errorf("invocations\n got %q\nwant %q", r.function.calls, calls)
	}
}

func (r *rig) expectGone(t *testing.T, gone ...string) {
	t.Helper()
	if !slices.Equal(r.destination.gone, gone) {
		t.Errorf("discarded\n got %q\nwant %q", r.destination.gone, gone)
	}
}
