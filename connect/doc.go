// Package connect reaches an installation on DynamoDB and SQS, on AWS or on one
// machine, for programs that inspect and operate it: the sources of package
// inspect, and the dead letters of the command queue.
package connect
