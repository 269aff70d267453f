package testdomain

import (
	"time"

	"daybook/events"
	"daybook/process"
)

// Enrolment reserves the seats of a placed booking and confirms it, or rejects it:
// when its member may not book, seats are short, or time is up.
var Enrolment = process.New[Seats]("enrolment", "booking").
	Sends(CheckMember{}, ReserveSeats{}, ReleaseSeats{}, ConfirmBooking{}, RejectBooking{}).
	On(enrol).
	React(func(BookingConfirmed, process.Meta) process.Reaction { return process.Do(process.Cancel(timer)) }).
	On(func(s Seats, _ BookingRejected, m process.Meta) (Seats, process.Reaction) { return s.release(m) }).
	On(func(s Seats, _ BookingCancelled, m process.Meta) (Seats, process.Reaction) { return s.release(m) })

// Patience is how long a booking may stay unconfirmed.
const Patience = 15 * time.Minute

// timer is that of a booking that is not confirmed yet.
const timer = "confirmation"

// Seats is what the process manager remembers of a booking.
type Seats struct {
	Courses []string `json:"courses,omitzero"`
}

func enrol(_ Seats, e BookingPlaced, m process.Meta) (s Seats, _ process.Reaction) {
	decided := []events.Code{"booking-confirmed", "booking-rejected", "booking-cancelled"}
	reject := func(reason string) process.Command {
		return process.Send(m.ID(), RejectBooking{reason}).Unless(decided...)
	}
	rejected := func(r process.Rejection) process.Reaction { return process.Do(reject(string(r.Code) + ": " + r.ID)) }
	var reserve []process.Command
	for _, l := range e.Lines {
		s.Courses = append(s.Courses, l.Course)
		reserve = append(reserve, process.Send(l.Course, ReserveSeats{m.ID(), l.Quantity}))
	}
	return s, process.Do(
		process.After(timer, Patience, reject("not confirmed in time")),
		process.All(process.Send(e.Member, CheckMember{})).
			Then(process.All(reserve...).
				Then(process.Send(m.ID(), ConfirmBooking{}).Unless(decided...)).
				Else(rejected)).
			Else(rejected),
	)
}

func (s Seats) release(m process.Meta) (Seats, process.Reaction) {
	var release []process.Command
	for _, course := range s.Courses {
		release = append(release, process.Send(course, ReleaseSeats{m.ID()}).Unless("course-not-found"))
	}
	return Seats{}, process.Do(process.Cancel(timer), process.All(release...))
}

// Notices publishes what others want to know of bookings.
var Notices = process.NewOutbox[Known]("notices", "booking").
	Remember(func(_ Known, e BookingPlaced, _ process.Meta) Known { return Known{e.Member, total(e.Lines)} }).
	Publish("com.example.school.booking-confirmed", 1, func(k Known, _ BookingConfirmed, m process.Meta) Notice {
		return Notice{Booking: m.ID(), Known: k, At: m.Time}
	}).
	Publish("com.example.school.booking-rejected", 1, func(k Known, e BookingRejected, m process.Meta) Notice {
		return Notice{Booking: m.ID(), Known: k, Reason: e.Reason, At: m.Time}
	}).
	Publish("com.example.school.booking-cancelled", 1, func(k Known, e BookingCancelled, m process.Meta) Notice {
		return Notice{Booking: m.ID(), Known: k, Reason: e.Reason, At: m.Time}
	})

// Known is what the outbox remembers of a booking.
type Known struct {
	Member string `json:"member,omitzero"`
	Total  int64  `json:"total,omitzero"` // minor units
}

// Notice is the data of each integration event.
type Notice struct {
	Booking string    `json:"booking"`
	Known   Known     `json:"known"`
	Reason  string    `json:"reason,omitzero"`
	At      time.Time `json:"at"`
}
