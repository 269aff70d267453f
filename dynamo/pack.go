package dynamo

import (
	"encoding/binary"
	"errors"
	"uuid"

	"daybook/events"
)

// The binary forms of what a commit remembers of commands. Integers are varints
// as encoding/binary writes them; an id is a 1 and the 16 bytes of a UUID in
// its canonical form, or twice its length in bytes and the bytes.

var errPacked = errors.New("packed commands are damaged")

// appendID appends an id.
func appendID(b []byte, id string) []byte {
	if u, ok := canonicalUUID(id); ok {
		return append(append(b, 1), u[:]...)
	}
	return append(binary.AppendUvarint(b, uint64(len(id))<<1), id...)
}

// canonicalUUID returns the UUID that is written exactly id.
func canonicalUUID(id string) (uuid.UUID, bool) {
	if len(id) != 36 {
		return uuid.UUID{}, false
	}
	u, err := uuid.Parse(id)
	return u, err == nil && u.String() == id
}

// packCommands packs the commands of a commit: id, digest, and how far the
// command's version is behind that of the commit.
func packCommands(cs []events.Command, version int64) []byte {
	b := make([]byte, 0, 32*len(cs))
	for _, c := range cs {
		b = appendID(b, c.ID)
		b = append(b, c.Digest[:]...)
		b = binary.AppendVarint(b, version-c.Version)
	}
	return b
}

// unpackCommands is the inverse of packCommands.
func unpackCommands(b []byte, version int64) ([]events.Command, error) {
	r := unpacker{rest: b}
	var cs []events.Command
	for len(r.rest) > 0 && !r.failed {
		cs = append(cs, events.Command{ID: r.id(), Digest: r.digest(), Version: version - r.varint()})
	}
	if r.failed {
		return nil, errPacked
	}
	return cs, nil
}

// packOnce packs which commands are once-only: their places, from 0.
func packOnce(cs []events.Command) []byte {
	var b []byte
	for i, c := range cs {
		if c.Once {
			b = binary.AppendUvarint(b, uint64(i))
		}
	}
	return b
}

// unpackOnce marks the commands that packOnce names.
func unpackOnce(b []byte, cs []events.Command) error {
	for r := (unpacker{rest: b}); len(r.rest) > 0; {
		i := r.uvarint()
		if r.failed || i >= uint64(len(cs)) {
			return errPacked
		}
		cs[i].Once = true
	}
	return nil
}

// packClaims packs what a commit claims and releases: for each value twice the
// length of its name, and one more for a release, the name, the length of the
// value and the value.
func packClaims(claims, releases []events.Claim) []byte {
	var b []byte
	for released, vs := range [][]events.Claim{claims, releases} {
		for _, v := range vs {
			b = binary.AppendUvarint(b, uint64(len(v.Name))<<1|uint64(released))
			b = append(b, v.Name...)
			b = binary.AppendUvarint(b, uint64(len(v.Value)))
			b = append(b, v.Value...)
		}
	}
	return b
}

// unpackClaims is the inverse of packClaims.
func unpackClaims(b []byte) (claims, releases []events.Claim, err error) {
	r := unpacker{rest: b}
	for len(r.rest) > 0 && !r.failed {
		head := r.uvarint()
		v := events.Claim{Name: r.text(head >> 1), Value: r.text(r.uvarint())}
		if head&1 == 1 {
			releases = append(releases, v)
		} else {
			claims = append(claims, v)
		}
	}
	if r.failed {
		return nil, nil, errPacked
	}
	return claims, releases, nil
}

// packRemembered packs the commands a snapshot carries, each in 17 bytes or a
// few more: two digests, then the difference to the version before it and, in
// the lowest bit, whether the command started the stream.
func packRemembered(rs []events.CommandRecord) []byte {
	b := make([]byte, 0, 18*len(rs))
	last := int64(0)
	for _, r := range rs {
		b = append(b, r.Key[:]...)
		b = append(b, r.Digest[:]...)
		step := (r.Version - last) << 1
		if r.Started {
			step |= 1
		}
		b = binary.AppendVarint(b, step)
		last = r.Version
	}
	return b
}

