package driver

// ParkedIndex is the index of the records of parked streams, which every table
// of a view has. It costs nothing while none is parked. No declared index can
// have the name.
const ParkedIndex = "_parked"

// IndexDescription is an index as a table declares it.
type IndexDescription struct {
	Name      string
	Partition string // the partition field; "" for an index of all rows
	Sort      string // the sort field; "id" when none was declared
	SortKind  SortKind
	Shards    int // parts that each partition is spread over, at least 1
	// The stored names of the fields' normal forms, "" for values as they are:
	// see view.IndexBy.Fold.
	PartitionForm, SortForm string
}
