package embedded

import (
	"slices"
	"strconv"
)

type indexUpdate struct {
	Create *indexRequest
	Delete *struct{ IndexName string }
	Update *struct {
		IndexName             string
		ProvisionedThroughput *throughput
	}
}

type updateTableRequest struct {
	TableName                   string
	AttributeDefinitions        []attributeDefinition
	BillingMode                 string
	ProvisionedThroughput       *throughput
	GlobalSecondaryIndexUpdates []indexUpdate
	StreamSpecification         *streamSpecification
	SSESpecification            *sseRequest
	TableClass                  string
	DeletionProtectionEnabled   *bool
}

func (in *updateTableRequest) check(c *checks) {
	checkTableName(c, in.TableName, "tableName")
	c.oneOf(in.BillingMode, "billingMode", "PROVISIONED", "PAY_PER_REQUEST")
	c.oneOf(in.TableClass, "tableClass", "STANDARD", "STANDARD_INFREQUENT_ACCESS")
	checkThroughput(c, in.ProvisionedThroughput, "provisionedThroughput")
	checkStreamSpecification(c, in.StreamSpecification)
	for i, u := range in.GlobalSecondaryIndexUpdates {
		at := "globalSecondaryIndexUpdates." + strconv.Itoa(i+1) + ".member."
		if u.Create != nil {
			checkIndexRequest(c, *u.Create, at+"create.")
		}
		if u.Delete != nil {
			checkTableName(c, u.Delete.IndexName, at+"delete.indexName")
		}
		if u.Update != nil {
			checkTableName(c, u.Update.IndexName, at+"update.indexName")
			c.required(u.Update.ProvisionedThroughput != nil, at+"update.provisionedThroughput")
			checkThroughput(c, u.Update.ProvisionedThroughput, at+"update.provisionedThroughput")
		}
	}
}

