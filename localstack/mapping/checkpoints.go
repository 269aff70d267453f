package mapping

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// saveEvery bounds how often the checkpoints are written while batches flow,
// and with it how much a killed process delivers again.
const saveEvery = 200 * time.Millisecond

// checkpoints keeps how far each shard is processed, in a file when it has one.
type checkpoints struct {
	path   string
	stream string
	log    *slog.Logger

	mu     sync.Mutex
	shards map[string]progress
	dirty  bool
	saved  time.Time
}

// progress is how far one shard is processed.
type progress struct {
	After string `json:"after,omitempty"` // sequence number of the last processed record
	Done  bool   `json:"done,omitzero"`   // the shard was closed and is read to its end
}

// checkpointFile is what the file holds.
type checkpointFile struct {
	Stream string              `json:"stream"`
	Shards map[string]progress `json:"shards"`
}

// loadCheckpoints reads the file at path; "" keeps the checkpoints in memory
// alone. A file that is missing, cannot be read or is of another stream begins
// anew: the records are delivered once more, which the receiver must bear anyway.
func loadCheckpoints(path, stream string, log *slog.Logger) *checkpoints {
	c := &checkpoints{path: path, stream: stream, log: log, shards: make(map[string]progress)}
	if path == "" {
		return c
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c
	}
	var file checkpointFile
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	switch {
	case err != nil:
		log.Warn("checkpoints can't be read: the stream is delivered from its beginning", "path", path, "error", err)
	case file.Stream != stream:
		log.Info("checkpoints are of another stream: this one is delivered from its beginning", "path", path)
	case file.Shards != nil:
		c.shards = file.Shards
	}
	return c
}

func (c *checkpoints) get(shard string) progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shards[shard]
}

// set notes that shard is processed up to the record of the sequence number.
func (c *checkpoints) set(shard, sequence string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shards[shard] = progress{After: sequence}
	c.dirty = true
	if time.Since(c.saved) >= saveEvery {
		c.save()
	}
}

// done notes that shard is processed to its end.
func (c *checkpoints) done(shard string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shards[shard] = progress{Done: true}
	c.dirty = true
	c.save()
}

// keep drops the shards that are not listed any more.
func (c *checkpoints) keep(listed map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for shard := range c.shards {
		if !listed[shard] {
			delete(c.shards, shard)
			c.dirty = true
		}
	}
}

// flush writes what is not written yet.
func (c *checkpoints) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.save()
}

// save writes the file by a rename, so that a reader finds it whole. Without a
// sync: a checkpoint lost with the machine costs a second delivery, no more.
func (c *checkpoints) save() {
	if !c.dirty || c.path == "" {
		return
	}
	c.saved = time.Now()
	if err := c.write(); err != nil {
		c.log.Warn("checkpoints can't be written", "path", c.path, "error", err)
		return
	}
	c.dirty = false
}

func (c *checkpoints) write() error {
	data, err := json.Marshal(checkpointFile{Stream: c.stream, Shards: c.shards}, json.Deterministic(true), jsontext.Multiline(true))
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	temporary := c.path + ".new"
	if err := os.WriteFile(temporary, data, 0o666); err != nil {
		return err
	}
	return os.Rename(temporary, c.path)
}
