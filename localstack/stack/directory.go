package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// What lies in a data directory.
const (
	databaseDir            = "dynamodb"            // the embedded DynamoDB's
	checkpointsFile        = "checkpoints"         // how far the projector is in the stream
	processCheckpointsFile = "checkpoints-process" // how far the process function is
	onFailureDir           = "on-failure"          // discarded batches, as Lambda writes them to S3
	outboxFile             = "outbox.jsonl"        // integration events, unless they go elsewhere
)

// ownDirectory makes sure that dir is a data directory or can become one: it
// does not exist, is empty, or holds what a data directory holds. "" is fine.
func ownDirectory(dir string) error {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(dir, 0o777)
	}
	if err != nil {
		return fmt.Errorf("the data in %s can't be used: %w", dir, err)
	}
	ours := []string{databaseDir, onFailureDir, outboxFile}
	for _, file := range []string{checkpointsFile, processCheckpointsFile} {
		ours = append(ours, file, file+".new")
	}
	for _, e := range entries {
		if !slices.Contains(ours, e.Name()) {
			return fmt.Errorf("%s is not Daybook's: it holds %s; choose an empty directory with -data", dir, e.Name())
		}
	}
	return nil
}
