package cli

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"daybook/events"
)

// origin names this build of the program and the installation: what a state of work on
// one must not be resumed with on another. A build is known by its content, since two
// builds of a working tree have the same version.
func (s *session) origin() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("this program can't be found, so it can't be told whether a state is its own: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("this program can't be read, so it can't be told whether a state is its own: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was read
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x of %s", sum.Sum(nil)[:16], s.storeName("")), nil
}

// unfitState is the error of a file from which this work can't resume.
func unfitState(flag, path string, err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok && len(e.Fields) == 1 {
		return usage("-%s %s: it %s; remove it to begin again, or name another file", flag, path, e.Fields[0].Message)
	}
	return usage("-%s %s: it is not a state that this command has kept; remove it to begin again, or name another file: %w", flag, path, err)
}
