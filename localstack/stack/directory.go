package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"daybook/localstack/embedded"
)

// The contents of a data directory.
const (
	databaseDir            = "dynamodb"            // the embedded DynamoDB's
	checkpointsFile        = "checkpoints"         // how far the projector is in the stream
	processCheckpointsFile = "checkpoints-process" // how far the process function is
	onFailureDir           = "on-failure"          // discarded batches, as Lambda writes them to S3
	keyFile                = "personal.key"        // the key that wraps the data keys of personal values
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
	return checkEntries(dir, entries)
}

// checkEntries refuses a directory that holds what a data directory does not.
func checkEntries(dir string, entries []os.DirEntry) error {
	ours := []string{databaseDir, onFailureDir, outboxFile, keyFile, keyFile + ".new"}
	for _, file := range []string{checkpointsFile, processCheckpointsFile} {
		ours = append(ours, file, file+".new")
	}
	for _, e := range entries {
		if !slices.Contains(ours, e.Name()) {
			return fmt.Errorf("%s is not Daybook's: it holds %s; choose another directory with -data", dir, e.Name())
		}
	}
	return nil
}

// Reset deletes the data directory with all that a stack keeps in it, damaged data
// included, and reports whether there was anything. It deletes nothing where the
// directory holds something else, or while a stack runs on it.
func Reset(dir string) (deleted bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("the data in %s can't be deleted: %w", dir, err)
	}
	if err := checkEntries(dir, entries); err != nil {
		return false, err
	}
	database := filepath.Join(dir, databaseDir)
	if _, err := os.Stat(database); err != nil {
		return false, fmt.Errorf("%s is not Daybook's: it has no %s; choose another directory with -data", dir, databaseDir)
	}
	err = embedded.Remove(database, func() error {
		for _, e := range entries {
			if e.Name() == databaseDir {
				continue
			}
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, embedded.ErrLocked):
		return false, fmt.Errorf("a Daybook runs on the data in %s: stop it first", dir)
	case err != nil:
		return false, fmt.Errorf("the data in %s can't be deleted: %w", dir, err)
	}
	return true, os.Remove(dir)
}

// sizeOf is the size in bytes of the files of a directory, 0 where it can't be read.
func sizeOf(dir string) (size int64) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}
