package embedded

import "encoding/json/v2"

// operation is one request of the API.
type operation struct {
	// run carries a request out and appends its answer to out.
	run func(db *DB, body, out []byte) ([]byte, error)
	// spared says that no fault meets it: it has no part in what a deployed
	// function does.
	spared bool
}

// request is what an operation takes. check adds the violations of its
// constraints.
type request[T any] interface {
	*T
	check(c *checks)
}

// onData is an operation on items or records, which writes its answer itself:
// that is faster than by way of values.
func onData[T any, P request[T]](do func(db *DB, in P, out []byte) ([]byte, error)) operation {
	return operation{run: func(db *DB, body, out []byte) ([]byte, error) {
		in, err := decode[T, P](body)
		if err != nil {
			return nil, err
		}
		return do(db, in, out)
	}}
}

// onSchema is an operation on tables or streams themselves. Its answer is a value
// to be written as JSON, nil for an empty body.
func onSchema[T any, P request[T]](do func(db *DB, in P) (any, error)) operation {
	return operation{spared: true, run: func(db *DB, body, out []byte) ([]byte, error) {
		in, err := decode[T, P](body)
		if err != nil {
			return nil, err
		}
		answer, err := do(db, in)
		if err != nil || answer == nil {
			return nil, err
		}
		written, err := json.Marshal(answer)
		return append(out, written...), err
	}}
}

// operations are all there are, by their X-Amz-Target.
func operations() map[string]operation {
	return map[string]operation{
		targetTables + "PutItem":               onData(writeItem[*putItemRequest]),
		targetTables + "UpdateItem":            onData(writeItem[*updateItemRequest]),
		targetTables + "DeleteItem":            onData(writeItem[*deleteItemRequest]),
		targetTables + "GetItem":               onData((*DB).getItem),
		targetTables + "Query":                 onData((*DB).query),
		targetTables + "Scan":                  onData((*DB).scan),
		targetTables + "BatchGetItem":          onData((*DB).batchGetItem),
		targetTables + "BatchWriteItem":        onData((*DB).batchWriteItem),
		targetTables + "BatchExecuteStatement": onData((*DB).batchExecuteStatement),
		targetTables + "TransactWriteItems":    {run: (*DB).transactWriteItems},
		targetTables + "TransactGetItems":      onData((*DB).transactGetItems),
		targetStreams + "GetRecords":           onData((*DB).getRecords),

		targetTables + "CreateTable":               onSchema((*DB).createTable),
		targetTables + "DescribeTable":             onSchema((*DB).describeTable),
		targetTables + "UpdateTable":               onSchema((*DB).updateTable),
		targetTables + "DeleteTable":               onSchema((*DB).deleteTable),
		targetTables + "ListTables":                onSchema((*DB).listTables),
		targetTables + "UpdateTimeToLive":          onSchema((*DB).updateTimeToLive),
		targetTables + "DescribeTimeToLive":        onSchema((*DB).describeTimeToLive),
		targetTables + "UpdateContinuousBackups":   onSchema((*DB).updateContinuousBackups),
		targetTables + "DescribeContinuousBackups": onSchema((*DB).describeContinuousBackups),
		targetTables + "TagResource":               onSchema((*DB).tagResource),
		targetTables + "UntagResource":             onSchema((*DB).untagResource),
		targetTables + "ListTagsOfResource":        onSchema((*DB).listTagsOfResource),
		targetStreams + "ListStreams":              onSchema((*DB).listStreams),
		targetStreams + "DescribeStream":           onSchema((*DB).describeStream),
		targetStreams + "GetShardIterator":         onSchema((*DB).getShardIterator),
	}
}
