package embedded

import (
	"encoding/json/v2"
	"strconv"
	"time"
)

// appendTable writes a TableDescription. The table is locked.
func (db *DB) appendTable(out []byte, t *table, status string) []byte {
	d := t.def
	m := open(out)
	addValue(&m, "AttributeDefinitions", d.Attributes)
	m.str("TableName", d.Name)
	addValue(&m, "KeySchema", d.Key)
	m.str("TableStatus", status)
	m.time("CreationDateTime", d.Created)
	m.add("ProvisionedThroughput")
	m.out = appendThroughput(m.out, d.Throughput)
	m.int("TableSizeBytes", t.size)
	m.int("ItemCount", int64(t.rows.Len()))
	m.str("TableArn", db.tableARN(d.Name))
	m.str("TableId", d.UUID)
	if d.OnDemand {
		m.add("BillingModeSummary")
		b := open(m.out)
		b.str("BillingMode", "PAY_PER_REQUEST")
		b.time("LastUpdateToPayPerRequestDateTime", d.Created)
		m.out = b.close()
	}
	if d.Class != "" {
		m.add("TableClassSummary")
		c := open(m.out)
		c.str("TableClass", d.Class)
		m.out = c.close()
	}
	if d.Encryption {
		m.add("SSEDescription")
		m.out = append(m.out, `{"Status":"ENABLED","SSEType":"KMS"}`...)
	}
	if len(t.indexes) > 0 {
		m.add("GlobalSecondaryIndexes")
		m.out = db.appendIndexes(m.out, t, status)
	}
	if s := t.stream; s != nil {
		if s.enabled() {
			m.add("StreamSpecification")
			spec := open(m.out)
			spec.add("StreamEnabled")
			spec.out = append(spec.out, "true"...)
			spec.str("StreamViewType", s.def.View)
			m.out = spec.close()
		}
		m.str("LatestStreamLabel", s.def.Label)
		m.str("LatestStreamArn", s.def.ARN)
	}
	m.add("DeletionProtectionEnabled")
	m.out = strconv.AppendBool(m.out, d.Protected)
	return m.close()
}

func (db *DB) appendIndexes(out []byte, t *table, status string) []byte {
	out = append(out, '[')
	for i, x := range t.indexes {
		if i > 0 {
			out = append(out, ',')
		}
		m := open(out)
		m.str("IndexName", x.def.IndexName)
		addValue(&m, "KeySchema", x.def.KeySchema)
		addValue(&m, "Projection", x.def.Projection)
		switch {
		case x.building:
			m.str("IndexStatus", "CREATING")
			m.add("Backfilling")
			m.out = append(m.out, "true"...)
		case status == "CREATING" || status == "DELETING":
			m.str("IndexStatus", status)
		default:
			m.str("IndexStatus", "ACTIVE")
		}
		m.add("ProvisionedThroughput")
		m.out = appendThroughput(m.out, x.def.Throughput)
		m.int("IndexSizeBytes", x.size)
		m.int("ItemCount", int64(x.entries.Len()))
		m.str("IndexArn", db.tableARN(t.name)+"/index/"+x.def.IndexName)
		out = m.close()
	}
	return append(out, ']')
}

func appendThroughput(out []byte, t throughput) []byte {
	m := open(out)
	m.int("NumberOfDecreasesToday", 0)
	m.int("ReadCapacityUnits", t.ReadCapacityUnits)
	m.int("WriteCapacityUnits", t.WriteCapacityUnits)
	return m.close()
}

func (m *members) int(name string, value int64) {
	m.add(name)
	m.out = strconv.AppendInt(m.out, value, 10)
}

func (m *members) time(name string, value time.Time) {
	m.add(name)
	m.out = appendTime(m.out, value)
}

// addValue writes a part of a definition as JSON.
func addValue[T any](m *members, name string, part T) {
	m.add(name)
	b, err := json.Marshal(part)
	if err != nil { // strings and lists of them can be written, always
		panic("embedded: write a definition: " + err.Error())
	}
	m.out = append(m.out, b...)
}
