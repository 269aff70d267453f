package dynamo

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"

	"daybook/events"
)

// BenchmarkDictionaries measures what ADR 36 says: bodies of commits compressed
// as they are, and with dictionaries of the event's golden file, of eight samples, and
// trained on 400 samples.
func BenchmarkDictionaries(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 7))
	samples := make([][]byte, 400)
	for i := range samples {
		samples[i] = notesBody(b, r, 1)
	}
	trained, err := dict.BuildZstdDict(samples, dict.Options{MaxDictSize: 16 << 10, HashBytes: 6, ZstdDictID: 5, ZstdLevel: zstd.SpeedBetterCompression})
	if err != nil {
		b.Fatal(err)
	}
	golden := []byte(`[["shipment-noted",1,{"order":"0192f1c4-0000-7000-8000-0000000000ff","carrier":"carrier","status":"status","city":"city",` +
		`"street":"street","receiver":"receiver","weight_g":7,"price_cents":7,"at":"2026-11-03T09:15:42Z","remark":"remark"}]]`)
	eight := bytes.Join(samples[:8], nil)
	for _, d := range []struct {
		name   string
		encode zstd.EOption
		decode zstd.DOption
	}{
		{"none", nil, nil},
		{"golden", zstd.WithEncoderDictRaw(5, golden), zstd.WithDecoderDictRaw(5, golden)},
		{"samples", zstd.WithEncoderDictRaw(5, eight), zstd.WithDecoderDictRaw(5, eight)},
		{"trained", zstd.WithEncoderDict(trained), zstd.WithDecoderDicts(trained)},
	} {
		for _, level := range []zstd.EncoderLevel{zstd.SpeedDefault, zstd.SpeedBetterCompression} {
			for _, n := range []int{1, 2, 4, 10, 100} {
				b.Run(fmt.Sprintf("%s/%s/events=%d", d.name, level, n), func(b *testing.B) {
					benchmarkDictionary(b, level, d.encode, d.decode, n)
				})
			}
		}
	}
}

func notesBody(b *testing.B, r *rand.Rand, n int) []byte {
	es := make([]events.Event, n)
	for i := range es {
		data, err := json.Marshal(drawNote(r, 500))
		if err != nil {
			b.Fatal(err)
		}
		es[i] = events.Event{Name: "shipment-noted", Schema: 1, Data: data}
	}
	body, err := encodeEvents(es)
	if err != nil {
		b.Fatal(err)
	}
	return append(body, '\n')
}

func benchmarkDictionary(b *testing.B, level zstd.EncoderLevel, encode zstd.EOption, decode zstd.DOption, n int) {
	const head = 170 // bytes of the item besides
	enc := []zstd.EOption{
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(256 << 10), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true),
	}
	dec := []zstd.DOption{zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)}
	if encode != nil {
		enc, dec = append(enc, encode), append(dec, decode)
	}
	e, err := zstd.NewWriter(nil, enc...)
	if err != nil {
		b.Fatal(err)
	}
	d, err := zstd.NewReader(nil, dec...)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(8, 8))
	var bodies, frames [200][]byte
	plain, size, units := 0, 0, 0
	for i := range bodies {
		bodies[i] = notesBody(b, r, n)
		frames[i] = e.EncodeAll(bodies[i], nil)
		plain, size = plain+len(bodies[i]), size+len(frames[i])
		units += min(writeUnits(head+len(frames[i])), writeUnits(head+len(bodies[i])))
	}
	var out []byte
	var encoding, decoding time.Duration
	for b.Loop() {
		begin := cpuTime(b)
		for i := range bodies {
			out = e.EncodeAll(bodies[i], out[:0])
		}
		middle := cpuTime(b)
		for i := range frames {
			if out, err = d.DecodeAll(frames[i], out[:0]); err != nil || len(out) != len(bodies[i]) {
				b.Fatal(len(out), err)
			}
		}
		encoding, decoding = encoding+middle-begin, decoding+cpuTime(b)-middle
	}
	runs := float64(b.N * len(bodies))
	b.ReportMetric(float64(plain)/float64(len(bodies)), "plainB")
	b.ReportMetric(float64(size)/float64(len(bodies)), "B")
	b.ReportMetric(float64(units)/float64(len(bodies)), "WU")
	b.ReportMetric(float64(encoding.Microseconds())/runs, "encode-µs")
	b.ReportMetric(float64(decoding.Microseconds())/runs, "decode-µs")
	b.ReportMetric(0, "ns/op")
}
