package person

import (
	"daybook"
	"daybook/aggregate"
	"daybook/view"
)

// App is the application "people".
func App() daybook.App {
	return daybook.App{Name: "people", Aggregates: []aggregate.Aggregate{Person}, Views: []view.View{Persons}}
}

// Row is a row of the view "persons".
type Row = Registered

// Persons is the view "persons": one row per person.
var Persons = view.New[Row]("persons", "person").
	On(func(_ Row, e Registered, _ view.Meta) Row { return e }).
	Index("all", view.All())
