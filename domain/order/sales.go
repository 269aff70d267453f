package order

import (
	"strings"
	"time"

	"daybook/events"
	"daybook/view"
)

// Sales is the keyed view "sales": what was sold of each category on each day
// (of UTC) in each currency, by the orders that were not rejected or cancelled.
// The key is "2026-01-31:EUR:books".
//
// The category is the one that the order's lines name: see ADR 9.
var Sales = view.NewKeyed[Sale, Sold]("sales", "order").
	On(func(_ Sold, e PlacedEvent, m view.Meta) Sold { return soldBy(e, m.Time) }).
	On(func(s Sold, _ RejectedEvent, _ view.Meta) Sold { s.Off = true; return s }).
	On(func(s Sold, _ CancelledEvent, _ view.Meta) Sold { s.Off = true; return s }).
	Keys(func(s Sold) []string {
		if s.Off {
			return nil
		}
		var keys []string
		for category := range s.Categories {
			keys = append(keys, saleKey(s, category))
		}
		return keys
	}).
	Put(func(r Sale, key string, s Sold) Sale {
		category := strings.TrimPrefix(key, saleKey(s, ""))
		sum := s.Categories[category]
		return Sale{s.Day, category, s.Currency, r.Orders + 1, events.Add(r.Units, sum.Units), events.Add(r.Revenue, sum.Revenue)}
	}).
	Take(func(r Sale, key string, s Sold) Sale {
		sum := s.Categories[strings.TrimPrefix(key, saleKey(s, ""))]
		r.Orders--
		r.Units, r.Revenue = events.Subtract(r.Units, sum.Units), events.Subtract(r.Revenue, sum.Revenue)
		return r
	}).
	Index("by-day", view.By("day").Then("revenue")).
	Index("by-category", view.By("category").Then("day"))

// Sale is what was sold of one category on one day in one currency.
type Sale struct {
	Day      string `json:"day"`      // of UTC: 2026-01-31
	Category string `json:"category"` // "" for lines that name none
	Currency string `json:"currency"`
	Orders   int64  `json:"orders"`
	Units    int64  `json:"units"`
	Revenue  int64  `json:"revenue"` // minor units
}

// Sold is what one order contributes.
type Sold struct {
	Day        string         `json:"day,omitzero"`
	Currency   string         `json:"currency,omitzero"`
	Categories map[string]Sum `json:"categories,omitzero"`
	Off        bool           `json:"off,omitzero"` // rejected or cancelled
}

// Sum is the part of an order that is of one category.
type Sum struct {
	Units   int64 `json:"units"`
	Revenue int64 `json:"revenue"` // minor units
}

// maxCategories is how many categories of one order are told apart. A stream
// contributes to view.MaxKeys rows at most; the lines of an order with more
// count as those that name no category.
const maxCategories = view.MaxKeys - 1

func soldBy(e PlacedEvent, at time.Time) Sold {
	s := Sold{Day: at.UTC().Format(time.DateOnly), Currency: e.Currency, Categories: map[string]Sum{}}
	for _, l := range e.Lines {
		category := l.Category
		sum, known := s.Categories[category]
		if !known && len(s.Categories) >= maxCategories {
			category = ""
			sum = s.Categories[category]
		}
		s.Categories[category] = Sum{events.Add(sum.Units, l.Quantity), events.Add(sum.Revenue, events.Multiply(l.Quantity, l.Price))}
	}
	return s
}

func saleKey(s Sold, category string) string { return s.Day + ":" + s.Currency + ":" + category }
