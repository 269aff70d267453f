package domain

import (
	"daybook"
	"daybook/aggregate"
	"daybook/domain/fulfilment"
	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/domain/user"
	"daybook/process"
	"daybook/view"
)

// App is the sample application.
func App() daybook.App {
	return daybook.App{Name: "daybook", Aggregates: Aggregates(), Views: Views(), Processes: Processes()}
}

// Aggregates lists the aggregates, one line each.
func Aggregates() []aggregate.Aggregate {
	return []aggregate.Aggregate{
		user.User,
		product.Product,
		order.Order,
	}
}

// Views lists the views, one line each.
func Views() []view.View {
	return []view.View{
		user.Users,
		product.Products,
		product.Categories,
		order.Orders,
		order.Sales,
	}
}

// Processes lists the process managers and outboxes, one line each.
func Processes() []process.Reactor {
	return []process.Reactor{
		fulfilment.Fulfilment,
		fulfilment.Shop,
	}
}
