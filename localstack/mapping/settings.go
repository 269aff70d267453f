package mapping

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxPayload is the largest event in bytes that a function is invoked with:
// Lambda's quota for synchronous invocations (6 MB).
const MaxPayload = 6 * 1024 * 1024

// Settings are the parameters of an event source mapping. The names are those
// of CreateEventSourceMapping, shortened.
type Settings struct {
	// BatchSize is the largest number of records in a batch, 1 to 10,000.
	BatchSize int
	// BatchingWindow is how long to gather records for a batch that is not
	// full, 0 to 300 seconds. With 0 a batch goes as soon as it has a record.
	BatchingWindow time.Duration
	// MaximumRetryAttempts is how often a failed batch is retried, 0 to
	// 10,000; -1 retries until the records expire.
	MaximumRetryAttempts int
	// MaximumRecordAge discards records older than this, 60 seconds to 7 days;
	// -1 never does.
	MaximumRecordAge time.Duration
	// BisectBatchOnFunctionError splits a failed batch in two. Splitting does
	// not consume retry attempts.
	BisectBatchOnFunctionError bool
	// ReportBatchItemFailures lets the function name the records it failed at.
	ReportBatchItemFailures bool
	// EventNames delivers only records of these names (INSERT, MODIFY, REMOVE),
	// as the filter pattern {"eventName":["INSERT"]} does; empty delivers all.
	EventNames []string
	// Timeout is the function's time-out: an invocation that takes longer has
	// failed. Lambda's limit is 15 minutes.
	Timeout time.Duration
}

// DefaultSettings are Lambda's defaults, with partial failures and bisection on
// and the time-out at 60 seconds.
func DefaultSettings() Settings {
	return Settings{
		BatchSize:                  100,
		MaximumRetryAttempts:       -1,
		MaximumRecordAge:           -1,
		BisectBatchOnFunctionError: true,
		ReportBatchItemFailures:    true,
		Timeout:                    time.Minute,
	}
}

// AppSettings are those of the CDK app's mappings of the events table's stream: new
// commits only, 20 retries, bisected, partial failures reported. But for the records'
// age: a machine that slept for a day must not lose what it had to do.
func AppSettings() Settings {
	s := DefaultSettings()
	s.EventNames = []string{"INSERT"}
	s.MaximumRetryAttempts = 20
	s.Timeout = 2 * time.Minute
	return s
}

// Validate returns an error that names every setting outside Lambda's limits.
func (s Settings) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(s.BatchSize >= 1 && s.BatchSize <= 10_000, "batch size %d is not within 1 to 10000", s.BatchSize)
	check(s.BatchingWindow >= 0 && s.BatchingWindow <= 300*time.Second, "batching window %s is not within 0s to 300s", s.BatchingWindow)
	check(s.MaximumRetryAttempts >= -1 && s.MaximumRetryAttempts <= 10_000, "maximum retry attempts %d are not within -1 to 10000", s.MaximumRetryAttempts)
	check(s.MaximumRecordAge == -1 || s.MaximumRecordAge >= time.Minute && s.MaximumRecordAge <= 7*24*time.Hour,
		"maximum record age %s is neither -1 nor within 60s to 604800s", s.MaximumRecordAge)
	check(s.Timeout > 0 && s.Timeout <= 15*time.Minute, "time-out %s is not within 0 to 15 minutes", s.Timeout)
	for _, name := range s.EventNames {
		check(slices.Contains([]string{"INSERT", "MODIFY", "REMOVE"}, name), "%q is not an event name of a DynamoDB stream", name)
	}
	return errors.Join(errs...)
}

// wants reports whether the filter lets a record through.
func (s Settings) wants(r Record) bool {
	return len(s.EventNames) == 0 || slices.Contains(s.EventNames, r.EventName)
}
