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

	stream events.Stream // of the last line
	commit int64         // its number
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
		e.at, e.lines, e.stream = 0, 0, ""
	}
	for size := 0; len(page) < blockLines && size < blockBytes; {
		text, err := readLine(e.in)
		done := errors.Is(err, io.EOF)
		if err != nil && !done {
			return nil, "", fmt.Errorf("%s, line %d: %w", e.file.Name(), e.lines+1, err)
		}
		e.lines++
		e.at += int64(len(text))
		size += len(text)
		if len(bytes.TrimSpace(text)) > 0 {
			c, err := e.decode(text)
			if err != nil {
				return nil, "", fmt.Errorf("%s, line %d: %w", e.file.Name(), e.lines, err)
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

// decode reads the next line, which continues the stream of the one before or begins
// another: in a stream with a gap nothing could be compared.
func (e *exportedEvents) decode(text []byte) (*events.Commit, error) {
	c, err := decodeLine(text)
	if err != nil {
		return nil, fmt.Errorf("it is not a commit of an export: %w", err)
	}
	if c.Stream != e.stream {
		e.stream, e.commit = c.Stream, 0
	}
	if e.commit++; c.Number != e.commit {
		return nil, fmt.Errorf("%s has commit %d here, where commit %d belongs: a rehearsal needs whole streams, in the order of daybook export", c.Stream, c.Number, e.commit)
	}
	return c, nil
}
