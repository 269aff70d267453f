package testdomain_test

import (
	"flag"
	"testing"
	"time"

	"daybook/aggregate/aggregatetest"
	"daybook/daybooktest"
	"daybook/events"
	"daybook/internal/testdomain"
)

var _ = flag.Bool("update", false, "write missing golden files")

// The suites compare what is stored: it is as the golden files say.
func TestWhatIsStored(t *testing.T) {
	t.Parallel()
	daybooktest.Golden(t, testdomain.Aggregates(), testdomain.Views())
	if err := testdomain.App().Check(); err != nil {
		t.Error(err)
	}
}

var (
	ann   = testdomain.MemberCreated{Name: "Ann", Email: "ann@example.com"}
	chess = testdomain.CourseAdded{Name: "Chess", Area: "games", Fee: 1990, Currency: "EUR", Seats: 3}
	lines = []testdomain.Line{{Course: "chess", Quantity: 2, Fee: 1990, Area: "games"}}
	place = testdomain.PlaceBooking{Member: "ann", Currency: "EUR", Lines: lines}
)

func given(t *testing.T) *daybooktest.Scenario {
	t.Helper()
	return daybooktest.Given(t, testdomain.App()).Stream("member/ann", ann).Stream("course/chess", chess)
}

func TestMembers(t *testing.T) {
	t.Parallel()
	s := given(t)
	s.When("member/ann", testdomain.CreateMember{Name: "Ann", Email: "x@example.com"}).ThenRejected("member-already-exists")
	s.When("member/eve", testdomain.RenameMember{Name: "Eve"}).ThenRejected("member-not-found")
	s.When("member/ann", testdomain.RenameMember{Name: "Ann"}).Then()
	s.When("member/ann", testdomain.ChangeMemberEmail{Email: "Ann@example.org"}).Then(testdomain.MemberEmailChanged{Email: "Ann@example.org"})
	s.When("member/ann", testdomain.DeactivateMember{}).Then(testdomain.MemberDeactivated{}).
		ThenRow("members", "ann", testdomain.MemberRow{Name: "Ann", Email: "Ann@example.org"})
	s.When("member/ann", testdomain.RenameMember{Name: "Anna"}).ThenRejected("member-inactive")
	s.When("member/ann", testdomain.ReactivateMember{}).Then(testdomain.MemberReactivated{})

	held := func(email string) events.Claim { return events.Claim{Name: testdomain.EmailClaim, Value: email} }
	aggregatetest.Given(t, testdomain.Member, ann).When(testdomain.ChangeMemberEmail{Email: "Ann@Example.org"}).
		ThenClaims(held("ann@example.org")).ThenReleases(held("ann@example.com"))
}

func TestCourses(t *testing.T) {
	t.Parallel()
	s := given(t)
	s.When("course/go", testdomain.AddCourse{Name: "Go", Area: "games", Seats: 1, Currency: "EUR"}).
		ThenRow("areas", "games", testdomain.AreaRow{Courses: 2, Units: 4})
	s.When("course/chess", testdomain.MoveSeats{To: "go", Quantity: 4}).ThenRejected("fully-booked")
	s.When("course/chess", testdomain.MoveSeats{To: "chess", Quantity: 1}).ThenRejected("same-course")
	s.When("course/chess", testdomain.MoveSeats{To: "go", Quantity: 2}).
		Then(testdomain.SeatsMovedOut{To: "go", Quantity: 2}).
		ThenOn("course/go", testdomain.SeatsMovedIn{From: "chess", Quantity: 2}).
		ThenRow("areas", "games", testdomain.AreaRow{Courses: 2, Units: 4})
	s.When("course/chess", testdomain.MoveCourseArea{Area: "sports"}).
		ThenRow("areas", "games", testdomain.AreaRow{Courses: 1, Units: 3}).
		ThenRow("areas", "sports", testdomain.AreaRow{Courses: 1, Units: 1})
	s.When("course/chess", testdomain.RetireCourse{}).Then(testdomain.CourseRetired{}).
		ThenNoRow("areas", "sports").ThenNoRow("courses", "chess")
	s.When("course/chess", testdomain.ExtendCourse{Quantity: 1}).ThenRejected("course-retired")
}

func TestBookings(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 7, 0, time.UTC)
	row := testdomain.BookingRow{Member: "ann", Status: testdomain.Confirmed, Total: 3980, Currency: "EUR", Lines: lines, PlacedAt: at}
	reserve := testdomain.ReserveSeats{Booking: "7", Quantity: 2}
	notice := testdomain.Notice{Booking: "7", Known: testdomain.Known{Member: "ann", Total: 3980}, At: at}
	s := given(t).When("booking/7", place).RunProcesses().
		Then(testdomain.BookingPlaced(place), testdomain.BookingConfirmed{}).
		ThenSends("course/chess", reserve).
		ThenOn("course/chess", testdomain.SeatsReserved(reserve)).
		ThenRow("bookings", "7", row).
		ThenRow("tallies", "confirmed", testdomain.Tally{Bookings: 1}).
		ThenRow("earnings", "2026-01-02:games", testdomain.Earning{Day: "2026-01-02", Area: "games", Revenue: 3980}).
		ThenPublishes("com.example.school.booking-confirmed.v1", notice)

	s.When("booking/8", place).RunProcesses().
		Then(testdomain.BookingPlaced(place), testdomain.BookingRejected{Reason: "fully-booked: chess"}).
		ThenRow("tallies", "rejected", testdomain.Tally{Bookings: 1})
	s.When("booking/7", testdomain.CancelBooking{Reason: "ill"}).RunProcesses().
		Then(testdomain.BookingCancelled{Reason: "ill"}).
		ThenOn("course/chess", testdomain.SeatsReleased{Booking: "7", Quantity: 2}).
		ThenNoRow("earnings", "2026-01-02:games").
		When("booking/7", testdomain.ConfirmBooking{}).ThenRejected("booking-cancelled")
}

// The timer of a booking that nobody confirms fires.
func TestBookingTimesOut(t *testing.T) {
	t.Parallel()
	daybooktest.Given(t, testdomain.App()).Stream("booking/7", testdomain.BookingPlaced(place)).
		WhenEvents("member/ann", ann).
		After(testdomain.Patience-3*time.Second).ThenOn("booking/7").
		After(2*time.Second).ThenOn("booking/7", testdomain.BookingRejected{Reason: "not confirmed in time"})
}
