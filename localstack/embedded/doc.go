// Package embedded is a DynamoDB that lives in the process: the wire protocol
// over HTTP or straight through an http.RoundTripper, tables with global
// secondary indexes, expressions, transactions, streams, time to live, and
// capacity charged by DynamoDB's rules. It is a test instrument and the local
// stack's database, never part of a function.
//
// The supported part behaves as DynamoDB does, with DynamoDB's errors. The rest
// is refused: an operation with an UnknownOperationException, a
// parameter (local secondary indexes, global tables, and the legacy parameters
// that expressions replaced, such as Expected) with a ValidationException that
// names it. Point-in-time recovery is a setting that is kept and shown; there
// are no backups to restore.
//
// It may import the attr and expr packages below it, a B-tree, and the standard
// library; nothing of Daybook's own packages.
//
// # Items in memory
//
// An item is one immutable string (type row): its size, its key in an
// order-preserving form, its encoded attributes. The rows of a table are kept in
// an arena (type arena): slabs without pointers, in which four bytes name a row,
// with a count of what holds it. So a million items cost the garbage collector
// nothing, and the process can collect often and stay small (debug.SetGCPercent)
// without getting slow. A table is a B-tree of rows in
// the order of their keys, and a key begins with a hash of its partition key:
// as in DynamoDB, a scan meets partitions in no useful order, and the segments
// of a parallel scan are ranges of the hash. An index is a B-tree whose entries
// name the index's key and the table's very row, projected when it is read. A
// request costs O(log n) and the rows it reads, whatever the table's size.
//
// A table has one lock, held while a change is decided, logged and applied,
// and while rows are copied out; parsing, filtering and writing answers happen
// without it. A transaction locks its tables in the order of their names, so
// transactions are serializable and TransactGetItems sees one point of time.
//
// # Streams
//
// A stream record holds the rows before and after the change, so it costs 16
// bytes while the table, or the next record of the item, holds the same rows.
// Records stay in memory for 24 hours, or until a stream holds
// Options.StreamBytes beyond the current items: then the oldest are trimmed
// early, which readers see as TrimmedDataAccessException. A record's shard is
// chosen by a hash of its item's whole key. Shards don't split; they end when
// the stream is disabled.
//
// # On disk
//
// With Options.Dir, every change is a record in an append-only log, with its
// length and CRC-32C checksums, all of a transaction in one record. It is handed
// to the operating system before the change is visible and before it is
// acknowledged, so kill -9 loses nothing. An fsync that all writes of
// Options.SyncEvery share brings it to the disk, so a power cut can take the
// last SyncEvery with it; Options.SyncWrites makes answers wait for the fsync,
// and then a power cut takes nothing that was acknowledged.
//
// When the log has grown by Options.CompactAt and by the size of the last
// snapshot, a new segment of the log is begun and a snapshot of all before it
// is written in the background: to a temporary file, fsynced, renamed, and only
// then are the files that it replaces removed. Tables, indexes, stream records
// with their sequence numbers, records that a fault keeps back, and the tokens
// of the last ten minutes survive a restart.
//
// On start, files are read and verified ahead of what they do. Rows are found by a
// hash of their keys meanwhile; trees and indexes are made of them at the end (type
// filling). A file that ends inside its last record was torn by a crash: the
// part is cut off, with a line in the log. Anything else that is not what was
// written is refused with its offset (*DamagedError), and so is a directory or
// file of something else (ErrForeign) and one that is open already (ErrLocked).
//
// # Hostility
//
// DynamoDB may deliver stream records of different items in any order, late and
// more than once, throttle, fail, and lose the answer to a write that it carried
// out. Mostly it doesn't. With Options.Hostile it does, as a seed says.
package embedded
