package domain

import (
	"fmt"

	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/domain/user"
	"daybook/events"
)

// The customers and the goods of the demo.
var (
	demoNames = [...]string{"Ada", "Boris", "Chen", "Dalia", "Emeka", "Frida", "Goran", "Hana"}
	demoGoods = [...]product.Add{
		{Name: "Desk lamp", Category: "home", Price: 3990, Currency: "EUR", Stock: 40},
		{Name: "Kettle", Category: "home", Price: 2950, Currency: "EUR", Stock: 25},
		{Name: "Teapot", Category: "home", Price: 1890, Currency: "EUR", Stock: 30},
		{Name: "Notebook", Category: "office", Price: 450, Currency: "EUR", Stock: 120},
		{Name: "Fountain pen", Category: "office", Price: 5900, Currency: "EUR", Stock: 8},
		{Name: "Backpack", Category: "travel", Price: 7900, Currency: "EUR", Stock: 12},
		{Name: "Rain jacket", Category: "travel", Price: 11900, Currency: "EUR", Stock: 6},
	}
)

// Demo returns the command of a step of the traffic that the local stack's -demo
// sends, and the id of its aggregate: customers and goods first, then orders, of which
// some are cancelled, some are handed over, and some run out of stock until goods
// arrive. run tells orders of one start from those of another. The same run and step
// give the same command.
func Demo(run string, step int) (id string, command events.Payload) {
	people, goods := len(demoNames), len(demoGoods)
	switch {
	case step < people:
		name := demoNames[step]
		return demoUser(step), user.Create{Name: name, Email: fmt.Sprintf("customer-%d@example.com", step+1)}
	case step < people+goods:
		return demoProduct(step - people), demoGoods[step-people]
	}
	n := step - people - goods
	switch dice := mix(n); {
	case n%16 == 7:
		return demoUser(dice % people), user.Rename{Name: fmt.Sprintf("%s %c.", demoNames[dice%people], 'A'+rune(dice>>8%26))}
	case n%16 == 11:
		at := dice % goods
		return demoProduct(at), product.ChangePrice{Price: demoGoods[at].Price * int64(90+dice>>8%21) / 100}
	case n%8 == 5:
		return demoProduct(dice % goods), product.Restock{Quantity: int64(5 + dice>>8%20)}
	case n%8 == 6:
		return demoOrder(run, n-4), order.Cancel{Reason: "changed my mind"}
	case n%4 == 3:
		return demoOrder(run, max(0, n-11)), order.Complete{}
	}
	return demoOrder(run, n), demoPlace(n)
}

func demoPlace(n int) order.Place {
	place := order.Place{Customer: demoUser(mix(n) % len(demoNames)), Currency: "EUR"}
	first := mix(n) >> 4 % len(demoGoods)
	for i := range 1 + mix(n)>>12%3 {
		at := (first + i) % len(demoGoods)
		place.Lines = append(place.Lines, order.Line{
			Product: demoProduct(at), Quantity: int64(1 + mix(n+i)>>16%3), Price: demoGoods[at].Price, Category: demoGoods[at].Category,
		})
	}
	return place
}

func demoUser(n int) string { return fmt.Sprintf("customer-%d", n+1) }

func demoProduct(n int) string { return fmt.Sprintf("article-%d", n+1) }

func demoOrder(run string, n int) string { return fmt.Sprintf("%s-%d", run, n) }

// mix spreads a number over 31 bits, always in the same way.
func mix(n int) int {
	x := uint64(n) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return int(x >> 33)
}
