package embedded

import (
	"strconv"
	"sync"
)

// Sizes of the units that DynamoDB charges, in bytes, from AWS's "DynamoDB read
// and write operations".
const (
	writeUnitSize = 1 << 10
	readUnitSize  = 4 << 10
)

// writeUnits are charged for writing an item: one for each started KB, at least one.
func writeUnits(size int) float64 {
	return float64(max(1, (size+writeUnitSize-1)/writeUnitSize))
}

// readUnits are charged for reading bytes: one for each started 4 KB, at least
// one, and half as much when the read is eventually consistent.
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+readUnitSize-1)/readUnitSize))
	if consistent {
		return units
	}
	return units / 2
}

// charge is what one request consumed in one table.
type charge struct {
	t       *table
	units   float64
	onTable float64
	indexes []indexCharge
	// transaction is "Read" or "Write" in a transaction, whose answers also
	// name the kind of the units.
	transaction string
}

type indexCharge struct {
	name  string
	units float64
}

func (c *charge) addTable(units float64) {
	c.units += units
	c.onTable += units
}

// addRead charges a read of the table, and counts it.
func (c *charge) addRead(units float64) {
	c.addTable(units)
	c.t.meter.read(units)
}

func (c *charge) addIndex(name string, units float64) {
	if units == 0 {
		return
	}
	c.units += units
	for i := range c.indexes {
		if c.indexes[i].name == name {
			c.indexes[i].units += units
			return
		}
	}
	c.indexes = append(c.indexes, indexCharge{name, units})
}

// addWrite charges one item's write in the table and its indexes. factor is 2
// in a transaction: its items are written twice, to prepare and to commit. The
// indexes follow afterwards, once.
func (c *charge) addWrite(t *table, old, new row, factor float64) {
	c.addTable(factor * writeUnits(max(old.size(), new.size())))
	if old == new {
		return
	}
	for _, x := range t.indexes {
		c.addIndex(x.def.IndexName, x.writeUnits(old, new))
	}
}

// appendTo writes a ConsumedCapacity; detail is the request's
// ReturnConsumedCapacity, TOTAL or INDEXES.
func (c *charge) appendTo(dst []byte, detail string) []byte {
	dst = append(dst, `{"TableName":`...)
	dst = appendString(dst, c.t.name)
	dst = append(dst, ',')
	dst = c.appendUnits(dst, c.units)
	if detail == "INDEXES" {
		dst = append(dst, `,"Table":{`...)
		dst = c.appendUnits(dst, c.onTable)
		dst = append(dst, '}')
		if len(c.indexes) > 0 {
			dst = append(dst, `,"GlobalSecondaryIndexes":{`...)
			for i, x := range c.indexes {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = appendString(dst, x.name)
				dst = append(dst, `:{`...)
				dst = c.appendUnits(dst, x.units)
				dst = append(dst, '}')
			}
			dst = append(dst, '}')
		}
	}
	return append(dst, '}')
}

func (c *charge) appendUnits(dst []byte, units float64) []byte {
	dst = append(dst, `"CapacityUnits":`...)
	dst = appendUnits(dst, units)
	if c.transaction != "" {
		dst = append(dst, `,"`...)
		dst = append(dst, c.transaction...)
		dst = append(dst, `CapacityUnits":`...)
		dst = appendUnits(dst, units)
	}
	return dst
}

func appendUnits(dst []byte, units float64) []byte {
	return strconv.AppendFloat(dst, units, 'f', 1, 64)
}

// ConsumedCapacity are capacity units.
type ConsumedCapacity struct {
	ReadUnits, WriteUnits float64
}

// meter counts what requests have consumed in a table and its indexes.
type meter struct {
	mu sync.Mutex
	ConsumedCapacity
}

func (m *meter) read(units float64) {
	m.mu.Lock()
	m.ReadUnits += units
	m.mu.Unlock()
}

func (m *meter) write(units float64) {
	m.mu.Lock()
	m.WriteUnits += units
	m.mu.Unlock()
}

// Consumed returns the capacity units that requests have consumed in a table
// and its indexes since the database was opened, as CloudWatch would count
// them: with those of conditions that failed and of cancelled transactions,
// which no answer mentions. Deletions by time to live are free.
func (db *DB) Consumed(table string) ConsumedCapacity {
	t, err := db.table(table)
	if err != nil {
		return ConsumedCapacity{}
	}
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	return t.meter.ConsumedCapacity
}

// wanted reports whether a ReturnConsumedCapacity asks for an answer.
func wanted(detail string) bool { return detail == "TOTAL" || detail == "INDEXES" }
