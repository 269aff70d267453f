package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// field is one setting: how it is called, what it is by default, and how its
// text becomes a value. Name is its key in the CDK's context.
type field struct {
	name    string
	initial string // default, as text; "" is unset
	allowed string // for the table: what the text may be
	meaning string
	set     func(s *Settings, text string) error
	// production is the default of the profile production, if it has another.
	production string
}

// in gives the field another default in the profile production.
func (f field) in(production string) field {
	f.production = production
	return f
}

// byDefault is the field's default in a profile.
func (f field) byDefault(p Profile) string {
	if p == Production && f.production != "" {
		return f.production
	}
	return f.initial
}

// env is the name of the environment variable: DAYBOOK_DEPLOY_LOG_LEVEL for
// logLevel.
func (f field) env() string {
	var b strings.Builder
	b.WriteString(envPrefix)
	for _, r := range f.name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// text is a setting that match decides on, if it is not empty.
func text(at func(*Settings) *string, match func(string) bool, want string) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if v != "" && !match(v) {
			return fmt.Errorf("%q is not %s", v, want)
		}
		*at(s) = v
		return nil
	}
}

// choice is a setting with a fixed set of values.
func choice[T ~string](at func(*Settings) *T, values ...T) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if !slices.Contains(values, T(v)) {
			return fmt.Errorf("%q is not one of %s", v, join(values, ", "))
		}
		*at(s) = T(v)
		return nil
	}
}

// number is a setting from low to high.
func number(at func(*Settings) *int, low, high int) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is not a whole number from %d to %d", v, low, high)
		}
		*at(s) = n
		return nil
	}
}

// oneOf is a number that only a few values fit.
func oneOf(at func(*Settings) *int, values ...int) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || !slices.Contains(values, n) {
			return fmt.Errorf("%q is not one of %s", v, strings.Trim(fmt.Sprint(values), "[]"))
		}
		*at(s) = n
		return nil
	}
}

// yes is a setting that is true or false.
func yes(at func(*Settings) *bool) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if v != "true" && v != "false" {
			return fmt.Errorf("%q is neither true nor false", v)
		}
		*at(s) = v == "true"
		return nil
	}
}

// list is a setting of values with commas in between.
func list(at func(*Settings) *[]string, match func(string) bool, want string) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		*at(s) = nil
		for part := range strings.SplitSeq(v, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			if !match(part) {
				return fmt.Errorf("%q is not %s", part, want)
			}
			*at(s) = append(*at(s), part)
		}
		return nil
	}
}

func join[T ~string](values []T, sep string) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(string(v))
	}
	return b.String()
}
