// Package functions holds what the Lambda mains and the local stack share: the
// configuration, and a constructor for each function that wires the rooms and
// returns a handler of bytes. The mains in command, query, projector and process read the
// environment, construct, and start; the local stack constructs the same
// handlers and invokes them with the same bytes.
//
// It reaches neither the local stack nor anything that makes functions big:
// templates, net/rpc (build with -tags lambda.norpc), the AWS SDK's config
// package. A test over go list keeps it.
package functions
