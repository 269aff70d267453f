package testdomain

import (
	"slices"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/view"
)

// Booking is the aggregate of one booking.
var Booking = aggregate.New[BookingState]("booking").
	Event(func(BookingState, BookingPlaced) BookingState { return BookingState{Placed} }).
	Event(func(BookingState, BookingConfirmed) BookingState { return BookingState{Confirmed} }).
	Event(func(BookingState, BookingRejected) BookingState { return BookingState{Rejected} }).
	Event(func(BookingState, BookingCancelled) BookingState { return BookingState{Cancelled} }).
	Command(placeBooking, aggregate.Creates(), aggregate.Summary("Place a booking")).
	Command(func(s BookingState, _ ConfirmBooking) aggregate.Decision {
		return s.move(Confirmed, BookingConfirmed{}, Placed)
	}, aggregate.Internal()).
	Command(func(s BookingState, c RejectBooking) aggregate.Decision {
		return s.move(Rejected, BookingRejected(c), Placed)
	}, aggregate.Internal()).
	Command(func(s BookingState, c CancelBooking) aggregate.Decision {
		return s.move(Cancelled, BookingCancelled(c), Placed, Confirmed)
	})

// Status is where a booking stands.
type Status string

// The statuses. A booking that does not exist has none.
const (
	Placed    Status = "placed"
	Confirmed Status = "confirmed"
	Rejected  Status = "rejected"
	Cancelled Status = "cancelled"
)

// BookingState is what deciding about a booking needs.
type BookingState struct {
	Status Status `json:"status,omitzero"`
}

// Line is a number of seats in one course. A booking names each course once.
type Line struct {
	Course   string `json:"course" rule:"format=id"`
	Quantity int64  `json:"quantity" rule:"min=1,max=1000000"`
	Fee      int64  `json:"fee" rule:"min=0,max=1000000000000"` // minor units, each
	Area     string `json:"area,omitzero" rule:"max=100"`
}

// Events of bookings.
type (
	BookingPlaced    PlaceBooking
	BookingConfirmed struct{}
	BookingRejected  RejectBooking
	BookingCancelled CancelBooking
)

func (BookingPlaced) EventName() string    { return "booking-placed" }
func (BookingConfirmed) EventName() string { return "booking-confirmed" }
func (BookingRejected) EventName() string  { return "booking-rejected" }
func (BookingCancelled) EventName() string { return "booking-cancelled" }

// Commands to bookings.
type (
	PlaceBooking struct {
		Member   string `json:"member" rule:"format=id"`
		Currency string `json:"currency" rule:"format=iso4217"`
		Lines    []Line `json:"lines" rule:"min=1,max=100"`
	}
	ConfirmBooking struct{}
	RejectBooking  struct {
		Reason string `json:"reason" rule:"min=1,max=500,notblank"`
	}
	CancelBooking struct {
		Reason string `json:"reason" rule:"min=1,max=500,notblank"`
	}
)

func (PlaceBooking) CommandName() string   { return "place-booking" }
func (ConfirmBooking) CommandName() string { return "confirm-booking" }
func (RejectBooking) CommandName() string  { return "reject-booking" }
func (CancelBooking) CommandName() string  { return "cancel-booking" }

func placeBooking(s BookingState, c PlaceBooking) aggregate.Decision {
	if s.Status != "" {
		return aggregate.Reject("booking-already-exists", "this booking exists already")
	}
	return aggregate.Emit(BookingPlaced(c))
}

func (s BookingState) move(to Status, e events.Data, from ...Status) aggregate.Decision {
	if s.Status == "" || s.Status == to || slices.Contains(from, s.Status) {
		return change("booking", s.Status != "", s.Status == to, e)
	}
	return aggregate.Reject("booking-"+string(s.Status), "the booking is "+string(s.Status)+" already")
}

