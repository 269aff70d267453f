// Package decimal reads, compares and writes decimal numbers exactly, however many
// digits and however large an exponent they have: the numbers of JSON, and those
// that DynamoDB stores. A number costs no more than its text.
//
// It imports the standard library only.
package decimal
