package process

import (
	"crypto/sha256"
	"strconv"
	"time"
	"uuid"
)

// deriveID makes an id of the given parts: a UUID of version 8 (RFC 9562) with 122
// bits of a SHA-256. Stores keep a UUID in 16 bytes. Each part is preceded by
// its length, so that no two lists of parts are written alike.
func deriveID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	id := uuid.UUID(h.Sum(nil)[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// commandID derives the id of a command that a manager sends because of an event:
// the occurrence counts the same command to the same aggregate, from 1.
func commandID(d *def, m Meta, command, id string, occurrence int) string {
	return deriveID("command", d.name, string(m.stored), strconv.FormatInt(m.Version, 10), command, id, strconv.Itoa(occurrence))
}

// timedCommandID derives the id of the command of a timer.
func timedCommandID(d *def, m Meta, timer, command, id string) string {
	return deriveID("timed command", d.name, string(m.stored), strconv.FormatInt(m.Version, 10), timer, command, id)
}

// timerName derives the name of a timer that an event sets. Another event's has
// another name, so that a runner which is late can't cancel what a later event
// has set.
func timerName(d *def, m Meta, timer string, at time.Time) string {
	return deriveID("timer", d.name, string(m.stored), strconv.FormatInt(m.Version, 10), timer, strconv.FormatInt(at.UnixMilli(), 10))
}

// eventID derives the id of an integration event.
func eventID(d *def, m Meta) string {
	return deriveID("event", d.name, string(m.stored), strconv.FormatInt(m.Version, 10))
}
