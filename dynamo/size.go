package dynamo

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// Sizes and units as DynamoDB bills them (Developer Guide, "DynamoDB item sizes
// and formats" and "DynamoDB read and write operations"). Bytes.
const (
	maxItemSize      = 400 * 1024 // an item, attribute names included
	maxPartitionSize = 2048       // the value of a partition key
	maxSortSize      = 1024       // the value of a sort key
	writeUnitSize    = 1024       // one write unit, begun
	readUnitSize     = 4096       // one strongly consistent read unit, begun
)

// writeUnits is the number of write units that writing an item of size bytes
// costs in one table, outside a transaction.
func writeUnits(size int) int { return max(1, (size+writeUnitSize-1)/writeUnitSize) }

// itemSize is the size of an item in bytes: the UTF-8 lengths of the names and
// the sizes of the values.
func itemSize(item map[string]types.AttributeValue) int {
	size := 0
	for name, v := range item {
		size += len(name) + valueSize(v)
	}
	return size
}

// pairsSize is itemSize of pairs.
func pairsSize(item []pair) int {
	size := 0
	for _, p := range item {
		size += len(p.name) + valueSize(p.value)
	}
	return size
}

// valueSize is the size of one attribute value in bytes. A list or map has 3
// bytes and 1 for each of its elements on top of what they hold.
func valueSize(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberL:
		size := 3
		for _, e := range v.Value {
			size += 1 + valueSize(e)
		}
		return size
	case *types.AttributeValueMemberM:
		size := 3
		for name, e := range v.Value {
			size += 1 + len(name) + valueSize(e)
		}
		return size
	}
	return 1 // BOOL and NULL; Daybook writes no sets
}

// numberSize is the size of a number in bytes, see decimal.Decimal.StoredSize.
func numberSize(text string) int {
	n, err := parseNumber(text)
	if err != nil {
		return len(text)
	}
	return n.StoredSize()
}
