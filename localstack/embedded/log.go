package embedded

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"daybook/localstack/durable"
)

// A data file (a segment of the log, or a snapshot) is a header and records.
//
//	header: magic 7 bytes ‖ format version ‖ kind ‖ 3 zero bytes ‖ number (8) ‖ checksum of these 20 (4)
//	record: length (4) ‖ checksum of the payload (4) ‖ checksum of these 8, the file's number and the record's offset (4) ‖ payload
//
// Numbers are little-endian, checksums CRC-32C. A record's header has its own
// checksum so that a file that ends inside a record can be told from one of
// which a length was damaged.
const (
	fileMagic     = "daybook"
	formatVersion = 1
	kindLog       = 'L'
	kindSnapshot  = 'S'

	fileHeaderLen   = 24
	recordHeaderLen = 12
)

// DamagedError is returned by Open for data that is not what was written: it
// is refused, never guessed at.
type DamagedError struct {
	Path   string
	Offset int64 // where the first bad byte may be
	Reason string
}

// Error names the file, the place and the reason.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("embedded: %s is damaged at byte %d: %s", e.Path, e.Offset, e.Reason)
}

// ErrForeign is returned by Open for a directory or a file that was not
// written by this package, or by a later version of it.
var ErrForeign = errors.New("embedded: not data of this database")

func fileHeader(kind byte, number uint64) []byte {
	b := make([]byte, 0, fileHeaderLen)
	b = append(b, fileMagic...)
	b = append(b, formatVersion, kind, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, number)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// checkHeader verifies a file's header.
func checkHeader(path string, b []byte, kind byte, number uint64) error {
	switch {
	case string(b[:len(fileMagic)]) != fileMagic:
		return fmt.Errorf("%w: %s", ErrForeign, path)
	case b[len(fileMagic)] != formatVersion:
		return fmt.Errorf("%w: %s has format version %d, this is version %d", ErrForeign, path, b[len(fileMagic)], formatVersion)
	case string(b) != string(fileHeader(kind, number)):
		return &DamagedError{Path: path, Offset: 0, Reason: "the file's header"}
	}
	return nil
}

func headerSum(lengthAndSum []byte, number uint64, offset int64) uint32 {
	var b [24]byte
	copy(b[:8], lengthAndSum)
	binary.LittleEndian.PutUint64(b[8:], number)
	binary.LittleEndian.PutUint64(b[16:], uint64(offset))
	return crc32.Checksum(b[:], castagnoli)
}

// startRecord reserves the room of a record's header, finishRecord fills it in.
func startRecord(buf []byte) []byte { return append(buf[:0], make([]byte, recordHeaderLen)...) }

func finishRecord(buf []byte, number uint64, offset int64) {
	payload := buf[recordHeaderLen:]
	binary.LittleEndian.PutUint32(buf, uint32(len(payload)))
	binary.LittleEndian.PutUint32(buf[4:], crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.PutUint32(buf[8:], headerSum(buf[:8], number, offset))
}

// fileReader reads a data file's records in order.
type fileReader struct {
	path   string
	number uint64
	size   int64
	at     int64 // offset of the next record
	r      *bufio.Reader
}

// next appends the next record's payload to dst. io.EOF is the end of the file,
// errTorn an end inside a record (or in zeros, as a power cut can leave it); at is
// then the offset after the last good record.
func (f *fileReader) next(dst []byte) ([]byte, error) {
	left := f.size - f.at
	if left == 0 {
		return dst, io.EOF
	}
	if left < recordHeaderLen {
		return dst, errTorn
	}
	var head [recordHeaderLen]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return dst, fmt.Errorf("embedded: read %s: %w", f.path, err)
	}
	if headerSum(head[:8], f.number, f.at) != binary.LittleEndian.Uint32(head[8:]) {
		if head == [recordHeaderLen]byte{} && f.onlyZeros() {
			return dst, errTorn
		}
		return dst, f.damaged(f.at, "a record's header")
	}
	n := int64(binary.LittleEndian.Uint32(head[:]))
	if left-recordHeaderLen < n {
		return dst, errTorn
	}
	all := slices.Grow(dst, int(n))[:len(dst)+int(n)]
	payload := all[len(dst):]
	if _, err := io.ReadFull(f.r, payload); err != nil {
		return dst, fmt.Errorf("embedded: read %s: %w", f.path, err)
	}
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return dst, f.damaged(f.at, "a record's checksum")
	}
	f.at += recordHeaderLen + n
	return all, nil
}

func (f *fileReader) damaged(at int64, reason string) error {
	return &DamagedError{Path: f.path, Offset: at, Reason: reason}
}

// onlyZeros reports whether the rest of the file is zeros.
func (f *fileReader) onlyZeros() bool {
	for {
		c, err := f.r.ReadByte()
		if err != nil {
			return err == io.EOF
		}
		if c != 0 {
			return false
		}
	}
}

// errTorn is the end of a file in the middle of a record.
var errTorn = errors.New("embedded: the file ends inside a record")

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("log-%020d", number))
}

func snapshotPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("snapshot-%020d", number))
}

