package bus

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"daybook/localstack/durable"
)

// FileSink appends events to a file, one line of JSON each.
type FileSink struct {
	mu   sync.Mutex
	file *os.File
	size int64 // of whole lines
}

// File opens a sink that appends to the file at path, made when it is missing. A
// line that a crash cut off is removed: its event was not acknowledged, and comes
// again.
func File(path string) (*FileSink, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("open the outbox: %w", err)
	}
	f := &FileSink{file: file}
	if err := f.repairTail(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the outbox: %w", err), file.Close())
	}
	_ = durable.SyncDir(filepath.Dir(path)) // not every file system can
	return f, nil
}

// lastLine bounds how far back the end of a line is looked for, in bytes: an event
// has at most 1 MB.
const lastLine = 2 << 20

// repairTail makes the file end with a whole line.
func (f *FileSink) repairTail() error {
	size, err := f.file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err
	}
	tail := make([]byte, min(size, lastLine))
	if _, err := f.file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return err
	}
	torn := tail[bytes.LastIndexByte(tail, '\n')+1:]
	f.size = size
	switch {
	case len(torn) == 0:
		return nil
	case jsontext.Value(torn).IsValid(): // somebody's last line, but for its end
		return f.append([]byte("\n"))
	case len(torn) == len(tail) && int64(len(tail)) < size:
		return errors.New("it does not hold lines of JSON")
	}
	f.size = size - int64(len(torn))
	return f.file.Truncate(f.size)
}

// Put appends the events and brings them to the disk.
func (f *FileSink) Put(_ context.Context, events []Event) error {
	var lines []byte
	for _, e := range events {
		lines = append(append(lines, e.Detail...), '\n')
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.append(lines)
}

// append writes lines behind the last whole one; after an error nothing of them
// counts.
func (f *FileSink) append(lines []byte) error {
	if _, err := f.file.WriteAt(lines, f.size); err != nil {
		return errors.Join(fmt.Errorf("write the outbox: %w", err), f.file.Truncate(f.size))
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("write the outbox: %w", err)
	}
	f.size += int64(len(lines))
	return nil
}

// Close closes the file.
func (f *FileSink) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}
