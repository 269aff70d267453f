package embedded

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"uuid"
)

// streamSpecification is the request's StreamSpecification.
type streamSpecification struct {
	StreamEnabled  *bool
	StreamViewType string
}

type tagPair struct{ Key, Value string }

type indexRequest struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            *projection
	ProvisionedThroughput *throughput
}

type sseRequest struct {
	Enabled *bool
	SSEType string
}

type createTableRequest struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	BillingMode               string
	ProvisionedThroughput     *throughput
	GlobalSecondaryIndexes    []indexRequest
	StreamSpecification       *streamSpecification
	SSESpecification          *sseRequest
	TableClass                string
	Tags                      []tagPair
	DeletionProtectionEnabled bool
}

// checkTableName adds DynamoDB's violations of a table's (or index's) name.
func checkTableName(c *checks, name, field string) {
	if name == "" {
		c.required(false, field)
		return
	}
	if strings.HasPrefix(name, "arn:") {
		return
	}
	if strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
	}) {
		c.add("'"+name+"'", field, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if len(name) < 3 {
		c.add("'"+name+"'", field, "Member must have length greater than or equal to 3")
	}
	if len(name) > 255 {
		c.add("'"+name+"'", field, "Member must have length less than or equal to 255")
	}
}

func (in *createTableRequest) check(c *checks) {
	checkTableName(c, in.TableName, "tableName")
	c.required(in.AttributeDefinitions != nil, "attributeDefinitions")
	for i, a := range in.AttributeDefinitions {
		at := "attributeDefinitions." + strconv.Itoa(i+1) + ".member."
		checkAttributeName(c, a.AttributeName, at+"attributeName")
		c.required(a.AttributeType != "", at+"attributeType")
		c.oneOf(a.AttributeType, at+"attributeType", "B", "N", "S")
	}
	c.required(in.KeySchema != nil, "keySchema")
	if in.KeySchema != nil {
		checkKeyElements(c, in.KeySchema, "keySchema", 2)
	}
	c.oneOf(in.BillingMode, "billingMode", "PROVISIONED", "PAY_PER_REQUEST")
	checkThroughput(c, in.ProvisionedThroughput, "provisionedThroughput")
	c.oneOf(in.TableClass, "tableClass", "STANDARD", "STANDARD_INFREQUENT_ACCESS")
	for i, x := range in.GlobalSecondaryIndexes {
		checkIndexRequest(c, x, "globalSecondaryIndexes."+strconv.Itoa(i+1)+".member.")
	}
	checkStreamSpecification(c, in.StreamSpecification)
}

// checkKeyElements adds the violations of a key schema; most is how many
// attributes it can have, 0 where that is not checked yet.
func checkKeyElements(c *checks, key []keyElement, field string, most int) {
	if len(key) < 1 {
		c.add("'[]'", field, "Member must have length greater than or equal to 1")
	}
	if most > 0 && len(key) > most {
		c.add("'"+keyText(key)+"'", field, "Member must have length less than or equal to "+strconv.Itoa(most))
	}
	for i, k := range key {
		at := field + "." + strconv.Itoa(i+1) + ".member."
		checkAttributeName(c, k.AttributeName, at+"attributeName")
		c.required(k.KeyType != "", at+"keyType")
		c.oneOf(k.KeyType, at+"keyType", keyHash, keyRange)
	}
}

// keyText is a key schema as DynamoDB writes it in a message.
func keyText(key []keyElement) string {
	texts := make([]string, len(key))
	for i, k := range key {
		texts[i] = "KeySchemaElement(attributeName=" + k.AttributeName + ", keyType=" + k.KeyType + ")"
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// maxKeyName is the longest name of a key attribute, in bytes.
const maxKeyName = 255

// checkAttributeName adds the violations of a key attribute's name.
func checkAttributeName(c *checks, name, field string) {
	c.required(name != "", field)
	if len(name) > maxKeyName {
		c.add("'"+name+"'", field, "Member must have length less than or equal to "+strconv.Itoa(maxKeyName))
	}
}

func checkThroughput(c *checks, t *throughput, field string) {
	if t != nil {
		c.atLeast(&t.WriteCapacityUnits, field+".writeCapacityUnits", 1)
		c.atLeast(&t.ReadCapacityUnits, field+".readCapacityUnits", 1)
	}
}

func checkIndexRequest(c *checks, x indexRequest, at string) {
	checkTableName(c, x.IndexName, at+"indexName")
	c.required(x.KeySchema != nil, at+"keySchema")
	if x.KeySchema != nil {
		checkKeyElements(c, x.KeySchema, at+"keySchema", 0)
	}
	c.required(x.Projection != nil, at+"projection")
	if x.Projection != nil {
		c.oneOf(x.Projection.ProjectionType, at+"projection.projectionType", "ALL", "INCLUDE", "KEYS_ONLY")
		checkNonKeyAttributes(c, x.Projection.NonKeyAttributes, at+"projection.nonKeyAttributes")
	}
	checkThroughput(c, x.ProvisionedThroughput, at+"provisionedThroughput")
}

// maxProjected is how many attributes an index can name to be projected.
const maxProjected = 20

// checkNonKeyAttributes adds the violations of an INCLUDE projection's list.
func checkNonKeyAttributes(c *checks, names []string, field string) {
	if names != nil && len(names) == 0 {
		c.add("'[]'", field, "Member must have length greater than or equal to 1")
	}
	if len(names) > maxProjected {
		c.add("'["+strings.Join(names, ", ")+"]'", field, "Member must have length less than or equal to "+strconv.Itoa(maxProjected))
	}
	if slices.ContainsFunc(names, func(name string) bool { return name == "" || len(name) > maxKeyName }) {
		c.add("'["+strings.Join(names, ", ")+"]'", field, "Member must satisfy constraint: "+
			"[Member must have length less than or equal to 255, Member must have length greater than or equal to 1]")
	}
}

func checkStreamSpecification(c *checks, s *streamSpecification) {
	if s != nil {
		c.required(s.StreamEnabled != nil, "streamSpecification.streamEnabled")
		c.oneOf(s.StreamViewType, "streamSpecification.streamViewType", viewNew, viewOld, viewBoth, viewKeys)
	}
}

func checkStreamView(s *streamSpecification) error {
	switch {
	case s == nil:
		return nil
	case *s.StreamEnabled && s.StreamViewType == "":
		return invalidParameter("StreamViewType must not be null if StreamEnabled is true")
	case !*s.StreamEnabled && s.StreamViewType != "":
		return invalidParameter("StreamViewType must be null if StreamEnabled is false")
	}
	return nil
}

func checkBilling(mode string, t *throughput) error {
	if mode == "PAY_PER_REQUEST" {
		if t != nil {
			return invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		return nil
	}
	if t == nil {
		return invalidParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	return nil
}

// define turns the request into a table's definition, without its identity.
func (in *createTableRequest) define() (definition, error) {
	d := definition{
		Name: in.TableName, Attributes: in.AttributeDefinitions, Key: in.KeySchema,
		OnDemand: in.BillingMode == "PAY_PER_REQUEST", Class: in.TableClass, Protected: in.DeletionProtectionEnabled,
		Encryption: in.SSESpecification != nil && in.SSESpecification.Enabled != nil && *in.SSESpecification.Enabled,
	}
	if err := checkBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
		return d, err
	}
	if err := checkStreamView(in.StreamSpecification); err != nil {
		return d, err
	}
	if in.ProvisionedThroughput != nil {
		d.Throughput = *in.ProvisionedThroughput
	}
	if len(in.Tags) > 0 {
		d.Tags = map[string]string{}
		for _, t := range in.Tags {
			d.Tags[t.Key] = t.Value
		}
	}
	if err := d.checkKey(d.Key, ""); err != nil {
		return d, err
	}
	if in.GlobalSecondaryIndexes != nil && len(in.GlobalSecondaryIndexes) == 0 {
		return d, invalidParameter("List of GlobalSecondaryIndexes is empty")
	}
	for _, x := range in.GlobalSecondaryIndexes {
		if err := d.addIndex(x); err != nil {
			return d, err
		}
	}
	if len(d.Indexes) > maxIndexes {
		return d, invalidParameter("GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	return d, d.checkAttributesUsed()
}

// maxIndexes is DynamoDB's quota of global secondary indexes per table.
const maxIndexes = 20

// checkKey refuses a key schema that makes no sense.
func (d *definition) checkKey(key []keyElement, index string) error {
	var names, defined []string
	for _, k := range key {
		names = append(names, k.AttributeName)
	}
	for _, a := range d.Attributes {
		if slices.Contains(defined, a.AttributeName) {
			return validationf("Attribute Name is duplicated: %s", a.AttributeName)
		}
		defined = append(defined, a.AttributeName)
	}
	if index == "" && len(names) > len(defined) {
		return validation("Invalid KeySchema: Some index key attribute have no definition")
	}
	for _, name := range names {
		if !slices.Contains(defined, name) {
			return invalidParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(names, ", "), strings.Join(defined, ", "))
		}
	}
	switch {
	case key[0].KeyType != keyHash:
		return validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(names) == 2 && names[0] == names[1]:
		return validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case len(names) > len(slices.Compact(slices.Sorted(slices.Values(names)))):
		return validation("The KeySchema contains multiple key attributes with the same name")
	case index == "" && len(key) == 2 && key[1].KeyType != keyRange:
		return validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	return checkKeyTypes(key)
}

// checkKeyTypes refuses key attributes out of order, or too many of one type.
func checkKeyTypes(key []keyElement) error {
	count := map[string]int{}
	for _, k := range key {
		if k.KeyType == keyHash && count[keyRange] > 0 {
			return invalidParameter("All HASH key attributes must precede RANGE key attributes in the KeySchema")
		}
		count[k.KeyType]++
	}
	for _, kind := range []string{keyHash, keyRange} {
		if count[kind] > maxKeyAttributes {
			return invalidParameter("The KeySchema exceeds the maximum allowed number of %s key attributes", kind)
		}
	}
	return nil
}

// addIndex checks an index and adds it to the definition.
func (d *definition) addIndex(x indexRequest) error {
	if err := d.checkKey(x.KeySchema, x.IndexName); err != nil {
		return err
	}
	switch p := x.Projection; {
	case p.ProjectionType == "":
		return invalidParameter("Unknown ProjectionType: null")
	case p.ProjectionType != "INCLUDE" && p.NonKeyAttributes != nil:
		return invalidParameter("ProjectionType is %s, but NonKeyAttributes is specified", p.ProjectionType)
	case p.ProjectionType == "INCLUDE" && len(p.NonKeyAttributes) == 0:
		return invalidParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	if d.OnDemand && x.ProvisionedThroughput != nil {
		return invalidParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.IndexName)
	}
	if !d.OnDemand && x.ProvisionedThroughput == nil {
		return invalidParameter("ProvisionedThroughput must be specified for index: %s", x.IndexName)
	}
	for _, other := range d.Indexes {
		if other.IndexName == x.IndexName {
			return invalidParameter("Duplicate index name: %s", x.IndexName)
		}
	}
	def := indexDefinition{IndexName: x.IndexName, KeySchema: x.KeySchema, Projection: *x.Projection}
	if x.ProvisionedThroughput != nil {
		def.Throughput = *x.ProvisionedThroughput
	}
	d.Indexes = append(d.Indexes, def)
	return nil
}

// checkAttributesUsed refuses definitions that no key uses.
func (d *definition) checkAttributesUsed() error {
	used := map[string]bool{}
	for _, k := range d.Key {
		used[k.AttributeName] = true
	}
	for _, x := range d.Indexes {
		for _, k := range x.KeySchema {
			used[k.AttributeName] = true
		}
	}
	if len(used) == len(d.Attributes) {
		return nil
	}
	if len(d.Indexes) == 0 {
		return invalidParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	names := make([]string, len(d.Attributes))
	for i, a := range d.Attributes {
		names[i] = a.AttributeName
	}
	return invalidParameter("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(names, ", "), strings.Join(slices.Sorted(maps.Keys(used)), ", "))
}

func (db *DB) createTable(in *createTableRequest) (any, error) {
	d, err := in.define()
	if err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.tables[d.Name] != nil {
		return nil, resourceInUse("Table already exists: " + d.Name)
	}
	d.ID, d.UUID, d.Created = db.nextID, uuid.New().String(), db.opts.Now()
	var schema schemaChange
	if in.StreamSpecification != nil && *in.StreamSpecification.StreamEnabled {
		s := db.defineStream(d, db.nextID+1, in.StreamSpecification.StreamViewType)
		d.Stream = s.ID
		schema.Streams = append(schema.Streams, s)
	}
	schema.Tables = append(schema.Tables, d)
	if err := db.changeSchema(schema); err != nil {
		return nil, err
	}
	return db.tableAnswer(db.tables[d.Name], "CREATING"), nil
}

// defineStream makes a new stream's definition.
func (db *DB) defineStream(d definition, id uint64, view string) streamDefinition {
	now := db.opts.Now().UTC()
	label := now.Format("2006-01-02T15:04:05.000")
	arn := db.tableARN(d.Name) + "/stream/" + label
	for _, s := range db.streams {
		if s.def.ARN == arn { // made in the same millisecond
			label = now.Format("2006-01-02T15:04:05.000") + "-" + strconv.FormatUint(id, 10)
			arn = db.tableARN(d.Name) + "/stream/" + label
			break
		}
	}
	return streamDefinition{
		ID: id, ARN: arn, Label: label, Table: d.Name, TableID: d.ID, View: view, Key: d.Key,
		Shards: db.opts.Shards, Created: now,
	}
}

// changeSchema logs a change of tables and streams and makes it happen. db.mu
// is held for writing, and so are the locks of the tables that it names.
func (db *DB) changeSchema(c schemaChange) error {
	if db.log != nil {
		buf, err := appendSchema(startRecord(nil), c)
		if err != nil {
			return err
		}
		pos, err := db.log.append(buf)
		if err != nil {
			return err
		}
		if err := db.log.waitSynced(pos); err != nil {
			return err
		}
	}
	db.applySchema(c)
	return nil
}

// applySchema makes a change of tables and streams happen in memory.
func (db *DB) applySchema(c schemaChange) {
	for _, def := range c.Streams {
		db.nextID = max(db.nextID, def.ID+1)
		if s := db.streams[def.ID]; s != nil {
			s.disable(def.Disabled)
			continue
		}
		most := def.Shards
		if db.opts.Hostile != nil && db.opts.Hostile.SplitShards > 0 {
			most = mostShards
		}
		db.streams[def.ID] = newStream(def, db.opts.StreamBytes, most)
	}
	for _, def := range c.Tables {
		db.nextID = max(db.nextID, def.ID+1)
		t := db.tables[def.Name]
		if t == nil {
			t = newTable(def)
			db.tables[def.Name] = t
		}
		t.def = def
		t.setIndexes()
		t.setExpiry()
		t.stream = db.streams[def.Stream]
	}
	for _, def := range c.Streams {
		db.streams[def.ID].arena = cmp.Or(db.streams[def.ID].arena, db.arenaOf(def.TableID))
	}
	for _, id := range c.Dropped {
		for name, t := range db.tables {
			if t.id == id {
				t.drop()
				delete(db.tables, name)
			}
		}
	}
}

// arenaOf is where the rows of a table are kept, or a new place if it is gone
// and only its stream is left.
func (db *DB) arenaOf(tableID uint64) *arena {
	for _, t := range db.tables {
		if t.id == tableID {
			return t.arena
		}
	}
	return newArena()
}

func (db *DB) tableARN(name string) string {
	return "arn:aws:dynamodb:" + db.opts.Region + ":" + db.opts.Account + ":table/" + name
}

type tableNameRequest struct{ TableName string }

func (in *tableNameRequest) check(c *checks) { checkTableName(c, in.TableName, "tableName") }

// lockSchema locks the database and one of its tables, to change or delete it.
func (db *DB) lockSchema(name string) (t *table, unlock func(), err error) {
	db.mu.Lock()
	if t = db.tables[name]; t == nil {
		db.mu.Unlock()
		return nil, nil, tableNotFound(name)
	}
	t.mu.Lock()
	return t, func() { t.mu.Unlock(); db.mu.Unlock() }, nil
}

func (db *DB) describeTable(in *tableNameRequest) (any, error) {
	return db.describe(in, func(t *table) any {
		return struct{ Table tableDescription }{db.description(t, "ACTIVE")}
	})
}

// describe answers a request for something of a table, which part makes while the
// table is locked. Its errors are those of administrative operations.
func (db *DB) describe(in *tableNameRequest, part func(t *table) any) (answer any, err error) {
	t, err := db.table(in.TableName)
	if err != nil {
		return nil, tableNotFound(in.TableName)
	}
	err = t.withRead(func() error {
		answer = part(t)
		return nil
	})
	return answer, err
}

func (db *DB) deleteTable(in *tableNameRequest) (any, error) {
	t, unlock, err := db.lockSchema(in.TableName)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if t.def.Protected {
		return nil, validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	c := schemaChange{Dropped: []uint64{t.id}}
	if t.stream != nil && t.stream.enabled() {
		c.Streams = append(c.Streams, t.stream.disabledAt(db.opts.Now()))
	}
	if err := db.changeSchema(c); err != nil {
		return nil, err
	}
	db.activity.wakeAll(t.name)
	return db.tableAnswer(t, "DELETING"), nil
}

type listTablesRequest struct {
	ExclusiveStartTableName string
	Limit                   *int64
}

func (in *listTablesRequest) check(c *checks) {
	c.atLeast(in.Limit, "limit", 1)
	c.atMost(in.Limit, "limit", maxTables)
}

func (db *DB) listTables(in *listTablesRequest) (any, error) {
	var out struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitzero"`
	}
	db.mu.RLock()
	names := slices.Sorted(maps.Keys(db.tables))
	db.mu.RUnlock()
	names = slices.DeleteFunc(names, func(name string) bool { return name <= in.ExclusiveStartTableName })
	if limit := limitOr(in.Limit, maxTables); len(names) > limit {
		names = names[:limit]
		out.LastEvaluatedTableName = names[limit-1]
	}
	out.TableNames = names
	return out, nil
}

// maxTables is the length of a page of ListTables.
const maxTables = 100

// limitOr is a request's Limit, or the default.
func limitOr(limit *int64, most int) int {
	if limit == nil {
		return most
	}
	return int(*limit)
}

// disabledAt is the definition of the stream once it is disabled.
func (s *stream) disabledAt(now time.Time) streamDefinition {
	def := s.def
	def.Disabled = now.UTC()
	return def
}

// disable closes the stream. Records that were kept back come first.
func (s *stream) disable(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range s.shards {
		for _, h := range sh.held {
			s.append(sh, h.record)
		}
		sh.held = nil
	}
	s.def.Disabled = at
}
