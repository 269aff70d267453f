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

// sweep deletes items when their time to live is over, until the database is
// closed. It sleeps while there is nothing that can expire.
func (db *DB) sweep() {
	for {
		var again <-chan time.Time
		if db.sweepOnce() {
			again = time.After(sweepEvery)
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

// sweepOnce deletes what has expired and reports whether more can expire.
func (db *DB) sweepOnce() (more bool) {
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
			more = more || left
			if n < sweepBatch {
				break
			}
		}
	}
	return more
}

// expire deletes some expired items of a table as the service, not as a
// client: the stream's records say so.
func (db *DB) expire(t *table) (n int, left bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone || t.expiry == nil {
		return 0, false, nil
	}
	due := t.expiry.due(db.opts.Now(), sweepBatch)
	changes := make([]change, len(due))
	for i, r := range due {
		changes[i] = change{t: t, key: r.key(), old: r, service: true}
	}
	if len(changes) > 0 {
		_, err = db.commit(nil, changes...)
	}
	return len(due), t.expiry.entries.Len() > 0, err
}
