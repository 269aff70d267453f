package embedded

import (
	"cmp"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Hostile makes a database do whatever DynamoDB is allowed to do to its clients
// and rarely does. Each field but Seed and MaxDelay is a probability from 0 to
// 1; the zero value does nothing. The decisions of each kind are one sequence
// that the seed fixes, so requests that come in the same order meet the same
// faults.
//
// Operations on tables themselves (CreateTable, DescribeTable and the like) and
// ListStreams, DescribeStream and GetShardIterator are spared.
type Hostile struct {
	// Seed fixes all decisions.
	Seed uint64
	// ReorderRecords keeps a stream record back until up to eight later ones
	// of its shard have gone ahead (or MaxDelay is over). Records of one item
	// keep their order, always.
	ReorderRecords float64
	// DelayRecords keeps a stream record, and the following ones of its item,
	// back for up to MaxDelay.
	DelayRecords float64
	// MaxDelay is the longest that a record is kept back, 200 ms by default.
	MaxDelay time.Duration
	// DuplicateRecords delivers what GetRecords has just delivered, or a part
	// of its end, once more.
	DuplicateRecords float64
	// SplitShards closes a shard behind a record. Two shards follow it, each for a half of
	// its range of hashes, or, every third time, one for the whole range, as when DynamoDB
	// replaces a shard that is some hours old. The place of a split depends on the seed and
	// on how many records the shard has. Only a database in memory can do it.
	SplitShards float64
	// SplitBatches makes GetRecords return only some of the records there are.
	SplitBatches float64
	// Throttle refuses a request before anything is done, with a
	// ProvisionedThroughputExceededException or a ThrottlingException.
	Throttle float64
	// Fail refuses a request before anything is done, with an
	// InternalServerError.
	Fail float64
	// LoseRequests fails the connection before anything is done.
	LoseRequests float64
	// LoseAnswers fails the connection after everything is done.
	LoseAnswers float64
	// Conflict cancels a transaction with a TransactionConflict, as if another
	// one held its first item.
	Conflict float64
	// Unprocessed leaves an item of a batch unprocessed.
	Unprocessed float64
	// EndPages ends a page of a Query or Scan after a few items, as if they were 1 MB:
	// LastEvaluatedKey alone says whether there are more.
	EndPages float64
}

// fault is a kind of decision.
type fault int

const (
	faultReorder fault = iota
	faultDelay
	faultDuplicate
	faultSplit
	faultThrottle
	faultFail
	faultLoseRequest
	faultLoseAnswer
	faultConflict
	faultUnprocessed
	faultKinds
)

const (
	defaultMaxDelay = 200 * time.Millisecond
	maxOvertaking   = 8
	maxEarlyPage    = 4 // items of a page that ends early
)

// faults decides what goes wrong. A nil one decides that nothing does.
type faults struct {
	h  Hostile
	mu sync.Mutex
	// random has one sequence for each kind, so that the decisions of one kind
	// don't depend on how many of another were asked for.
	random [faultKinds]*rand.Rand
}

func newFaults(h *Hostile) *faults {
	if h == nil {
		return nil
	}
	f := &faults{h: *h}
	f.h.MaxDelay = cmp.Or(max(f.h.MaxDelay, 0), defaultMaxDelay)
	for i := range f.random {
		f.random[i] = rand.New(rand.NewPCG(h.Seed, uint64(i)))
	}
	return f
}

// happens decides once.
func (f *faults) happens(kind fault, probability float64) bool {
	if f == nil || probability <= 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random[kind].Float64() < probability
}

// pick chooses a number below n.
func (f *faults) pick(kind fault, n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random[kind].IntN(n)
}

// before decides whether a request is refused before anything is done.
func (f *faults) before() (answer, bool) {
	if f == nil {
		return answer{}, false
	}
	switch {
	case f.happens(faultLoseRequest, f.h.LoseRequests):
		return answer{lost: true}, true
	case f.happens(faultFail, f.h.Fail):
		return errorAnswer(internalError()), true
	case f.happens(faultThrottle, f.h.Throttle):
		if f.pick(faultThrottle, 2) == 0 {
			return errorAnswer(dynamoError("ProvisionedThroughputExceededException",
				"The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")), true
		}
		return errorAnswer(&apiError{
			status: http.StatusBadRequest, kind: "com.amazon.coral.availability#ThrottlingException",
			message: "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.",
		}), true
	}
	return answer{}, false
}

// loseAnswer decides whether the answer to a request that was carried out is lost.
func (f *faults) loseAnswer() bool { return f != nil && f.happens(faultLoseAnswer, f.h.LoseAnswers) }

func (f *faults) conflict() bool { return f != nil && f.happens(faultConflict, f.h.Conflict) }

func (f *faults) leaveUnprocessed() bool {
	return f != nil && f.happens(faultUnprocessed, f.h.Unprocessed)
}

// endPage decides after how many items a page that goes on behind a key ends; 0 is when
// it is full. A page that is asked for again is the same.
func (f *faults) endPage(after string) int {
	if f == nil || f.h.EndPages <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, after) // never fails
	if random := rand.New(rand.NewPCG(f.h.Seed, h.Sum64())); random.Float64() < f.h.EndPages {
		return 1 + random.IntN(maxEarlyPage)
	}
	return 0
}

