package simulation

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"slices"
	"sync"

	"daybook/localstack/mapping"
)

// shardReads follows how an event source mapping reads the shards of a stream: a shard
// that follows a closed one is not delivered before all of that one is.
type shardReads struct {
	mapping.Source
	function mapping.Function
	settings mapping.Settings

	mu        sync.Mutex
	parents   map[string]string
	iterators map[string]string          // shards
	of        map[string]string          // shards, by sequence number
	open      map[string]map[string]bool // sequence numbers that were read and are not processed, by shard
	ended     map[string]bool
	faults    []string
}

func newShardReads(source mapping.Source, f mapping.Function, s mapping.Settings) *shardReads {
	return &shardReads{
		Source: source, function: f, settings: s,
		parents: map[string]string{}, iterators: map[string]string{}, of: map[string]string{}, open: map[string]map[string]bool{}, ended: map[string]bool{},
	}
}

// Shards implements mapping.Source.
func (s *shardReads) Shards(ctx context.Context) ([]mapping.Shard, error) {
	all, err := s.Source.Shards(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		s.parents[one.ID] = one.Parent
	}
	return all, err
}

// Iterator implements mapping.Source.
func (s *shardReads) Iterator(ctx context.Context, shard, after string) (string, error) {
	it, err := s.Source.Iterator(ctx, shard, after)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.iterators[it] = shard
	return it, err
}

// Records implements mapping.Source.
func (s *shardReads) Records(ctx context.Context, iterator string, limit int) (mapping.Page, error) {
	page, err := s.Source.Records(ctx, iterator, limit)
	if err != nil {
		return page, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shard := s.iterators[iterator]
	for _, r := range page.Records {
		if !slices.Contains(s.settings.EventNames, r.EventName) {
			continue
		}
		s.of[r.Sequence] = shard
		if s.open[shard] == nil {
			s.open[shard] = map[string]bool{}
		}
		s.open[shard][r.Sequence] = true
	}
	s.iterators[page.Next] = shard
	s.ended[shard] = page.Next == ""
	return page, nil
}

// invoke runs the function with a batch of one shard.
func (s *shardReads) invoke(ctx context.Context, event []byte) ([]byte, error) {
	var batch struct {
		Records []struct {
			Change struct{ SequenceNumber string } `json:"dynamodb"`
		}
	}
	if err := json.Unmarshal(event, &batch, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, err
	}
	s.before(batch.Records[0].Change.SequenceNumber)
	answer, err := s.function(ctx, event)
	var report struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err != nil || json.Unmarshal(answer, &report) != nil {
		return answer, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range batch.Records {
		number := r.Change.SequenceNumber
		if len(report.Failures) > 0 && number >= report.Failures[0].ID {
			break
		}
		delete(s.open[s.of[number]], number)
	}
	return answer, nil
}

// before checks that whatever comes before a record in its line of shards is processed.
func (s *shardReads) before(number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shard := s.of[number]
	for parent := s.parents[shard]; parent != ""; parent = s.parents[parent] {
		switch left := slices.Sorted(maps.Keys(s.open[parent])); {
		case len(left) > 0:
			s.faults = append(s.faults, fmt.Sprintf("record %s of shard %s is delivered before record %s of shard %s, which it follows", number, shard, left[0], parent))
		case !s.ended[parent]:
			s.faults = append(s.faults, fmt.Sprintf("record %s of shard %s is delivered before shard %s, which it follows, is read to its end", number, shard, parent))
		}
	}
}
