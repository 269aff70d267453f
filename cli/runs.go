package cli

import (
	"bufio"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An external merge sort: records are sorted in memory, written as runs, and the
// runs merged, so that memory does not grow with what is sorted.

// record is a line with what it is sorted by.
type record struct {
	stream string
	number int64
	events int64 // in the line
	line   []byte
}

func compareRecords(a, b record) int {
	return cmp.Or(strings.Compare(a.stream, b.stream), cmp.Compare(a.number, b.number))
}

// runWriter sorts records into runs named name-0001.run and so on.
type runWriter struct {
	name  string
	limit int // bytes in memory
	runs  int
	size  int
	held  []record
}

// recordOverhead is what a record takes besides its texts, in bytes.
const recordOverhead = 80

func (w *runWriter) add(r record) error {
	w.held = append(w.held, r)
	if w.size += len(r.stream) + len(r.line) + recordOverhead; w.size < w.limit {
		return nil
	}
	return w.flush()
}

func (w *runWriter) flush() error {
	if len(w.held) == 0 {
		return nil
	}
	slices.SortFunc(w.held, compareRecords)
	err := writeRun(fmt.Sprintf("%s-%04d.run", w.name, w.runs), slices.Values(w.held))
	clear(w.held)
	w.runs, w.size, w.held = w.runs+1, 0, w.held[:0]
	return err
}

// writeRun writes records that come in order.
func writeRun(path string, records func(func(record) bool)) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 256<<10)
	for r := range records {
		if err := r.writeTo(b); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(b.Flush(), f.Close())
}

func (r record) writeTo(b *bufio.Writer) error {
	head := binary.AppendUvarint(nil, uint64(len(r.stream)))
	head = append(head, r.stream...)
	head = binary.AppendUvarint(head, uint64(r.number))
	head = binary.AppendUvarint(head, uint64(r.events))
	head = binary.AppendUvarint(head, uint64(len(r.line)))
	if _, err := b.Write(head); err != nil {
		return err
	}
	_, err := b.Write(r.line)
	return err
}

// runReader is a run being read.
type runReader struct {
	file *os.File
	in   *bufio.Reader
	at   record
}

func openRun(path string) (*runReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &runReader{file: f, in: bufio.NewReaderSize(f, 64<<10)}, nil
}

// next reads the next record; io.EOF says that there is none.
func (r *runReader) next() error {
	stream, err := r.text()
	if err != nil {
		return err
	}
	r.at.stream = string(stream)
	number, err := binary.ReadUvarint(r.in)
	if err != nil {
		return unexpected(err)
	}
	events, err := binary.ReadUvarint(r.in)
	if err != nil {
		return unexpected(err)
	}
	r.at.number, r.at.events = int64(number), int64(events)
	r.at.line, err = r.text()
	return unexpected(err)
}

func (r *runReader) text() ([]byte, error) {
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return nil, err
	}
	if n > maxLine {
		return nil, errors.New("a run is damaged")
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r.in, b)
	return b, unexpected(err)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// openRuns is how many runs an export has open at the same time.
const openRuns = 128

// mergeRuns hands all records of the runs to each, in order. More runs than may
// be open at the same time are merged in steps, into new ones in dir; the old
// ones stay.
func mergeRuns(ctx context.Context, dir string, paths []string, open int, each func(record) error) error {
	slices.Sort(paths)
	var made []string
	defer func() {
		for _, path := range made {
			_ = os.Remove(path)
		}
	}()
	for step := 0; len(paths) > open; step++ {
		var next []string
		for i, some := range slices.Collect(slices.Chunk(paths, open)) {
			path := filepath.Join(dir, fmt.Sprintf("merged-%d-%06d.step", step, i))
			made = append(made, path)
			var failed error
			err := writeRun(path, func(yield func(record) bool) {
				failed = mergeOnce(ctx, some, func(r record) error {
					if !yield(r) {
						return errors.New("a run can't be written")
					}
					return nil
				})
			})
			if err != nil || failed != nil {
				return errors.Join(err, failed)
			}
			next = append(next, path)
		}
		paths = next
	}
	return mergeOnce(ctx, paths, each)
}

// mergeOnce merges runs that can all be open.
func mergeOnce(ctx context.Context, paths []string, each func(record) error) error {
	var open runHeap
	defer func() {
		for _, r := range open {
			_ = r.file.Close()
		}
	}()
	for _, path := range paths {
		r, err := openRun(path)
		if err != nil {
			return err
		}
		if err := r.next(); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", path, err), r.file.Close())
		}
		open = append(open, r)
	}
	heap.Init(&open)
	last := record{}
	for n := 0; len(open) > 0; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		top := open[0]
		if n == 0 || compareRecords(last, top.at) != 0 { // each commit once
			if err := each(top.at); err != nil {
				return err
			}
			last = record{stream: top.at.stream, number: top.at.number}
		}
		switch err := top.next(); {
		case err == nil:
			heap.Fix(&open, 0)
		case errors.Is(err, io.EOF):
			heap.Pop(&open)
			if err := top.file.Close(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s: %w", top.file.Name(), err)
		}
	}
	return nil
}

// runHeap has the run with the least record on top.
type runHeap []*runReader

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return compareRecords(h[i].at, h[j].at) < 0 }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *runHeap) Push(x any) { *h = append(*h, x.(*runReader)) }

// Pop implements heap.Interface.
func (h *runHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
