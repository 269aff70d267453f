// Package schema derives from a Go type, by its fields and their rule tags, both
// the JSON Schema that describes its JSON and the validation of it, so that the
// two can't differ.
//
// # Types
//
// Structs (exported fields, each with a json name; embedded structs are
// flattened), strings, bools, integers, floats, time.Time (RFC 3339), slices,
// maps with string keys, pointers to these, and jsontext.Value for any JSON.
// Named types count as what they are made of, unless they write their own JSON.
// Anything else, and a type that contains itself, is an error when the schema is
// made.
//
// A field is required unless it is a pointer, its json tag has omitempty or
// omitzero, or its rule says optional. A pointer and a jsontext.Value may be null;
// nothing else may.
//
// # Rules
//
// Rules stand in the rule tag of a field, separated by commas:
//
//	required        the member must be there (a pointer's too)
//	optional        the member may be left out, which gives the zero value
//	min=N, max=N    a string's characters, a number's value, a slice's or a
//	                map's length; both ends belong to it
//	notblank        a string has a character that is not white space
//	format=F        a string is an email, uri, uuid, date-time, iso4217 (an
//	                active currency code) or id (of an aggregate)
//	enum=a|b|c      a string or an integer is one of these
//	unique          a slice of strings, bools or numbers holds none twice
//	each.RULE       the rule holds for each element of a slice or map
//	pattern=RE      a string matches; it is last, as it may hold commas. It is
//	                Go syntax and must mean the same in ECMA-262, so what only
//	                one of the two knows is refused. It is not anchored.
//
// Two more tags are for the description only: doc is a sentence about the
// field, example a value of it (a string as it is, anything else as JSON).
//
// # Numbers
//
// As in JSON Schema, an integer is a number without a fraction, however it is
// written: 100, 1e2 and 100.0 are the same. Integers are exact over all 64 bits;
// one that does not fit its Go type is a violation, never a rounded value.
//
// It imports package events and the standard library. Making a schema costs
// microseconds: patterns are parsed then, but compiled when first used.
package schema
