package testdomain

import (
	"maps"

	"daybook/aggregate"
	"daybook/events"
	"daybook/view"
)

// Course is the aggregate of one course and its seats.
var Course = aggregate.New[CourseState]("course").
	Event(func(_ CourseState, e CourseAdded) CourseState {
		return CourseState{Exists: true, Area: e.Area, Fee: e.Fee, Seats: e.Seats}
	}, events.Upcast(feeInCents)).
	Event(func(s CourseState, e CourseFeeChanged) CourseState { s.Fee = e.Fee; return s }).
	Event(func(s CourseState, e CourseAreaMoved) CourseState { s.Area = e.Area; return s }).
	Event(func(s CourseState, e CourseExtended) CourseState { s.Seats += e.Quantity; return s }).
	Event(func(s CourseState, e SeatsReserved) CourseState { return s.reserve(e.Booking, e.Quantity) }).
	Event(func(s CourseState, e SeatsReleased) CourseState { return s.reserve(e.Booking, -e.Quantity) }).
	Event(func(s CourseState, e SeatsMovedOut) CourseState { s.Seats -= e.Quantity; return s }).
	Event(func(s CourseState, e SeatsMovedIn) CourseState { s.Seats += e.Quantity; return s }).
	Event(func(s CourseState, _ CourseRetired) CourseState { s.Retired = true; return s }).
	Command(addCourse, aggregate.Creates(), aggregate.Summary("Add a course")).
	Command(func(s CourseState, c ChangeCourseFee) aggregate.Decision {
		return s.open(c.Fee == s.Fee, CourseFeeChanged(c))
	}).
	Command(func(s CourseState, c MoveCourseArea) aggregate.Decision {
		return s.open(c.Area == s.Area, CourseAreaMoved(c))
	}).
	Command(func(s CourseState, c ExtendCourse) aggregate.Decision { return s.open(false, CourseExtended(c)) }).
	Command(reserveSeats, aggregate.Internal()).
	Command(func(s CourseState, c ReleaseSeats) aggregate.Decision {
		return change("course", s.Exists, s.Reserved[c.Booking] == 0, SeatsReleased{c.Booking, s.Reserved[c.Booking]})
	}, aggregate.Internal()).
	Across(func(c MoveSeats) []events.Stream { return []events.Stream{events.StreamOf("course", c.To)} }, moveSeats).
	Command(func(s CourseState, _ RetireCourse) aggregate.Decision {
		return change("course", s.Exists, s.Retired, CourseRetired{})
	}, aggregate.Scope("courses:retire"))

// CourseState is what deciding about a course needs.
type CourseState struct {
	Exists   bool             `json:"exists,omitzero"`
	Retired  bool             `json:"retired,omitzero"`
	Area     string           `json:"area,omitzero"`
	Fee      int64            `json:"fee,omitzero"`
	Seats    int64            `json:"seats,omitzero"` // that can be reserved
	Reserved map[string]int64 `json:"reserved,omitzero"`
}

// Events of courses.
type (
	CourseAdded      AddCourse
	CourseFeeChanged ChangeCourseFee
	CourseAreaMoved  MoveCourseArea
	CourseExtended   ExtendCourse
	SeatsReserved    ReserveSeats
	SeatsReleased    ReserveSeats
	SeatsMovedOut    MoveSeats
	SeatsMovedIn     struct {
		From     string `json:"from"`
		Quantity int64  `json:"quantity"`
	}
	CourseRetired struct{}
)

func (CourseAdded) EventName() string      { return "course-added" }
func (CourseFeeChanged) EventName() string { return "course-fee-changed" }
func (CourseAreaMoved) EventName() string  { return "course-area-moved" }
func (CourseExtended) EventName() string   { return "course-extended" }
func (SeatsReserved) EventName() string    { return "course-seats-reserved" }
func (SeatsReleased) EventName() string    { return "course-seats-released" }
func (SeatsMovedOut) EventName() string    { return "course-seats-moved-out" }
func (SeatsMovedIn) EventName() string     { return "course-seats-moved-in" }
func (CourseRetired) EventName() string    { return "course-retired" }

