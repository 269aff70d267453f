// Package endpoint knows the domains that AWS's services have in each partition:
// the one place where they are written. It imports only the standard library,
// so that functions, the command line and the CDK app can all use it; a test of
// infra/stack compares it with the facts of the CDK.
package endpoint
