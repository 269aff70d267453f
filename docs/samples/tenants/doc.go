// Package tenants is the sample of docs/tenants.md.
package tenants
