package dynamo

import (
	"errors"

	"daybook/events/decimal"
)

var errNumber = errors.New("a number has at most 38 significant digits and lies between 1e-130 and 1e126")

// parseNumber reads a number that DynamoDB can keep, in JSON's notation, which is
// also how DynamoDB answers.
func parseNumber(text string) (decimal.Decimal, error) {
	n, ok := decimal.Parse(text)
	if !ok || !n.Storable() {
		return decimal.Decimal{}, errNumber
	}
	return n, nil
}
