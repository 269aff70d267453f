package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"daybook/events"
)

// exportedEvents reads the commits of an export as one part of a table. It is a Store
// of which a rehearsal without tables uses Scan only.
type exportedEvents struct {
	events.Store
	file  *os.File
	in    *bufio.Reader
	at    int64 // bytes
	lines int64
}

func openExport(path string) (*exportedEvents, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usage("-export: %w", err)
	}
	return &exportedEvents{file: file, in: bufio.NewReaderSize(file, 1<<20)}, nil
}

func (e *exportedEvents) close() error { return e.file.Close() }

// Scan implements events.Store for pages that are read one after another.
func (e *exportedEvents) Scan(_ context.Context, segment, segments int, cursor string) (page []events.Commit, next string, err error) {
	if segment != 0 || segments != 1 {
		return nil, "", events.Malformed("segments", "must be 1 for an export")
	}
	if cursor == "" && e.at > 0 {
		if _, err := e.file.Seek(0, io.SeekStart); err != nil {
			return nil, "", err
		}
		e.in.Reset(e.file)
		e.at, e.lines = 0, 0
	}
	for size := 0; len(page) < blockLines && size < blockBytes; {
		text, err := readLine(e.in)
		done := errors.Is(err, io.EOF)
		if err != nil && !done {
			return nil, "", fmt.Errorf("line %d: %w", e.lines+1, err)
		}
		e.lines++
		e.at += int64(len(text))
		size += len(text)
		if len(bytes.TrimSpace(text)) > 0 {
			c, err := decodeLine(text)
			if err != nil {
				return nil, "", fmt.Errorf("line %d: %w", e.lines, err)
			}
			c.Size = len(text)
			page = append(page, *c)
		}
		if done {
			return page, "", nil
		}
	}
	return page, strconv.FormatInt(e.at, 10), nil
}
