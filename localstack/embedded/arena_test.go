package embedded

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestArenaAgainstAModel puts, holds and lets go of blobs of all sizes: what is
// held reads as it was put, and nothing is left in the end.
func TestArenaAgainstAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := newArena()
		type held struct {
			blob  string
			count int
		}
		blobs := map[ref]*held{}
		var refs []ref
		frozen := 0
		for i := range rapid.IntRange(1, 300).Draw(rt, "steps") {
			switch action := rapid.IntRange(0, 9).Draw(rt, "action"); {
			case action < 5 || len(refs) == 0:
				n := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 3000), rapid.SampledFrom([]int{508, 509, 2044, 2045, 100_000})).Draw(rt, "length")
				blob := strings.Repeat(string(rune('a'+i%26)), n)
				r := a.put(blob)
				if blobs[r] != nil {
					rt.Fatalf("ref %d is in use", r)
				}
				blobs[r] = &held{blob, 1}
				refs = append(refs, r)
			case action == 5 && frozen == 0:
				a.freeze()
				frozen++
			case action == 6 && frozen > 0:
				a.thaw()
				frozen--
			default:
				at := rapid.IntRange(0, len(refs)-1).Draw(rt, "which")
				r := refs[at]
				if action == 7 {
					a.retain(r)
					blobs[r].count++
					continue
				}
				a.release(r)
				if blobs[r].count--; blobs[r].count == 0 {
					delete(blobs, r)
					refs[at] = refs[len(refs)-1]
					refs = refs[:len(refs)-1]
				}
			}
		}
		for r, h := range blobs {
			if string(a.blob(r)) != h.blob {
				rt.Fatalf("ref %d reads %q", r, a.blob(r))
			}
			for range h.count {
				a.release(r)
			}
		}
		if frozen > 0 {
			a.thaw()
		}
		if a.live != 0 {
			rt.Fatalf("%d blobs are left", a.live)
		}
	})
}

// TestArenaReusesRoom lets all blobs grow together, step by step: the room of
// the smaller sizes is used for the larger ones.
func TestArenaReusesRoom(t *testing.T) {
	t.Parallel()
	a := newArena()
	refs := make([]ref, 5000)
	for size := 10; size < 3000; size += 40 {
		for i := range refs {
			next := a.put(strings.Repeat("x", size))
			a.release(refs[i])
			refs[i] = next
		}
	}
	total := 0
	for n := range a.count {
		total += cap(a.slab(n).data)
	}
	if most := 2 * len(refs) * 3000; total > most {
		t.Fatalf("%d bytes for %d", total, len(refs)*3000)
	}
	for _, r := range refs {
		a.release(r)
	}
	if a.live != 0 {
		t.Fatalf("%d blobs are left", a.live)
	}
}

// TestNothingIsLeaked writes and deletes through every path; when the stream's
// records are gone too, the arena is empty.
func TestNothingIsLeaked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, err := Open(t.Context(), Options{Dir: t.TempDir(), CompactAt: 4 << 10, Hostile: &Hostile{Seed: 1, ReorderRecords: 0.2, DelayRecords: 0.1}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		run := func(operation, body string) {
			t.Helper()
			if a := db.answer(t.Context(), targetTables+operation, []byte(body)); a.status != 200 {
				t.Fatalf("%s: %s", operation, a.body)
			}
		}
		run("CreateTable", `{"TableName":"things","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],
			"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"},
			"GlobalSecondaryIndexes":[{"IndexName":"by-x","KeySchema":[{"AttributeName":"x","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`)
		run("UpdateTimeToLive", `{"TableName":"things","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"t"}}`)
		later := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
		for i := range 300 {
			pk := strconv.Itoa(i % 40)
			run("PutItem", `{"TableName":"things","Item":{"pk":{"S":"`+pk+`"},"x":{"S":"`+strings.Repeat("x", 1+i%7*100)+`"},"t":{"N":"`+later+`"}}}`)
			if i%3 == 0 {
				run("UpdateItem", `{"TableName":"things","Key":{"pk":{"S":"`+pk+`"}},"UpdateExpression":"REMOVE x"}`)
			}
			if i%5 == 0 {
				run("DeleteItem", `{"TableName":"things","Key":{"pk":{"S":"`+pk+`"}}}`)
			}
		}
		table := db.tables["things"]
		if table.arena.live == 0 {
			t.Fatal("nothing is kept")
		}
		run("UpdateTable", `{"TableName":"things","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"by-x"}}]}`)
		time.Sleep(2 * time.Hour) // all expire
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		table.stream.trim(time.Now())
		left := table.arena.live
		for _, sh := range table.stream.shards {
			for _, chunk := range sh.chunks {
				for _, r := range chunk { // the last, unfinished chunk of a shard stays
					for _, image := range []ref{r.old, r.new} {
						if image != 0 {
							table.arena.release(image)
						}
					}
				}
			}
			if len(sh.held) > 0 {
				t.Fatalf("%d records are kept back", len(sh.held))
			}
		}
		if table.arena.live != 0 || table.rows.Len() != 0 || left > 4*2*chunkLen {
			t.Fatalf("%d blobs are left, %d before", table.arena.live, left)
		}
	})
}