func total(lines []Line) (sum int64) {
	for _, l := range lines {
		sum = events.Add(sum, events.Multiply(l.Quantity, l.Fee))
	}
	return sum
}

// Bookings is the view "bookings": one row per booking.
var Bookings = view.New[BookingRow]("bookings", "booking").
	On(func(_ BookingRow, e BookingPlaced, m view.Meta) BookingRow {
		return BookingRow{e.Member, Placed, total(e.Lines), e.Currency, e.Lines, m.Time}
	}).
	On(func(r BookingRow, _ BookingConfirmed, _ view.Meta) BookingRow { r.Status = Confirmed; return r }).
	On(func(r BookingRow, _ BookingRejected, _ view.Meta) BookingRow { r.Status = Rejected; return r }).
	On(func(r BookingRow, _ BookingCancelled, _ view.Meta) BookingRow { r.Status = Cancelled; return r }).
	Index("by-member", view.By("member").Then("placedAt")).
	Index("by-status", view.By("status").Then("placedAt"))

// BookingRow is one booking.
type BookingRow struct {
	Member   string    `json:"member"`
	Status   Status    `json:"status"`
	Total    int64     `json:"total"` // minor units
	Currency string    `json:"currency"`
	Lines    []Line    `json:"lines"`
	PlacedAt time.Time `json:"placedAt"`
}

// Earnings is the keyed view "earnings": what was booked on each day (of UTC). A
// booking that ends contributes nothing.
var Earnings = view.NewKeyed[Earning, Earning]("earnings", "booking").
	On(func(_ Earning, e BookingPlaced, m view.Meta) Earning {
		return Earning{m.Time.UTC().Format(time.DateOnly), e.Lines[0].Area, total(e.Lines)}
	}).
	On(func(Earning, BookingRejected, view.Meta) Earning { return Earning{} }).
	On(func(Earning, BookingCancelled, view.Meta) Earning { return Earning{} }).
	Keys(func(e Earning) []string {
		if e.Day == "" {
			return nil
		}
		return []string{e.Day + ":" + e.Area}
	}).
	Put(func(r Earning, _ string, e Earning) Earning { e.Revenue = events.Add(r.Revenue, e.Revenue); return e }).
	Take(func(r Earning, _ string, e Earning) Earning {
		r.Revenue = events.Subtract(r.Revenue, e.Revenue)
		return r
	}).
	Index("by-day", view.By("day").Then("revenue")).
	Index("by-area", view.By("area").Then("day"))

// Earning is what was booked on one day in one area.
type Earning struct {
	Day     string `json:"day,omitzero"` // of UTC: 2026-01-31
	Area    string `json:"area"`         // of a booking's first line
	Revenue int64  `json:"revenue"`      // minor units
}

// Tallies is the keyed view "tallies": how many bookings stand where. All bookings
// change its few rows, which are therefore spread.
var Tallies = view.NewKeyed[Tally, BookingState]("tallies", "booking").
	On(func(_ BookingState, _ BookingPlaced, _ view.Meta) BookingState { return BookingState{Placed} }).
	On(func(_ BookingState, _ BookingConfirmed, _ view.Meta) BookingState { return BookingState{Confirmed} }).
	On(func(_ BookingState, _ BookingRejected, _ view.Meta) BookingState { return BookingState{Rejected} }).
	On(func(_ BookingState, _ BookingCancelled, _ view.Meta) BookingState { return BookingState{Cancelled} }).
	Keys(func(s BookingState) []string { return []string{string(s.Status)} }).
	Put(func(t Tally, _ string, _ BookingState) Tally { return Tally{t.Bookings + 1} }).
	Take(func(t Tally, _ string, _ BookingState) Tally { return Tally{t.Bookings - 1} }).
	Spread(4, func(a, b Tally) Tally { return Tally{a.Bookings + b.Bookings} })

// Tally is how many bookings have one status.
type Tally struct {
	Bookings int64 `json:"bookings"`
}
