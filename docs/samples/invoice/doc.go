// Package invoice has the samples of docs/domain.md that are about invoices.
package invoice