// unpackRemembered is the inverse of packRemembered.
func unpackRemembered(b []byte) ([]events.CommandRecord, error) {
	r := unpacker{rest: b}
	var rs []events.CommandRecord
	last := int64(0)
	for len(r.rest) > 0 && !r.failed {
		e := events.CommandRecord{Key: r.digest(), Digest: r.digest()}
		step := r.varint()
		last += step >> 1
		e.Version, e.Started = last, step&1 == 1
		rs = append(rs, e)
	}
	if r.failed {
		return nil, errPacked
	}
	return rs, nil
}

// packWindow packs which commits the commands of a snapshot are of, and when
// they were accepted: the number of the first commit that is whole, then a run
// for each stretch of commands whose commits follow one another by the same step
// at the same hour: their count, the step, and the difference to the hour before.
// It is nil where nothing of that is known.
func packWindow(s *events.Snapshot) []byte {
	known := s.From != 0
	for _, r := range s.Commands {
		known = known || r.Commit != 0 || r.Hour != 0
	}
	if !known {
		return nil
	}
	b := binary.AppendVarint(nil, s.From)
	commit, hour := s.From, int64(0)
	for i := 0; i < len(s.Commands); {
		r := s.Commands[i]
		step, n := r.Commit-commit, 1
		for ; i+n < len(s.Commands); n++ {
			if next := s.Commands[i+n]; next.Hour != r.Hour || next.Commit-s.Commands[i+n-1].Commit != step {
				break
			}
		}
		b = binary.AppendUvarint(b, uint64(n))
		b = binary.AppendVarint(b, step)
		b = binary.AppendVarint(b, int64(r.Hour)-hour)
		i += n
		commit, hour = s.Commands[i-1].Commit, int64(r.Hour)
	}
	return b
}

// unpackWindow completes a snapshot by what packWindow packed of it. Without
// that it stays as an older program left it.
func unpackWindow(b []byte, s *events.Snapshot) error {
	if len(b) == 0 {
		return nil
	}
	r := unpacker{rest: b}
	s.From = r.varint()
	commit, hour, i := s.From, int64(0), 0
	for len(r.rest) > 0 && !r.failed {
		n, step := r.uvarint(), r.varint()
		hour += r.varint()
		if n > uint64(len(s.Commands)-i) {
			return errPacked
		}
		for ; n > 0; n-- {
			commit += step
			s.Commands[i].Commit, s.Commands[i].Hour = commit, int32(hour)
			i++
		}
	}
	if r.failed || i != len(s.Commands) {
		return errPacked
	}
	return nil
}

// unpacker reads packed bytes; after a fault everything it returns is zero.
type unpacker struct {
	rest   []byte
	failed bool
}

func (u *unpacker) take(n int) []byte {
	if u.failed || n < 0 || n > len(u.rest) {
		u.failed = true
		return nil
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b
}

func (u *unpacker) varint() int64 {
	v, n := binary.Varint(u.rest)
	if n <= 0 {
		u.failed = true
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

func (u *unpacker) uvarint() uint64 {
	v, n := binary.Uvarint(u.rest)
	if n <= 0 {
		u.failed = true
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

// text takes a string of n bytes.
func (u *unpacker) text(n uint64) string {
	if n > uint64(len(u.rest)) {
		u.failed = true
		return ""
	}
	return string(u.take(int(n)))
}

func (u *unpacker) digest() (d events.Digest) {
	copy(d[:], u.take(len(d)))
	return d
}

func (u *unpacker) id() string {
	head, n := binary.Uvarint(u.rest)
	if n <= 0 || (head&1 == 1 && head != 1) || head>>1 > uint64(len(u.rest)) {
		u.failed = true
		return ""
	}
	u.rest = u.rest[n:]
	if head == 1 {
		var id uuid.UUID
		copy(id[:], u.take(len(id)))
		return id.String()
	}
	return string(u.take(int(head >> 1)))
}