// Commands to courses.
type (
	AddCourse struct {
		Name     string `json:"name" rule:"min=1,max=200,notblank"`
		Area     string `json:"area" rule:"min=1,max=100,notblank"`
		Fee      int64  `json:"fee" rule:"min=0,max=1000000000000"` // minor units
		Currency string `json:"currency" rule:"format=iso4217"`
		Seats    int64  `json:"seats" rule:"min=0,max=1000000000"`
	}
	ChangeCourseFee struct {
		Fee int64 `json:"fee" rule:"min=0,max=1000000000000"`
	}
	MoveCourseArea struct {
		Area string `json:"area" rule:"min=1,max=100,notblank"`
	}
	ExtendCourse struct {
		Quantity int64 `json:"quantity" rule:"min=1,max=1000000000"`
	}
	ReserveSeats struct {
		Booking  string `json:"booking" rule:"format=id"`
		Quantity int64  `json:"quantity" rule:"min=1,max=1000000000"`
	}
	ReleaseSeats struct {
		Booking string `json:"booking" rule:"format=id"`
	}
	MoveSeats struct {
		To       string `json:"to" rule:"format=id"`
		Quantity int64  `json:"quantity" rule:"min=1,max=1000000000"`
	}
	RetireCourse struct{}
)

func (AddCourse) CommandName() string       { return "add-course" }
func (ChangeCourseFee) CommandName() string { return "change-course-fee" }
func (MoveCourseArea) CommandName() string  { return "move-course-area" }
func (ExtendCourse) CommandName() string    { return "extend-course" }
func (ReserveSeats) CommandName() string    { return "reserve-seats" }
func (ReleaseSeats) CommandName() string    { return "release-seats" }
func (MoveSeats) CommandName() string       { return "move-seats" }
func (RetireCourse) CommandName() string    { return "retire-course" }

// courseAddedV1 is schema version 1 of CourseAdded: its fee is in whole euros.
type courseAddedV1 struct {
	Name  string `json:"name"`
	Area  string `json:"area"`
	Euros int64  `json:"euros"`
	Seats int64  `json:"seats"`
}

func feeInCents(v1 courseAddedV1) CourseAdded {
	return CourseAdded{v1.Name, v1.Area, events.Multiply(v1.Euros, 100), "EUR", v1.Seats}
}

func (s CourseState) reserve(booking string, quantity int64) CourseState {
	s.Seats -= quantity
	s.Reserved = maps.Clone(s.Reserved)
	if s.Reserved == nil {
		s.Reserved = map[string]int64{}
	}
	if s.Reserved[booking] += quantity; s.Reserved[booking] == 0 {
		delete(s.Reserved, booking)
	}
	return s
}

func addCourse(s CourseState, c AddCourse) aggregate.Decision {
	if s.Exists {
		return aggregate.Reject("course-already-exists", "this course exists already")
	}
	return aggregate.Emit(CourseAdded(c))
}

func reserveSeats(s CourseState, c ReserveSeats) aggregate.Decision {
	if already := s.Reserved[c.Booking] > 0; already || s.Seats >= c.Quantity {
		return s.open(already, SeatsReserved(c))
	}
	return s.full()
}

func moveSeats(s CourseState, c MoveSeats, o *aggregate.Others) aggregate.Decision {
	from, other := o.Meta().ID, events.StreamOf("course", c.To)
	switch to := o.State[CourseState](other); {
	case c.To == from:
		return aggregate.Reject("same-course", "the seats are that course's already")
	case !to.Exists:
		return aggregate.Reject("target-not-found", "there is no course to move the seats to")
	case s.Seats < c.Quantity:
		return s.full()
	}
	return s.open(false, SeatsMovedOut(c)).On(other, aggregate.Emit(SeatsMovedIn{From: from, Quantity: c.Quantity}))
}

func (s CourseState) full() aggregate.Decision {
	if s.Exists && !s.Retired {
		return aggregate.Reject("fully-booked", "not enough seats are free")
	}
	return s.open(false, nil)
}

func (s CourseState) open(already bool, e events.Data) aggregate.Decision {
	if s.Retired {
		return aggregate.Reject("course-retired", "this course is not given any more")
	}
	return change("course", s.Exists, already, e)
}

