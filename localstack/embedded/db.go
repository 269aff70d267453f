package embedded

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Defaults of Options.
const (
	defaultShards      = 4
	defaultRegion      = "us-east-1"
	defaultAccount     = "000000000000"
	defaultSyncEvery   = 100 * time.Millisecond
	defaultStreamBytes = 256 << 20
	defaultCompactAt   = 64 << 20
	sweepEvery         = time.Second
)

var (
	errClosed      = errors.New("embedded: the database is closed")
	errSplitOnDisk = errors.New("embedded: Hostile.SplitShards needs a database in memory: a directory does not keep which shards were split; leave out SplitShards or Dir")
)

// ErrLocked is returned by Open for a directory that another database has open.
var ErrLocked = errors.New("embedded: another instance has this directory open")

// Options say how a database behaves. The zero value is a well-behaved one that
// keeps nothing.
type Options struct {
	// Dir is the directory that keeps the data, made when it is missing. ""
	// keeps everything in memory only.
	Dir string
	// SyncEvery is the longest time between a write and the fsync that brings
	// it to the disk, 100 ms by default. All writes of that time share the
	// fsync. Acknowledged writes survive the end of the process with any
	// SyncEvery; a power cut can take the last SyncEvery with it.
	SyncEvery time.Duration
	// SyncWrites makes every answer wait for the fsync of its write, so that
	// a power cut takes nothing that was acknowledged. Writes that come
	// together share one fsync.
	SyncWrites bool
	// CompactAt is the number of log bytes after which a snapshot replaces the
	// log, 64 MB by default, and never less than the last snapshot's size.
	CompactAt int64
	// Shards is the number of shards of each new stream, 4 by default. A
	// record's shard is chosen by a hash of its item's whole key, so that
	// records of one partition key spread over shards and only records of one
	// item are ordered: that is DynamoDB's promise, and no more.
	Shards int
	// StreamBytes bounds what a stream's records hold beyond the current
	// items, 256 MB by default. Beyond it the oldest records are trimmed
	// before their 24 hours are over, with a line in the log.
	StreamBytes int64
	// Hostile makes the database as unkind as DynamoDB is allowed to be. Nil
	// is well-behaved.
	Hostile *Hostile
	// Region and Account appear in ARNs and stream records, us-east-1 and
	// 000000000000 by default.
	Region, Account string
	// Now is the clock, time.Now by default.
	Now func() time.Time
	// Log takes the few lines worth an operator's attention, slog.Default by
	// default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.SyncEvery = cmp.Or(max(o.SyncEvery, 0), defaultSyncEvery)
	o.CompactAt = cmp.Or(max(o.CompactAt, 0), defaultCompactAt)
	o.Shards = cmp.Or(max(o.Shards, 0), defaultShards)
	o.StreamBytes = cmp.Or(max(o.StreamBytes, 0), defaultStreamBytes)
	o.Region, o.Account = cmp.Or(o.Region, defaultRegion), cmp.Or(o.Account, defaultAccount)
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// DB is an embedded DynamoDB. All methods are safe for concurrent use.
//
// Locks are taken in this order: mu, then tables by name, then a stream or the
// log. mu guards which tables and streams there are; a change of that holds it
// for writing.
type DB struct {
	opts       Options
	operations map[string]operation // by X-Amz-Target
	faults     *faults              // nil when well-behaved
	lock       interface{ Close() error }
	log        *wal // nil when nothing is kept

	mu      sync.RWMutex
	tables  map[string]*table
	streams map[uint64]*stream
	nextID  uint64

	tokens   tokens
	activity activity

	requests   sync.RWMutex // held for reading by every request, for writing to wait for them
	closing    context.Context
	close      context.CancelFunc
	closed     sync.Once
	closeError error
	background sync.WaitGroup
	compacting chan struct{} // holds one token while no snapshot is being written
	snapshot   int64         // size of the last snapshot; guarded by compacting
	ttlChanged chan struct{} // wakes the sweeper
	givenClock bool          // Options.Now was given
}

// Open starts a database. It fails with one clear error when the directory
// holds something else (ErrForeign), damaged data (*DamagedError), or is open
// already (ErrLocked). The context bounds the start alone.
func Open(ctx context.Context, opts Options) (*DB, error) {
	db := &DB{
		givenClock: opts.Now != nil, opts: opts.withDefaults(), operations: operations(), tables: map[string]*table{}, streams: map[uint64]*stream{}, nextID: 1,
		compacting: make(chan struct{}, 1), ttlChanged: make(chan struct{}, 1),
	}
	if h := db.opts.Hostile; h != nil && h.SplitShards > 0 && db.opts.Dir != "" {
		return nil, errSplitOnDisk
	}
	db.closing, db.close = context.WithCancel(context.Background())
	db.faults = newFaults(db.opts.Hostile)
	db.compacting <- struct{}{}
	if db.opts.Dir != "" {
		if err := db.load(ctx); err != nil {
			db.close()
			return nil, err
		}
	}
	db.background.Go(db.sweep)
	return db, nil
}

// Close ends all background work and brings the log to the disk. Requests
// after it fail.
func (db *DB) Close() error {
	db.closed.Do(func() {
		db.close()
		db.requests.Lock() // wait for the requests that have begun
		defer db.requests.Unlock()
		db.activity.wakeAll("")
		<-db.compacting // never given back: no snapshot starts any more
		db.background.Wait()
		if db.log != nil {
			db.closeError = errors.Join(db.log.close(), db.lock.Close())
		}
	})
	return db.closeError
}

// enter begins a request unless the database is closed; leave ends it.
func (db *DB) enter() bool {
	db.requests.RLock()
	if db.closing.Err() != nil {
		db.requests.RUnlock()
		return false
	}
	return true
}

func (db *DB) leave() { db.requests.RUnlock() }

// now is the clock in the unit that records keep.
func (db *DB) now() uint32 { return uint32(db.opts.Now().Unix()) }

// table finds a table by its name or ARN.
func (db *DB) table(name string) (*table, error) {
	if strings.HasPrefix(name, "arn:") {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	db.mu.RLock()
	t := db.tables[name]
	db.mu.RUnlock()
	if t == nil {
		return nil, resourceNotFound()
	}
	return t, nil
}

// withRead runs f with the table locked for reading.
func (t *table) withRead(f func() error) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.gone {
		return resourceNotFound()
	}
	return f()
}

// withWrite runs f with the table locked for writing.
func (t *table) withWrite(f func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return resourceNotFound()
	}
	return f()
}

