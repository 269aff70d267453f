// Package cost says what an application costs on AWS: in capacity units, as measured,
// and in dollars, by a table of dated prices.
//
// An Installation runs the application's own commands, projections and reactions on
// the embedded DynamoDB in memory and reads what each consumed, by table and index.
// Measure does so for the example of every declared command. A Bill multiplies the
// units by a Volume and by Prices. ReadTrace takes the volume from logs of a recorded
// day. Designs are what others' ways of storing events would consume for the same.
//
// Units are measured; durations and the size of logs are assumptions, which a Volume
// states.
package cost
