// Package expr parses, validates and runs DynamoDB's expressions: condition,
// filter, key-condition, projection and update expressions.
//
// A request makes one Usage of its #names and :values, parses each of its
// expressions with it, and then asks Usage.Unused for placeholders that no
// expression used. All of DynamoDB's static checks are done by parsing, with
// DynamoDB's messages, so a bad expression is refused whatever the item is.
// Errors are *attr.ValidationError.
//
// A parsed expression is immutable and safe for concurrent use. A Usage is not.
//
// The package imports attr and the standard library. It knows no tables; what
// depends on a key schema is asked for by the engine (Attributes, Nested,
// KeyCondition.Bind).
package expr
