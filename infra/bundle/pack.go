package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"os"
)

// pack writes a zip file with the bootstrap, executable, and nothing that
// changes from one run to the next: no time, no owner. The CDK's own packing
// compresses for speed and gives a file a tenth bigger.
func pack(bootstrap, to string) error {
	binary, err := os.ReadFile(bootstrap)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := f.Write(binary); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, packed.Bytes(), 0o644)
}
