// Package cost computes the cost of an application on AWS: in capacity units, as
// measured, and in dollars, by a table of dated prices.
//
// An Installation runs the application's own commands, projections and reactions on
// the embedded DynamoDB in memory and reads what each consumed, by table and index.
// Measure does so for the example of every declared command. Bill multiplies the units
// by Counts, under Assumptions, and by Prices. ReadTrace takes the counts from logs of a
// recorded day. Designs are the figures of other ways of storing events.
//
// Units are measured. Durations and the size of logs are not: Assumptions state them.
package cost
