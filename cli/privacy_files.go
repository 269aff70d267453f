package cli

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"daybook/dynamo"
)

// files searches a file, all files below a directory, or all objects of a bucket.
func (p *privacySearch) files(ctx context.Context, root string) error {
	p.looked = append(p.looked, root)
	if bucket, prefix, ok := cutS3(root); ok {
		return p.objects(ctx, "object", bucket, prefix)
	}
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return p.file("file", path, f)
	})
}

// window is how much of a file is searched at once, and overlap what two windows share:
// more than any form of a value. A record that a function gave up has at most maxRecord
// bytes: an event of 6 MB, as JSON in a text.
const (
	window    = 1 << 20
	overlap   = 64 << 10
	maxRecord = 16 << 20
)

func (p *privacySearch) file(where, path string, r io.Reader) error {
	b := make([]byte, 0, window+overlap)
	var record []byte
	for offset := 0; ; {
		kept := len(b)
		n, err := io.ReadFull(r, b[kept:window+overlap])
		b = b[:kept+n]
		if offset+len(b) <= maxRecord {
			record = append(record, b[kept:]...)
		}
		p.look(where, path, fmt.Sprintf("near byte %d", offset), string(b))
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			if offset+len(b) <= maxRecord {
				p.givenUp(where, path, record)
			}
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", path, err)
		}
		offset += len(b) - overlap
		b = b[:copy(b, b[len(b)-overlap:])]
	}
}

// givenUp searches the commits of a file that is a batch of the change stream which a
// function gave up, as Lambda writes it: commits may be compressed in it.
func (p *privacySearch) givenUp(where, path string, file []byte) {
	var record struct {
		Batch   jsontext.Value `json:"DDBStreamBatchInfo"`
		Payload string         `json:"payload"` // the event, as a text
	}
	if err := json.Unmarshal(file, &record); err != nil || record.Batch == nil {
		return
	}
	records, err := dynamo.DecodeStreamEvent([]byte(record.Payload))
	if err != nil {
		p.skip("the commits in %s: %v", path, err)
	}
	for _, r := range records {
		if r.Err != nil {
			p.skip("%s, %s commit %d: %v", path, r.Stream, r.Number, r.Err)
			continue
		}
		p.commit(where, path, r.Commit)
	}
}
