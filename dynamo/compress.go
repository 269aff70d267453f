package dynamo

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxBody is the largest events and state of one commit before compression, in
// bytes. It bounds the memory that reading an item can take.
const maxBody = 4 << 20

// encoder and decoder are built on first use, once in a process: most commits
// are plain, and building them costs a cold start milliseconds and memory. Both
// are safe for concurrent use; with a concurrency of one they hold the memory
// of one run.
var (
	encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
			zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(256<<10),
			zstd.WithEncoderCRC(false), // DynamoDB checks its own bytes; 4 saved
			zstd.WithSingleSegment(true),
		)
	})
	decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxBody),
		)
	})
)

// BuildCoders builds the encoder and the decoder, which are otherwise built when the
// first commit is compressed or read. They hold channels, and a channel that is made in a bubble of
// testing/synctest must not be used outside of it: a program that uses the store in
// bubbles builds them before.
func BuildCoders() error {
	frame, err := compress([]byte{'\n'})
	if err != nil {
		return err
	}
	_, err = decompress(frame)
	return err
}

// compress returns body as one zstd frame.
func compress(body []byte) ([]byte, error) {
	e, err := encoder()
	if err != nil {
		return nil, err
	}
	return e.EncodeAll(body, make([]byte, 0, len(body)/2)), nil
}

// decompress returns what compress was given. A frame that would grow over
// maxBody is an error.
func decompress(frame []byte) ([]byte, error) {
	d, err := decoder()
	if err != nil {
		return nil, err
	}
	return d.DecodeAll(frame, nil)
}
