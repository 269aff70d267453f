package definition

import (
	"encoding/binary"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"hash/fnv"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/view/driver"
)

// MaxSpread is the largest number of parts of a row.
const MaxSpread = 32

// Names returns the names of the rows, or parts of them, that a stream with the
// given memory contributes to: those of its tenant, and always the same part of a
// row, so that what it put there it takes from there.
func (d *Definition) Names(stream events.Stream, memo jsontext.Value) ([]Name, error) {
	keys, err := d.Keys(memo)
	if err != nil {
		return nil, err
	}
	part := 0
	if d.Spread > 0 {
		h := fnv.New32a()
		h.Write([]byte(stream.In("")))
		part = 1 + int(h.Sum32()%uint32(d.Spread))
	}
	names := make([]Name, len(keys))
	for i, key := range keys {
		names[i] = Name{stream.Tenant(), key, part}
	}
	return names, nil
}

// NamesOf returns the names that hold a row.
func (d *Definition) NamesOf(tenant, key string) []Name {
	if d.Spread == 0 {
		return []Name{{Tenant: tenant, Key: key}}
	}
	names := make([]Name, d.Spread)
	for i := range names {
		names[i] = Name{tenant, key, i + 1}
	}
	return names
}

// NameOf is the inverse of Name.ItemKey; ok is false for an item that is neither a
// row nor a part of one, or does not say its row's key.
func (d *Definition) NameOf(item *driver.Item) (n Name, ok bool) {
	if d.Spread == 0 {
		return RowName(item)
	}
	tenant, itemKey := cutScope(item.Key)
	rest, long := strings.CutPrefix(itemKey, longPartPrefix)
	if !long {
		if rest, ok = strings.CutPrefix(itemKey, partPrefix); !ok {
			return Name{}, false
		}
	}
	number, key, _ := strings.Cut(rest, "/")
	part, err := strconv.Atoi(number)
	if ok = err == nil && part >= 0 && strconv.Itoa(part) == number; ok && long {
		key, ok = longKey(item)
	}
	return Name{tenant, key, part + 1}, ok
}

// IsRow reports whether an item is a row or a part of one.
func (d *Definition) IsRow(itemKey string) bool {
	if d.Spread == 0 {
		return IsRow(itemKey)
	}
	_, itemKey = cutScope(itemKey)
	return strings.HasPrefix(itemKey, partPrefix) || strings.HasPrefix(itemKey, longPartPrefix)
}

// Assemble makes the item of a row of its parts as they are stored, nil where
// there is none; it is nil when no stream contributes to the row. It has no
// place in an index. An error has code internal.
func (d *Definition) Assemble(tenant, key string, parts []*driver.Item) (*driver.Item, error) {
	if d.Spread == 0 {
		return parts[0], nil
	}
	whole := &driver.Item{Key: ItemKey(tenant, key)}
	if !plainKey(key) {
		memo, err := json.Marshal(keyedMemo{Key: key})
		if err != nil {
			return nil, events.Wrap(events.CodeInternal, err, "a row key can't be written as JSON")
		}
		whole.Memo = memo
	}
	var rows []jsontext.Value
	versions := fnv.New64a()
	for _, p := range parts {
		versions.Write(binary.BigEndian.AppendUint64(nil, uint64(VersionOf(p))))
		if p == nil {
			continue
		}
		whole.Parked += p.Parked
		if p.Row != nil {
			rows = append(rows, p.Row)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	row, err := d.Merge(rows)
	if err != nil {
		return nil, err
	}
	hidden, err := d.Hides(row)
	if !hidden {
		whole.Row = row
	}
	// Parts are read one after the other: two readers could add up different
	// parts to the same sum.
	whole.Version = int64(versions.Sum64()>>1) | 1
	return whole, err
}
