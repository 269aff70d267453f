package embedded_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"daybook/localstack/embedded"
)

// lineage is the shards of a stream, by the ids of their parents.
func (e *engine) lineage(t *testing.T, arn string) (all []streamtypes.Shard, children map[string][]streamtypes.Shard) {
	t.Helper()
	d, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	all, children = d.StreamDescription.Shards, map[string][]streamtypes.Shard{}
	for _, sh := range all {
		children[aws.ToString(sh.ParentShardId)] = append(children[aws.ToString(sh.ParentShardId)], sh)
	}
	return all, children
}

// TestSplitShards: a shard that was closed ends; whoever reads it before the shards that
// follow it gets the records of each item in order, whatever else the stream does.
func TestSplitShards(t *testing.T) {
	t.Parallel()
	pairs, successors := 0, 0
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			e := start(t, embedded.Options{Shards: 2, Hostile: &embedded.Hostile{
				Seed: seed, SplitShards: 0.05, ReorderRecords: 0.3, DelayRecords: 0.1, SplitBatches: 0.3,
			}})
			e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage))
			const items, versions = 12, 20
			for i := range items * versions {
				e.put(t, "things", item{"pk": s("p"), "sk": n(strconv.Itoa(i % items)), "v": n(strconv.Itoa(i / items))})
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Second)
			arn := e.streamARN(t, "things")
			_, children := e.lineage(t, arn)
			last, in, records := map[string]int{}, map[string]map[string]bool{}, 0
			var read func(sh streamtypes.Shard)
			read = func(sh streamtypes.Shard) {
				id := *sh.ShardId
				in[id] = map[string]bool{}
				all, closed := e.toItsEnd(t, arn, id)
				records += len(all)
				for _, r := range all {
					number := *r.Dynamodb.SequenceNumber
					if from, to := *sh.SequenceNumberRange.StartingSequenceNumber, sh.SequenceNumberRange.EndingSequenceNumber; number < from || to != nil && number > *to {
						t.Errorf("record %s is not in the range of its shard, %s to %s", number, from, aws.ToString(to))
					}
					key := image(r.Dynamodb.Keys)
					in[id][key] = true
					v, err := strconv.Atoi(strings.Trim(imageValue(r.Dynamodb.NewImage["v"]), `"`))
					if err != nil {
						t.Fatal(err)
					}
					if next, ok := last[key]; ok && v != next+1 || !ok && v != 0 {
						t.Errorf("seed %d: version %d of %s in shard %s after version %d", seed, v, key, id, next)
					}
					last[key] = v
				}
				following := children[id]
				if closed != (len(following) > 0) || closed != (sh.SequenceNumberRange.EndingSequenceNumber != nil) {
					t.Errorf("seed %d: shard %s has %d children and ends: %t", seed, id, len(following), closed)
				}
				for _, child := range following {
					read(child)
				}
				switch len(following) {
				case 1:
					successors++
				case 2:
					pairs++
					for key := range in[*following[0].ShardId] {
						if in[*following[1].ShardId][key] {
							t.Errorf("%s is in both halves of %s", key, id)
						}
					}
				}
			}
			for _, root := range children[""] {
				read(root)
			}
			if records != items*versions {
				t.Errorf("seed %d: %d records", seed, records)
			}
		})
	}
	if pairs < 8 || successors < 4 {
		t.Errorf("in all, %d shards were split and %d replaced", pairs, successors)
	}
}

// toItsEnd reads a shard until it ends or has no more records.
func (e *engine) toItsEnd(t *testing.T, arn, shard string) (all []streamtypes.Record, closed bool) {
	t.Helper()
	it, err := e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &arn, ShardId: &shard, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatal(err)
	}
	for next := it.ShardIterator; ; {
		out, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out.Records...)
		if next = out.NextShardIterator; next == nil {
			return all, true
		}
		if len(out.Records) == 0 {
			return all, false
		}
	}
}

// A shard that was closed is listed for as long as its records are kept.
func TestClosedShardsAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 8, 3, 0, 0, 0, time.UTC)
	e := start(t, embedded.Options{Shards: 1, Now: func() time.Time { return now }, Hostile: &embedded.Hostile{SplitShards: 1}})
	e.table(t, "things", "", withStream(types.StreamViewTypeNewImage))
	e.put(t, "things", item{"pk": s("a")})
	arn := e.streamARN(t, "things")
	all, children := e.lineage(t, arn)
	root := *children[""][0].ShardId
	if len(all) < 2 || len(children[root]) == 0 {
		t.Fatalf("%d shards, of which %d follow the first", len(all), len(children[root]))
	}
	now = now.Add(24*time.Hour + time.Second)
	later, children := e.lineage(t, arn)
	if len(later) != len(all)-1 || len(children[""]) != 0 || len(children[root]) != len(all)-1 {
		t.Errorf("a day later: %s", fmt.Sprint(children))
	}
}

// A directory does not keep splits, so it is not opened for them.
func TestSplitShardsNeedMemory(t *testing.T) {
	t.Parallel()
	db, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Hostile: &embedded.Hostile{SplitShards: 0.1}})
	if err == nil || !strings.Contains(err.Error(), "SplitShards needs a database in memory") {
		t.Errorf("%v, %v", db, err)
	}
}
