package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/functions/names"
	"daybook/view"
	"daybook/view/driver"
)

// KeyType is the type of a key attribute.
type KeyType string

// The types of key attributes that Daybook uses.
const (
	KeyString KeyType = "S"
	KeyNumber KeyType = "N"
)

// Key is a key attribute of a table or an index.
type Key struct {
	Name string
	Type KeyType
}

// IndexSpec is a global secondary index; it projects all attributes.
type IndexSpec struct {
	Name      string
	Partition Key
	Sort      *Key // nil for none
}

// TableSpec is what has to be the same wherever a table is created: locally, in
// tests, and by the CDK app. It is plain data.
type TableSpec struct {
	// Name is the part of the table's name behind the prefix of the
	// installation; see TableName.
	Name      string
	Partition Key
	Sort      *Key // nil for none
	Indexes   []IndexSpec
	// StreamView is what the table's stream carries, NEW_IMAGE; empty for a
	// table without a stream.
	StreamView string
	// TTL is the attribute with the time, in seconds since 1970, after which
	// an item may go; empty for none.
	TTL string
	// NoBackup says that nothing of the table may be kept elsewhere: no point-in-time
	// recovery and no backup.
	NoBackup bool
}

// EventsTable is the table that EventStore keeps commits in. Its stream carries
// new images, so that a projector needs no read to see a commit.
func EventsTable() TableSpec {
	return TableSpec{
		Name:       names.EventsTable,
		Partition:  Key{Name: attrStream, Type: KeyString},
		Sort:       &Key{Name: attrCommit, Type: KeyNumber},
		StreamView: string(types.StreamViewTypeNewImage),
	}
}

// ClaimsTable is the table that EventStore keeps claimed values and the ids of
// once-only commands in. The latter expire.
func ClaimsTable() TableSpec {
	return TableSpec{
		Name:      names.ClaimsTable,
		Partition: Key{Name: attrClaim, Type: KeyString},
		TTL:       attrExpires,
	}
}

// ViewTable is the table of a view at its version: one item for each row and
// checkpoint, one global secondary index for each index of the view's table
// (the declared ones and driver.ParkedIndex), over two attributes of its own.
func ViewTable(d view.Description) TableSpec {
	return GenerationTable(d, 1)
}

// targetTable is the table of a target with the given indexes.
func targetTable(t driver.Target, indexes []driver.IndexDescription) TableSpec {
	spec := TableSpec{Name: targetName(t), Partition: Key{Name: attrKey, Type: KeyString}}
	for _, x := range indexes {
		sort := Key{Name: attrIndexSort + x.Name, Type: KeyString}
		if x.SortKind == driver.SortNumber {
			sort.Type = KeyNumber
		}
		spec.Indexes = append(spec.Indexes, IndexSpec{
			Name:      x.Name,
			Partition: Key{Name: attrIndexPartition + x.Name, Type: KeyString},
			Sort:      &sort,
		})
	}
	return spec
}

// TableName is the full name of a table: "daybook-dev-events" for the prefix
// "daybook-dev".
func TableName(prefix string, spec TableSpec) string { return names.Join(prefix, spec.Name) }
