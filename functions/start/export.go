//go:build !otlp

package start

import (
	"daybook"
	"daybook/functions"
)

// export changes nothing: a function that is built without the tag otlp links no
// OpenTelemetry.
func export(daybook.App, *functions.Config) (func(functions.Handler) functions.Handler, error) {
	return func(h functions.Handler) functions.Handler { return h }, nil
}
