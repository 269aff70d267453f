// Package clients has the scripts that generate clients from the OpenAPI
// description, compile them and call the local stack with them, the programs that
// use the clients (testdata), and the linters of the description. Its tests hold
// docs/clients.md to what the scripts run.
package clients
