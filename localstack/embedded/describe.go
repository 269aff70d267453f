package embedded

// tableDescription is a table's TableDescription.
type tableDescription struct {
	AttributeDefinitions      []attributeDefinition
	TableName                 string
	KeySchema                 []keyElement
	TableStatus               string
	CreationDateTime          float64
	ProvisionedThroughput     throughputDescription
	TableSizeBytes            int64
	ItemCount                 int
	TableArn                  string
	TableID                   string               `json:"TableId"`
	BillingModeSummary        *billingSummary      `json:",omitzero"`
	TableClassSummary         *classSummary        `json:",omitzero"`
	SSEDescription            *sseDescription      `json:",omitzero"`
	GlobalSecondaryIndexes    []indexDescription   `json:",omitempty"`
	StreamSpecification       *streamSpecification `json:",omitzero"`
	LatestStreamLabel         string               `json:",omitzero"`
	LatestStreamArn           string               `json:",omitzero"`
	DeletionProtectionEnabled bool
}

type billingSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64
}

type classSummary struct{ TableClass string }

type sseDescription struct{ Status, SSEType string }

type throughputDescription struct {
	NumberOfDecreasesToday int
	throughput
}

type indexDescription struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projection
	IndexStatus           string
	Backfilling           bool `json:",omitzero"`
	ProvisionedThroughput throughputDescription
	IndexSizeBytes        int64
	ItemCount             int
	IndexArn              string
}

// tableAnswer is the answer to a request that makes, changes or deletes a table.
func (db *DB) tableAnswer(t *table, status string) any {
	return struct{ TableDescription tableDescription }{db.description(t, status)}
}

// description is a table's TableDescription. The table is locked.
func (db *DB) description(t *table, status string) tableDescription {
	d := t.def
	out := tableDescription{
		AttributeDefinitions: d.Attributes, TableName: d.Name, KeySchema: d.Key, TableStatus: status,
		CreationDateTime: seconds(d.Created), ProvisionedThroughput: throughputDescription{throughput: d.Throughput},
		TableSizeBytes: t.size, ItemCount: t.rows.Len(), TableArn: db.tableARN(d.Name), TableID: d.UUID,
		DeletionProtectionEnabled: d.Protected,
	}
	if d.OnDemand {
		out.BillingModeSummary = &billingSummary{"PAY_PER_REQUEST", seconds(d.Created)}
	}
	if d.Class != "" {
		out.TableClassSummary = &classSummary{d.Class}
	}
	if d.Encryption {
		out.SSEDescription = &sseDescription{"ENABLED", "KMS"}
	}
	for _, x := range t.indexes {
		out.GlobalSecondaryIndexes = append(out.GlobalSecondaryIndexes, db.indexDescription(t, x, status))
	}
	if s := t.stream; s != nil {
		if s.enabled() {
			enabled := true
			out.StreamSpecification = &streamSpecification{&enabled, s.def.View}
		}
		out.LatestStreamLabel, out.LatestStreamArn = s.def.Label, s.def.ARN
	}
	return out
}

func (db *DB) indexDescription(t *table, x *index, status string) indexDescription {
	out := indexDescription{
		IndexName: x.def.IndexName, KeySchema: x.def.KeySchema, Projection: x.def.Projection, IndexStatus: "ACTIVE",
		Backfilling: x.building, ProvisionedThroughput: throughputDescription{throughput: x.def.Throughput},
		IndexSizeBytes: x.size, ItemCount: x.entries.Len(), IndexArn: db.tableARN(t.name) + "/index/" + x.def.IndexName,
	}
	switch {
	case x.building:
		out.IndexStatus = "CREATING"
	case status == "CREATING" || status == "DELETING":
		out.IndexStatus = status
	}
	return out
}
