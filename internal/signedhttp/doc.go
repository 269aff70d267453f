// Package signedhttp sends calls to AWS's services over HTTP: signed with Signature
// Version 4, and repeated as the AWS SDK repeats them.
//
// The SDK builds a stack of middleware for each call, which costs several times
// what signing and sending the same bytes costs. This package sends them itself and
// keeps to the SDK for the rest: credentials, the retry loop with its quota, the
// clock-skew correction and the errors' types are the SDK's own code. It knows no
// service: packages dynamo/signed, messaging and connect write the requests and read the
// answers. Only of S3 it knows how it is signed.
//
// It may import the AWS SDK's core and the standard library.
package signedhttp