// Courses is the view "courses": one row per course that is given.
var Courses = view.New[CourseRow]("courses", "course").
	On(func(_ CourseRow, e CourseAdded, _ view.Meta) CourseRow {
		return CourseRow{Name: e.Name, Area: e.Area, Fee: e.Fee, Currency: e.Currency, Seats: e.Seats}
	}).
	On(func(r CourseRow, e CourseFeeChanged, _ view.Meta) CourseRow { r.Fee = e.Fee; return r }).
	On(func(r CourseRow, e CourseAreaMoved, _ view.Meta) CourseRow { r.Area = e.Area; return r }).
	On(func(r CourseRow, e CourseExtended, _ view.Meta) CourseRow { r.Seats += e.Quantity; return r }).
	On(func(r CourseRow, e SeatsReserved, _ view.Meta) CourseRow { r.Seats -= e.Quantity; return r }).
	On(func(r CourseRow, e SeatsReleased, _ view.Meta) CourseRow { r.Seats += e.Quantity; return r }).
	On(func(r CourseRow, e SeatsMovedOut, _ view.Meta) CourseRow { r.Seats -= e.Quantity; return r }).
	On(func(r CourseRow, e SeatsMovedIn, _ view.Meta) CourseRow { r.Seats += e.Quantity; return r }).
	On(func(r CourseRow, _ CourseRetired, _ view.Meta) CourseRow { r.Retired = true; return r }).
	Hide(func(r CourseRow) bool { return r.Retired }).
	Index("by-fee", view.By("area").Then("fee")).
	Index("by-name", view.By("area").Then("name"))

// CourseRow is one course.
type CourseRow struct {
	Name     string `json:"name"`
	Area     string `json:"area"`
	Fee      int64  `json:"fee"` // minor units
	Currency string `json:"currency"`
	Seats    int64  `json:"seats"`            // free
	Retired  bool   `json:"retired,omitzero"` // hides the row
}

// Areas is the keyed view "areas": how many courses an area has, and how many free
// seats they have.
var Areas = view.NewKeyed[AreaRow, CourseRow]("areas", "course").
	On(func(_ CourseRow, e CourseAdded, _ view.Meta) CourseRow {
		return CourseRow{Area: e.Area, Seats: e.Seats}
	}).
	On(func(p CourseRow, e CourseAreaMoved, _ view.Meta) CourseRow { p.Area = e.Area; return p }).
	On(func(p CourseRow, e CourseExtended, _ view.Meta) CourseRow { return p.seats(e.Quantity) }).
	On(func(p CourseRow, e SeatsReserved, _ view.Meta) CourseRow { return p.seats(-e.Quantity) }).
	On(func(p CourseRow, e SeatsReleased, _ view.Meta) CourseRow { return p.seats(e.Quantity) }).
	On(func(p CourseRow, e SeatsMovedOut, _ view.Meta) CourseRow { return p.seats(-e.Quantity) }).
	On(func(p CourseRow, e SeatsMovedIn, _ view.Meta) CourseRow { return p.seats(e.Quantity) }).
	On(func(p CourseRow, _ CourseRetired, _ view.Meta) CourseRow { p.Retired = true; return p }).
	Keys(func(p CourseRow) []string {
		if p.Area == "" || p.Retired {
			return nil
		}
		return []string{p.Area}
	}).
	Put(func(r AreaRow, _ string, p CourseRow) AreaRow {
		return AreaRow{r.Courses + 1, events.Add(r.Units, p.Seats)}
	}).
	Take(func(r AreaRow, _ string, p CourseRow) AreaRow {
		return AreaRow{r.Courses - 1, events.Subtract(r.Units, p.Seats)}
	}).
	Hide(func(r AreaRow) bool { return r.Courses == 0 }).
	Index("by-courses", view.All().Then("courses"))

func (p CourseRow) seats(more int64) CourseRow { p.Seats = events.Add(p.Seats, more); return p }

// AreaRow is one area.
type AreaRow struct {
	Courses int64 `json:"courses"`
	Units   int64 `json:"units"` // free seats
}
