package dynamo

import (
	"math"
	"sync"

	"daybook/aggregate"
	"daybook/events"
)

// A Query stops by the number of items, never by their bytes, so the first page of
// a load has as many commits as lie between two snapshots: with fewer, most
// loads need a second request, and with more, they read another snapshot for
// nothing. How many that is follows from the size of commits, as package
// aggregate takes snapshots (see aggregate.SnapshotCommits), until snapshots tell.
const (
	snapshotBytes = aggregate.SnapshotBytes
	mediumPage    = aggregate.SnapshotCommits
	// Every mediumPage commits of mediumCommit to largeCommit bytes have a snapshot.
	mediumCommit = snapshotBytes * 3 / 4 / mediumPage
	largeCommit  = snapshotBytes / (mediumPage - 1)

	minFirstPage     = 2       // commits; one with a snapshot, and one without
	maxFirstPage     = 32      // commits, as long as the aggregate's snapshots don't tell
	largestFirstPage = 100     // commits
	learnWeight      = 1.0 / 8 // of the newest sample
)

// firstPages knows of each aggregate how large its commits are and how far apart
// its snapshots. There are as many entries as aggregates with stored commits.
type firstPages struct {
	mu    sync.Mutex
	known map[string]pageStats
}

// pageStats are running means, 0 until there was a sample.
type pageStats struct {
	size      float64 // bytes of commits without a snapshot
	distance  float64 // commits from one snapshot to the next
	deviation float64 // mean difference of a distance to the mean
}

// saw takes a stored commit into the means.
func (f *firstPages) saw(c *events.Commit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[string]pageStats{}
	}
	name := c.Stream.Aggregate()
	s := f.known[name]
	switch {
	case c.Number%aggregate.BlockCommits == 0: // has a snapshot out of turn, on a busy stream
	case c.Snapshot == nil: // one with a snapshot says nothing of those between
		s.size = learned(s.size, float64(c.Size))
	case c.SnapshotDistance > 0 && s.distance == 0:
		s.distance = float64(c.SnapshotDistance)
	case c.SnapshotDistance > 0:
		d := float64(c.SnapshotDistance)
		s.deviation += (math.Abs(d-s.distance) - s.deviation) * learnWeight
		s.distance = learned(s.distance, d)
	}
	f.known[name] = s
}

// learned returns the running mean with one sample more.
func learned(mean, sample float64) float64 {
	if mean == 0 {
		return sample
	}
	return mean + (sample-mean)*learnWeight
}

// first returns the number of commits to ask for first on a stream of the aggregate
// of this name. size is how many bytes the caller expects of a commit, 0 if unknown.
func (f *firstPages) first(name string, size int) int {
	f.mu.Lock()
	s := f.known[name]
	f.mu.Unlock()
	if s.distance > 0 {
		return min(int(math.Round(s.distance+s.deviation)), largestFirstPage)
	}
	if s.size == 0 {
		s.size = float64(size)
	}
	switch {
	case s.size == 0, s.size >= mediumCommit && s.size <= largeCommit:
		return mediumPage
	case s.size < mediumCommit:
		return min(int(snapshotBytes/s.size)+2, maxFirstPage)
	}
	return max(int(math.Ceil(snapshotBytes/s.size)), minFirstPage)
}