// valid refuses a request that changes nothing, or what can't be.
func (in *updateTableRequest) valid() error {
	if in.ProvisionedThroughput == nil && in.BillingMode == "" && in.StreamSpecification == nil &&
		len(in.GlobalSecondaryIndexUpdates) == 0 && in.SSESpecification == nil && in.TableClass == "" &&
		in.DeletionProtectionEnabled == nil {
		return validation("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	return checkStreamView(in.StreamSpecification)
}

func (db *DB) updateTable(in *updateTableRequest) (any, error) {
	if err := in.valid(); err != nil {
		return nil, err
	}
	t, unlock, err := db.lockSchema(in.TableName)
	if err != nil {
		return nil, err
	}
	defer unlock()
	d := t.def.clone()
	if err := in.apply(t, &d); err != nil {
		return nil, err
	}
	c := schemaChange{}
	if err := in.applyStream(db, t, &d, &c); err != nil {
		return nil, err
	}
	c.Tables = []definition{d}
	if err := db.changeSchema(c); err != nil {
		return nil, err
	}
	answer := db.tableAnswer(t, "UPDATING")
	db.build(t)
	return answer, nil
}

// apply makes the request's changes in a definition, but for the stream.
func (in *updateTableRequest) apply(t *table, d *definition) error {
	if in.BillingMode != "" {
		d.OnDemand = in.BillingMode == "PAY_PER_REQUEST"
		if err := checkBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
			return err
		}
		if d.OnDemand {
			d.Throughput = throughput{}
			for i := range d.Indexes {
				d.Indexes[i].Throughput = throughput{}
			}
		}
	}
	if in.ProvisionedThroughput != nil {
		if d.OnDemand {
			return invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		d.Throughput = *in.ProvisionedThroughput
	}
	if in.TableClass != "" {
		d.Class = in.TableClass
	}
	if in.SSESpecification != nil && in.SSESpecification.Enabled != nil {
		d.Encryption = *in.SSESpecification.Enabled
	}
	if in.DeletionProtectionEnabled != nil {
		d.Protected = *in.DeletionProtectionEnabled
	}
	return in.applyIndexes(t, d)
}

// applyIndexes adds, changes and removes indexes.
func (in *updateTableRequest) applyIndexes(t *table, d *definition) error {
	for _, a := range in.AttributeDefinitions {
		i := slices.IndexFunc(d.Attributes, func(b attributeDefinition) bool { return b.AttributeName == a.AttributeName })
		if i < 0 {
			d.Attributes = append(d.Attributes, a)
		} else if d.Attributes[i] != a {
			return invalidParameter("Cannot redefine the type of key attribute %s", a.AttributeName)
		}
	}
	seen := map[string]bool{}
	created := 0
	for _, u := range in.GlobalSecondaryIndexUpdates {
		name, err := u.name()
		if err != nil {
			return err
		}
		if seen[name] {
			return invalidParameter("Only one global secondary index update per index is allowed simultaneously. Index: %s", name)
		}
		seen[name] = true
		if u.Create != nil {
			if created++; created > 1 {
				return dynamoError("LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
			}
		}
		if err := u.apply(t, d); err != nil {
			return err
		}
	}
	if len(d.Indexes) > maxIndexes {
		return invalidParameter("GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	d.dropUnusedAttributes()
	return nil
}

func (u indexUpdate) name() (string, error) {
	switch {
	case u.Create != nil && u.Delete == nil && u.Update == nil:
		return u.Create.IndexName, nil
	case u.Delete != nil && u.Create == nil && u.Update == nil:
		return u.Delete.IndexName, nil
	case u.Update != nil && u.Create == nil && u.Delete == nil:
		return u.Update.IndexName, nil
	}
	return "", invalidParameter("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
}

func (u indexUpdate) apply(t *table, d *definition) error {
	name, _ := u.name()
	i := slices.IndexFunc(d.Indexes, func(x indexDefinition) bool { return x.IndexName == name })
	if u.Create != nil {
		if i >= 0 {
			return validation("Attempting to create an index which already exists")
		}
		return d.addIndex(*u.Create)
	}
	if i < 0 {
		return resourceNotFound()
	}
	if x := t.index(name); x != nil && x.building {
		return resourceInUse("Attempting to change an index which is being created: " + name)
	}
	if u.Delete != nil {
		d.Indexes = slices.Delete(d.Indexes, i, i+1)
		return nil
	}
	d.Indexes[i].Throughput = *u.Update.ProvisionedThroughput
	return nil
}

// dropUnusedAttributes forgets the definitions that no key uses any more.
func (d *definition) dropUnusedAttributes() {
	d.Attributes = slices.DeleteFunc(d.Attributes, func(a attributeDefinition) bool {
		uses := func(k keyElement) bool { return k.AttributeName == a.AttributeName }
		return !slices.ContainsFunc(d.Key, uses) && !slices.ContainsFunc(d.Indexes, func(x indexDefinition) bool {
			return slices.ContainsFunc(x.KeySchema, uses)
		})
	})
}

// applyStream enables or disables the table's stream.
func (in *updateTableRequest) applyStream(db *DB, t *table, d *definition, c *schemaChange) error {
	if in.StreamSpecification == nil {
		return nil
	}
	on := t.stream != nil && t.stream.enabled()
	switch {
	case *in.StreamSpecification.StreamEnabled && on:
		return validation("Table already has an enabled stream: " + t.name)
	case *in.StreamSpecification.StreamEnabled:
		s := db.defineStream(*d, db.nextID, in.StreamSpecification.StreamViewType)
		c.Streams = append(c.Streams, s)
		d.Stream = s.ID
	case !on:
		return validation("Table is already without an enabled stream: " + t.name)
	default:
		c.Streams = append(c.Streams, t.stream.disabledAt(db.opts.Now()))
	}
	return nil
}

const (
	// buildBatch is how many items enter a new index before other requests
	// get their turn.
	buildBatch = 2000
	// buildAtOnce is how many items enter it before UpdateTable answers, so
	// that the index of a small table is ACTIVE when it is first looked at.
	buildAtOnce = 10_000
)

// build fills the table's new indexes, in the background if that takes long.
// The table is locked.
func (db *DB) build(t *table) {
	for _, x := range t.indexes {
		if !x.building {
			continue
		}
		from, done := t.fill(x, "", buildAtOnce)
		if !done {
			db.background.Go(func() { db.keepBuilding(t, x, from) })
		}
	}
}

func (db *DB) keepBuilding(t *table, x *index, from string) {
	for done := false; !done && db.closing.Err() == nil; {
		t.mu.Lock()
		if t.gone || t.index(x.def.IndexName) != x {
			t.mu.Unlock()
			return
		}
		from, done = t.fill(x, from, buildBatch)
		t.mu.Unlock()
	}
}
