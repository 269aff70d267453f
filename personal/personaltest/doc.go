// Package personaltest has keys in memory, for tests.
package personaltest
