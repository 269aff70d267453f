// Package attr holds DynamoDB's attribute values: their types, the wire JSON,
// the size rule, equality and order, exact numbers, a compact storage form and
// an order-preserving form for keys.
//
// It validates as DynamoDB does and answers with DynamoDB's own texts. Values
// are immutable once built and safe for concurrent use.
//
// It imports the standard library alone and knows neither tables nor
// expressions.
package attr
