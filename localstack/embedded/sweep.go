package embedded

import (
	"time"
)

// sweepBatch is how many expired items of a table are deleted before other
// requests get their turn.
const sweepBatch = 100

func (db *DB) wakeSweeper() {
	select {
	case db.ttlChanged <- struct{}{}:
	default:
	}
}

// longestSweepPause bounds how long the sweeper sleeps while items wait to expire.
const longestSweepPause = time.Hour

// sweep deletes items when their time to live is over, until the database is
// closed. It sleeps until the first item expires, and while there is none that can.
// The pause is in the program's own time: by a clock that a caller gave, which may
// jump, it looks each second.
func (db *DB) sweep() {
	for {
		var again <-chan time.Time
		if first, some := db.sweepOnce(); some {
			pause := sweepEvery
			if !db.givenClock {
				pause = min(max(time.Until(first)+sweepEvery, sweepEvery), longestSweepPause)
			}
			again = time.After(pause)
		}
		select {
		case <-db.closing.Done():
			return
		case <-again:
			continue
		case <-db.ttlChanged:
		}
		select { // many changes, one sweep
		case <-db.closing.Done():
			return
		case <-time.After(sweepEvery):
		}
	}
}

// sweepOnce deletes what has expired and reports whether more can expire, and when the
// first will.
func (db *DB) sweepOnce() (first time.Time, more bool) {
	db.mu.RLock()
	tables := make([]*table, 0, len(db.tables))
	for _, t := range db.tables {
		tables = append(tables, t)
	}
	db.mu.RUnlock()
	for _, t := range tables {
		for db.closing.Err() == nil {
			n, left, err := db.expire(t)
			if err != nil {
				db.opts.Log.Error("embedded dynamodb: expired items can't be deleted", "table", t.name, "error", err)
				break
			}
			if !left.IsZero() && (!more || left.Before(first)) {
				first, more = left, true
			}
			if n < sweepBatch {
				break
			}
		}
	}
	return first, more
}

// expire deletes some expired items of a table as the service, not as a
// client: the stream's records say so. left is when the first of the others expires,
// zero for none.
func (db *DB) expire(t *table) (n int, left time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone || t.expiry == nil {
		return 0, left, nil
	}
	due := t.expiry.due(db.opts.Now(), sweepBatch)
	changes := make([]change, len(due))
	for i, r := range due {
		changes[i] = change{t: t, key: r.key(), old: r, service: true}
	}
	if len(changes) > 0 {
		_, err = db.commit(nil, changes...)
	}
	return len(due), t.expiry.first(db.opts.Now()), err
}
