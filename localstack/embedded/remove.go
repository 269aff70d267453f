package embedded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Remove deletes the database in a directory and the directory, damaged data
// included, after with (nil: nothing) has deleted what belongs to it elsewhere. It
// deletes nothing where the directory holds something else (ErrForeign) or is open
// (ErrLocked). A directory that does not exist has nothing to delete.
func Remove(dir string, with func() error) (err error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	paths, err := ownPaths(dir)
	if err != nil {
		return err
	}
	lockPath := filepath.Join(dir, lockName)
	lock, err := lockFile(lockPath)
	if err != nil {
		return fmt.Errorf("embedded: lock %s: %w", dir, err)
	}
	if with != nil {
		err = with()
	}
	for _, path := range paths {
		if err == nil && path != lockPath {
			err = os.Remove(path)
		}
	}
	if err = errors.Join(err, lock.Close()); err != nil {
		return fmt.Errorf("embedded: remove %s: %w", dir, err)
	}
	return errors.Join(os.Remove(lockPath), os.Remove(dir))
}

// ownPaths are the files of a directory, all of which must be a database's.
func ownPaths(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("embedded: read the data directory: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		_, _, named := parseName(strings.TrimSuffix(e.Name(), ".tmp"))
		own := e.Name() == lockName
		if named && e.Type().IsRegular() {
			if own, err = beginsAsOurs(path); err != nil {
				return nil, err
			}
		}
		if !own {
			return nil, fmt.Errorf("%w: %s", ErrForeign, path)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// beginsAsOurs reports whether a file begins as those of this package do, as far
// as it goes: it may have been cut off.
func beginsAsOurs(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	begin := make([]byte, len(fileMagic))
	n, err := io.ReadFull(f, begin)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return strings.HasPrefix(fileMagic, string(begin[:n])), nil
}