// children decides how many shards take a shard's place, 0 when it stays open.
func (f *faults) children(sh *shard) int {
	if f == nil || f.h.SplitShards <= 0 || sh.isClosed() {
		return 0
	}
	random := rand.New(rand.NewPCG(f.h.Seed, uint64(sh.index)<<32|sh.end))
	switch {
	case random.Float64() >= f.h.SplitShards:
		return 0
	case random.IntN(3) == 0:
		return 1
	}
	return 2
}

// splitBatch decides how many of n records are returned, at least one.
func (f *faults) splitBatch(n int) int {
	if f == nil || n < 2 || !f.happens(faultSplit, f.h.SplitBatches) {
		return n
	}
	return 1 + f.pick(faultSplit, n-1)
}

// repeat decides whether the iterator that follows the records from a position
// on goes back among them. Records are repeated once at most.
func (f *faults) repeat(next *iterator, from uint64) {
	if f == nil || next.position <= max(from, next.repeated) || !f.happens(faultDuplicate, f.h.DuplicateRecords) {
		return
	}
	from = max(from, next.repeated)
	end := next.position
	next.position = from + uint64(f.pick(faultDuplicate, int(end-from)))
	next.repeated = end
}

// hold is how long a stream record is kept back: until a number of later
// records have gone ahead, or until a time, whichever is first.
type hold struct {
	records int
	until   time.Time
}

// heldRecord is a record that is not in its shard yet.
type heldRecord struct {
	key    string
	record record
	hold
}

func (h heldRecord) due(now time.Time) bool { return h.records <= 0 || !now.Before(h.until) }

// holdRecord decides whether a new record of an item is kept back. It is if an
// earlier one of the item is: their order is sacred.
func (f *faults) holdRecord(s *stream, key string, now time.Time) *hold {
	if f == nil {
		return nil
	}
	var h *hold
	if f.happens(faultReorder, f.h.ReorderRecords) {
		h = &hold{records: 1 + f.pick(faultReorder, maxOvertaking), until: now.Add(f.h.MaxDelay)}
	}
	if f.happens(faultDelay, f.h.DelayRecords) {
		delay := time.Duration(1 + f.pick(faultDelay, int(f.h.MaxDelay)))
		h = &hold{records: 1 << 30, until: now.Add(delay)}
	}
	if h != nil {
		return h
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, other := range s.shardOf(key).held {
		if other.key == key {
			h = &hold{records: other.records, until: other.until}
		}
	}
	return h
}

// releaseLater releases a table's held records when the hold's time is over.
func (db *DB) releaseLater(t *table, h *hold) {
	if h == nil {
		return
	}
	time.AfterFunc(h.until.Sub(db.opts.Now()), func() {
		if !db.enter() {
			return
		}
		defer db.leave()
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.gone {
			db.releaseDue(t)
		}
	})
}

// releaseDue lets the held records of a table's stream that are due enter their
// shards, logged so that a restart gives them the same sequence numbers. The
// table is locked for writing.
func (db *DB) releaseDue(t *table) {
	now := db.opts.Now()
	if db.release(t.stream, func(h heldRecord) bool { return h.due(now) }) {
		db.activity.wakeAll(t.name)
	}
}

// release lets held records that are due enter their shards, but none before
// an earlier one of its item. It reports whether there were any.
func (db *DB) release(s *stream, due func(heldRecord) bool) (some bool) {
	if s == nil || !s.enabled() {
		return false
	}
	for {
		shard, i := s.nextDue(due)
		if i < 0 {
			return some
		}
		if db.log != nil {
			if _, err := db.log.append(appendRelease(startRecord(nil), s.def.ID, shard, i)); err != nil {
				db.opts.Log.Error("embedded dynamodb: a stream record stays kept back", "stream", s.def.ARN, "error", err)
				return some
			}
		}
		s.enter(shard, i)
		some = true
	}
}

// nextDue finds a held record that may enter its shard; -1 if there is none.
func (s *stream) nextDue(due func(heldRecord) bool) (shard, i int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, sh := range s.shards {
		for i, h := range sh.held {
			earlier := slices.ContainsFunc(sh.held[:i], func(e heldRecord) bool { return e.key == h.key })
			if !earlier && due(h) {
				return sh.index, i
			}
		}
	}
	return 0, -1
}

// enter puts a held record at its shard's end.
func (s *stream) enter(shard, i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shards[shard]
	r := sh.held[i].record
	sh.held = slices.Delete(sh.held, i, i+1)
	s.append(sh, r)
}