// lockAll locks several tables, each once, in the order of their names. It fails,
// and locks nothing, if one of them is deleted.
func lockAll(tables []*table, lock func(*table) sync.Locker) (unlock func(), err error) {
	sorted := slices.Clone(tables)
	slices.SortFunc(sorted, func(a, b *table) int { return strings.Compare(a.name, b.name) })
	sorted = slices.Compact(sorted)
	unlock = func() {
		for _, t := range sorted {
			lock(t).Unlock()
		}
	}
	for _, t := range sorted {
		lock(t).Lock()
	}
	if slices.ContainsFunc(sorted, func(t *table) bool { return t.gone }) {
		unlock()
		return nil, resourceNotFound()
	}
	return unlock, nil
}

// commit writes changes to the log and makes them happen, all or none. Their
// tables are locked for writing. Changes that change nothing are left out: they
// make no stream record either. The caller answers after finish, without locks.
func (db *DB) commit(token *tokenUse, changes ...change) (position, error) {
	real := changes[:0]
	for _, c := range changes {
		if c.old != c.new {
			real = append(real, c)
		}
	}
	if len(real) == 0 && token == nil {
		return position{}, nil
	}
	at := db.now()
	for i := range real {
		if s := real[i].t.stream; s != nil && s.enabled() {
			real[i].hold = db.faults.holdRecord(s, real[i].key, db.opts.Now())
		}
	}
	var pos position
	if db.log != nil {
		buf := logBuffers.Get().(*[]byte)
		defer logBuffers.Put(buf)
		*buf = appendWrite(startRecord(*buf), at, token, real)
		var err error
		if pos, err = db.log.append(*buf); err != nil {
			return position{}, err
		}
	}
	if token != nil {
		db.tokens.end(token, at, true)
	}
	for _, c := range real {
		c.t.apply(c, at)
	}
	for _, c := range real {
		db.changed(c)
	}
	return pos, nil
}

// changed wakes waiters for the table's stream or expiry.
func (db *DB) changed(c change) {
	if c.t.expiry != nil {
		db.wakeSweeper()
	}
	if c.t.stream != nil && c.t.stream.enabled() {
		sh := c.t.stream.shardOf(c.key)
		if db.faults != nil {
			db.releaseDue(c.t)
			db.releaseLater(c.t, c.hold)
			c.t.stream.split(sh, db.faults.children(sh), db.opts.Now())
		}
		db.activity.wake(place{c.t.name, sh.id})
	}
}

// finish waits until a commit may be answered.
func (db *DB) finish(pos position) error {
	if db.log == nil || pos == (position{}) {
		return nil
	}
	if err := db.log.waitSynced(pos); err != nil {
		return err
	}
	db.compactIfGrown()
	return nil
}

// activity lets stream consumers wait for records without polling.
type activity struct {
	mu      sync.Mutex
	waiters map[place]chan struct{}
}

// place is a shard of a table's stream.
type place struct{ table, shard string }

// wait returns a channel that is closed at the shard's next activity.
func (a *activity) wait(p place) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	ch := a.waiters[p]
	if ch == nil {
		ch = make(chan struct{})
		if a.waiters == nil {
			a.waiters = map[place]chan struct{}{}
		}
		a.waiters[p] = ch
	}
	return ch
}

// wake wakes those who wait for a shard.
func (a *activity) wake(p place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ch := a.waiters[p]; ch != nil {
		close(ch)
		delete(a.waiters, p)
	}
}

// wakeAll wakes those who wait for any shard of a table, or of all tables for "".
func (a *activity) wakeAll(table string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, ch := range a.waiters {
		if table == "" || p.table == table {
			close(ch)
			delete(a.waiters, p)
		}
	}
}

// StreamActivity returns a channel that is closed when the shard of the table's
// stream gets its next record (or is closed, or the database is), so that a consumer
// need not poll. Take the channel before GetRecords: a record that comes in between
// closes it. Neither need exist yet.
func (db *DB) StreamActivity(table, shard string) <-chan struct{} {
	ch := db.activity.wait(place{table, shard})
	if db.closing.Err() != nil {
		db.activity.wakeAll("")
	}
	return ch
}
