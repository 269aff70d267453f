//go:build unix

package durable

import (
	"errors"
	"os"
)

// SyncDir makes created, renamed and removed names of a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
