package functions

// Metrics returns the names of all metrics of the functions: what a dashboard
// must show. TestMetricsAreAll keeps it complete.
func Metrics() []string {
	return []string{
		MetricAccepted, MetricRejected, MetricConflicts, MetricLostAnswers, MetricReplays,
		MetricQueued, MetricLate, MetricPoison, MetricTriedAgain, MetricMessageAge,
		MetricReadUnits, MetricWriteUnits,
		MetricDuplicates, MetricGaps, MetricParked, MetricHeld, MetricMismatches, MetricProjectionLag,
		MetricCommandsSent, MetricTimersSet, MetricPublished, MetricProcessDuplicates, MetricProcessGaps,
		MetricProcessParked, MetricProcessHeld, MetricProcessRetries, MetricProcessLag,
	}
}
