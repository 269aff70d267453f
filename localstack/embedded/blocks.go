package embedded

import (
	"context"
	"sync"
)

// blockSize is how much of a data file is read ahead at a time, in bytes; a record
// that is longer makes a block longer. blocks is how many there are.
const (
	blockSize = 1 << 20
	blocks    = 4
)

// block is a run of a data file's records.
type block struct {
	at       int64  // offset of the first record
	payloads []byte // one behind the other
	ends     []int  // of each payload
	err      error  // why no block follows
}

// each calls visit for the payloads of a file, in order, while the next ones are read
// and verified.
func (f *fileReader) each(ctx context.Context, visit func(payload []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	read, free := make(chan *block, blocks), make(chan *block, blocks)
	for range blocks {
		free <- new(block)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(read)
		f.blocks(ctx, free, read)
	})
	defer reading.Wait() // f is no longer in use then
	defer cancel()
	for b := range read {
		if err := f.visit(b, visit); err != nil {
			return err
		}
		free <- b
	}
	return ctx.Err()
}

// visit calls visit for the payloads of a block and returns the block's error.
func (f *fileReader) visit(b *block, visit func(payload []byte) error) error {
	from, at := 0, b.at
	for _, end := range b.ends {
		if err := visit(b.payloads[from:end]); err != nil {
			return f.damaged(at, err.Error())
		}
		at += int64(recordHeaderLen + end - from)
		from = end
	}
	return b.err
}

// blocks reads block after block until the file's end, an error, or ctx's end.
func (f *fileReader) blocks(ctx context.Context, free <-chan *block, read chan<- *block) {
	for {
		var b *block
		select {
		case <-ctx.Done():
			return
		case b = <-free:
		}
		f.fill(b)
		read <- b // there is room for all blocks
		if b.err != nil {
			return
		}
	}
}

// fill reads a block.
func (f *fileReader) fill(b *block) {
	b.at, b.payloads, b.ends = f.at, b.payloads[:0], b.ends[:0]
	for b.err == nil && len(b.payloads) < blockSize {
		if b.payloads, b.err = f.next(b.payloads); b.err == nil {
			b.ends = append(b.ends, len(b.payloads))
		}
	}
}
