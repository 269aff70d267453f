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
// of which a rehearsal without tables uses ScanTolerant only.
type exportedEvents struct {
	events.Store
	file  *os.File
	in    *bufio.Reader
	at    int64 // bytes
	lines int64

	stream          events.Stream // of the last commit
	number, version int64         // of it
	lost            events.LostStreams
}

func openExport(path string) (*exportedEvents, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usage("-export: %w", err)
	}
	return &exportedEvents{file: file, in: bufio.NewReaderSize(file, 1<<20)}, nil
}

func (e *exportedEvents) close() error { return e.file.Close() }

// ScanTolerant implements events.TolerantScanner for pages that are read one after another.
func (e *exportedEvents) ScanTolerant(_ context.Context, segment, segments int, cursor string) (page []events.Commit, damaged []events.Damage, next string, err error) {
	if segment != 0 || segments != 1 {
		return nil, nil, "", events.Malformed("segments", "must be 1 for an export")
	}
	if cursor == "" && e.at > 0 {
		if _, err := e.file.Seek(0, io.SeekStart); err != nil {
			return nil, nil, "", err
		}
		e.in.Reset(e.file)
		*e = exportedEvents{file: e.file, in: e.in}
	}
	for size := 0; len(page) < blockLines && len(damaged) < blockLines && size < blockBytes; {
		text, err := readLine(e.in)
		done := errors.Is(err, io.EOF)
		if err != nil && !done {
			return nil, nil, "", fmt.Errorf("%s, line %d: %w", e.file.Name(), e.lines+1, err)
		}
		e.lines++
		e.at += int64(len(text))
		size += len(text)
		if len(bytes.TrimSpace(text)) > 0 {
			c, damage, err := e.read(text)
			switch {
			case err != nil:
				return nil, nil, "", fmt.Errorf("%s, line %d: %w", e.file.Name(), e.lines, err)
			case damage != nil:
				damaged = append(damaged, *damage)
			case c != nil:
				page = append(page, *c)
			}
		}
		if done {
			return page, damaged, "", nil
		}
	}
	return page, damaged, strconv.FormatInt(e.at, 10), nil
}

// read reads a line. It returns neither for one of a stream that is damaged before it.
func (e *exportedEvents) read(text []byte) (*events.Commit, *events.Damage, error) {
	stream, err := streamOfLine(text)
	if err != nil {
		return nil, nil, err // of no stream
	}
	if stream != e.stream {
		e.stream, e.number, e.version, e.lost = stream, 0, 0, events.LostStreams{}
	}
	if e.lost.Has(stream) {
		return nil, nil, nil
	}
	c, err := decodeLine(text)
	if err == nil && c.Number != e.number+1 {
		err = fmt.Errorf("it is commit %d, and commit %d is not in front of it", c.Number, e.number+1)
	}
	if err != nil {
		e.lost.Set(stream, true)
		return nil, &events.Damage{Stream: stream, Version: e.version, Commit: e.number + 1, Reason: fmt.Sprintf("line %d: %v", e.lines, err)}, nil
	}
	c.Size = len(text)
	e.number, e.version = c.Number, c.Version
	return c, nil, nil
}
