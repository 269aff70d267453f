package testdomain

import (
	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/process"
	"daybook/view"
)

// App is the application.
func App() daybook.App {
	return daybook.App{Name: "school", Aggregates: Aggregates(), Views: Views(), Processes: Processes()}
}

// Aggregates lists the aggregates.
func Aggregates() []aggregate.Aggregate { return []aggregate.Aggregate{Member, Course, Booking} }

// Views lists the views.
func Views() []view.View { return []view.View{Members, Courses, Areas, Bookings, Earnings, Tallies} }

// Processes lists the process manager and the outbox.
func Processes() []process.Reactor { return []process.Reactor{Enrolment, Notices} }

// change emits e on a stream that exists, unless what it says is so already.
func change(kind string, exists, already bool, e events.Data) aggregate.Decision {
	switch {
	case !exists:
		return aggregate.Reject(kind+"-not-found", "there is no such "+kind)
	case already:
		return aggregate.Nothing()
	}
	return aggregate.Emit(e)
}
