// Package stock has the sample of docs/domain.md that is decided over two streams.
package stock
