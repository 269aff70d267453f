package cost

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"daybook/localstack/embedded"
)

// meter reads on the wire what requests consume in each index. What they consume in a
// table altogether the engine counts itself, with conditions that failed.
type meter struct {
	next http.RoundTripper

	mu      sync.Mutex
	indexes Usage // of answers
}

// metered are the operations that tell what they consumed, and whether they write.
var metered = map[string]bool{
	"PutItem": true, "UpdateItem": true, "DeleteItem": true, "BatchWriteItem": true, "TransactWriteItems": true,
	"GetItem": false, "Query": false, "Scan": false, "BatchGetItem": false, "TransactGetItems": false,
}

// RoundTrip asks for the capacity by index, and counts it.
func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	writes, counts := metered[operation]
	if !counts {
		return m.next.RoundTrip(r)
	}
	asking, err := askByIndex(r)
	if err != nil {
		return nil, err
	}
	answer, err := m.next.RoundTrip(asking)
	if err != nil || answer.StatusCode != http.StatusOK {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, m.count(body, writes)
}

// askByIndex is the request with ReturnConsumedCapacity INDEXES.
func askByIndex(r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("read a request to DynamoDB: %w", err)
	}
	members["ReturnConsumedCapacity"] = jsontext.Value(`"INDEXES"`)
	if body, err = json.Marshal(members, json.Deterministic(true)); err != nil {
		return nil, err
	}
	asking := r.Clone(r.Context())
	asking.Body, asking.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return asking, nil
}

// consumed is a ConsumedCapacity of DynamoDB.
type consumed struct {
	TableName              string
	GlobalSecondaryIndexes map[string]struct{ CapacityUnits float64 }
}

func (m *meter) count(body []byte, writes bool) error {
	var answer struct{ ConsumedCapacity jsontext.Value }
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("read an answer of DynamoDB: %w", err)
	}
	var all []consumed
	switch answer.ConsumedCapacity.Kind() {
	case jsontext.KindBeginArray:
		if err := json.Unmarshal(answer.ConsumedCapacity, &all); err != nil {
			return fmt.Errorf("read consumed capacity: %w", err)
		}
	case jsontext.KindBeginObject:
		all = make([]consumed, 1)
		if err := json.Unmarshal(answer.ConsumedCapacity, &all[0]); err != nil {
			return fmt.Errorf("read consumed capacity: %w", err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range all {
		for index, used := range c.GlobalSecondaryIndexes {
			units := Units{Read: used.CapacityUnits}
			if writes {
				units = Units{Write: used.CapacityUnits}
			}
			place := Place{c.TableName, index}
			m.indexes[place] = m.indexes[place].Add(units)
		}
	}
	return nil
}

// reading is what had been consumed at a moment.
type reading struct {
	tables  map[string]embedded.ConsumedCapacity
	indexes Usage
}

// read reads the meter and the engine.
func (m *meter) read(db *embedded.DB, tables []string) reading {
	r := reading{tables: map[string]embedded.ConsumedCapacity{}, indexes: Usage{}}
	for _, table := range tables {
		r.tables[table] = db.Consumed(table)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r.indexes.add(m.indexes)
	return r
}

// since is what was consumed since an earlier reading. Names lose the prefix of the
// installation.
func (r reading) since(before reading, prefix string) Usage {
	used := Usage{}
	add := func(p Place, u Units) {
		if u == (Units{}) {
			return
		}
		p.Table = strings.TrimPrefix(p.Table, prefix)
		used[p] = used[p].Add(u)
	}
	for table, now := range r.tables {
		was := before.tables[table]
		add(Place{Table: table}, Units{now.ReadUnits - was.ReadUnits, now.WriteUnits - was.WriteUnits})
	}
	for place, now := range r.indexes { // the tables' units hold those of their indexes
		u := now.Add(before.indexes[place].Times(-1))
		add(place, u)
		add(Place{Table: place.Table}, u.Times(-1))
	}
	return used
}
