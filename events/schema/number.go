package schema

import "daybook/events/decimal"

// number is a JSON number as it was written, compared exactly.
type number struct {
	decimal.Decimal
	text string
}

// parseNumber reads text, which follows the grammar of JSON numbers.
func parseNumber(text string) *number {
	d, _ := decimal.Parse(text)
	return &number{Decimal: d, text: text}
}
