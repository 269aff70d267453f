package events

// Integer is a whole number of any of Go's types.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Add returns a+b. Where Go would wrap around silently it panics, as Go does for
// a division by zero: in a handler of a view, a process manager or an outbox
// that parks the stream with this reason.
func Add[N Integer](a, b N) N {
	sum := a + b
	if (b >= 0) != (sum >= a) {
		panic(overflow("addition"))
	}
	return sum
}

// Subtract returns a-b and panics as Add does.
func Subtract[N Integer](a, b N) N {
	difference := a - b
	if (b >= 0) != (difference <= a) {
		panic(overflow("subtraction"))
	}
	return difference
}

// Multiply returns a*b and panics as Add does.
func Multiply[N Integer](a, b N) N {
	product := a * b
	if a != 0 && (product/a != b || product != 0 && (product < 0) != ((a < 0) != (b < 0))) {
		panic(overflow("multiplication"))
	}
	return product
}

// overflow is the panic of an operation whose result its type can't hold. It is a
// runtime.Error like that of a division by zero, and holds no data.
type overflow string

// Error says which operation it was.
func (o overflow) Error() string { return "integer overflow in " + o.article() }

// RuntimeError implements runtime.Error.
func (o overflow) RuntimeError() {}

func (o overflow) article() string {
	if o == "addition" {
		return "an addition"
	}
	return "a " + string(o)
}