// wal is the log's open segment. append hands each record to the operating
// system before it returns, so that an acknowledged write survives kill -9. A
// background fsync, shared by all writes of an interval, brings it to the disk.
type wal struct {
	dir   string
	every time.Duration // between a write and its fsync
	wait  bool          // append waits for the fsync

	mu      sync.Mutex
	file    logFile
	number  uint64
	offset  int64
	written int64 // bytes since the last snapshot, over all segments
	broken  error // set when the file's end is not known any more

	syncing sync.Mutex // held by the one that fsyncs
	synced  int64      // offset of the segment up to which it is on disk; guarded by mu
	dirty   chan struct{}
	done    chan struct{}
	stopped chan struct{}
}

// logFile is the part of *os.File that the log needs.
type logFile interface {
	io.WriteSeeker
	Sync() error
	Truncate(size int64) error
	Close() error
}

// errLogBroken answers writes after one that could neither be written nor
// undone, or after an fsync that failed: what the file holds is not known then.
var errLogBroken = errors.New("embedded: the log can't be written any more")

// append writes one record. The buffer is startRecord's with the payload
// appended. It returns the position to give to waitSynced.
func (w *wal) append(buf []byte) (position, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return position{}, w.broken
	}
	finishRecord(buf, w.number, w.offset)
	if n, err := w.file.Write(buf); err != nil {
		if n > 0 {
			w.undo()
		}
		return position{}, fmt.Errorf("embedded: write the log: %w", err)
	}
	w.offset += int64(len(buf))
	w.written += int64(len(buf))
	select {
	case w.dirty <- struct{}{}:
	default:
	}
	return position{w.number, w.offset}, nil
}

// undo cuts off the part of a record that a failed write left.
func (w *wal) undo() {
	if err := w.file.Truncate(w.offset); err != nil {
		w.broken = fmt.Errorf("%w: %w", errLogBroken, err)
		return
	}
	if _, err := w.file.Seek(w.offset, io.SeekStart); err != nil {
		w.broken = fmt.Errorf("%w: %w", errLogBroken, err)
	}
}

// position is a place in the log.
type position struct {
	number uint64
	offset int64
}

// waitSynced returns when the log is on disk up to the position, if the
// options ask for that. The first caller fsyncs for all that wait.
func (w *wal) waitSynced(p position) error {
	if !w.wait {
		return nil
	}
	w.syncing.Lock()
	defer w.syncing.Unlock()
	return w.syncTo(p)
}

// syncTo fsyncs unless the position is on disk. w.syncing is held.
func (w *wal) syncTo(p position) error {
	w.mu.Lock()
	file, end := w.file, position{w.number, w.offset}
	done := p.number < w.number || p.offset <= w.synced
	w.mu.Unlock()
	if done {
		return nil
	}
	if err := file.Sync(); err != nil {
		err = fmt.Errorf("%w: fsync: %w", errLogBroken, err)
		w.mu.Lock()
		w.broken = err
		w.mu.Unlock()
		return err
	}
	w.mu.Lock()
	if end.number == w.number && end.offset > w.synced {
		w.synced = end.offset
	}
	w.mu.Unlock()
	return nil
}

// syncLoop fsyncs what was written, every so often, until the log is closed.
func (w *wal) syncLoop(onError func(error)) {
	defer close(w.stopped)
	for {
		select {
		case <-w.done:
			return
		case <-w.dirty:
		}
		select {
		case <-w.done:
			return
		case <-time.After(w.every):
		}
		if err := w.syncNow(); err != nil {
			onError(err)
		}
	}
}

func (w *wal) syncNow() error {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	w.mu.Lock()
	p := position{w.number, w.offset}
	w.mu.Unlock()
	return w.syncTo(p)
}

// rotate starts the next segment. The old one is on disk before the new one
// exists, so that only the last segment can have a torn tail.
func (w *wal) rotate() (number uint64, err error) {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return 0, w.broken
	}
	if err := w.file.Sync(); err != nil {
		return 0, fmt.Errorf("embedded: fsync the log: %w", err)
	}
	next, err := createSegment(w.dir, w.number+1)
	if err != nil {
		return 0, err
	}
	if err := w.file.Close(); err != nil {
		return 0, fmt.Errorf("embedded: close a segment of the log: %w", err)
	}
	w.file, w.number, w.offset, w.synced, w.written = next, w.number+1, fileHeaderLen, fileHeaderLen, 0
	return w.number, nil
}

// grown is the number of bytes written since the last snapshot.
func (w *wal) grown() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.written
}

// close brings the log to the disk and closes it.
func (w *wal) close() error {
	close(w.done)
	<-w.stopped
	err := w.syncNow()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = errClosed
	return errors.Join(err, w.file.Close())
}

func createSegment(dir string, number uint64) (*os.File, error) {
	path := segmentPath(dir, number)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("embedded: start a segment of the log: %w", err)
	}
	if _, err := file.Write(fileHeader(kindLog, number)); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: start a segment of the log: %w", err), file.Close())
	}
	if err := errors.Join(file.Sync(), durable.SyncDir(dir)); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded: start a segment of the log: %w", err), file.Close())
	}
	return file, nil
}
