package stack_test

import (
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
	"testing"

	"daybook/functions"
	"daybook/infra/stack"
)

func TestAlarms(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		s := tpl.Settings
		want := map[string][2]string{ // metric and threshold
			"projection-late": {"IteratorAge", fmt.Sprint(s.LagAlarm * 1000)},
			"streams-parked":  {stack.Parked, "0"},
			"records-failed":  {"OnFailureDestinationDeliveredEventCount", "0"},
			"records-dropped": {"DroppedEventCount", "0"},
			"failure-bucket":  {"NumberOfObjects", "0"},

			"processes-late":          {"IteratorAge", fmt.Sprint(s.LagAlarm * 1000)},
			"processes-parked":        {stack.ParkedProcesses, "0"},
			"process-records-failed":  {"OnFailureDestinationDeliveredEventCount", "0"},
			"process-records-dropped": {"DroppedEventCount", "0"},
			"commands-late":           {"ApproximateAgeOfOldestMessage", fmt.Sprint(s.LagAlarm)},
			"dead-commands":           {"ApproximateNumberOfMessagesVisible", "0"},
			"timers-dropped":          {"InvocationDroppedCount", "0"},
			"process-errors":          {"Errors", "0"},
			"process-throttles":       {"Throttles", "0"},

			"conflicts":           {"", fmt.Sprint(s.ConflictAlarm)},
			"command-errors":      {"Errors", "0"},
			"query-errors":        {"Errors", "0"},
			"projector-errors":    {"Errors", "0"},
			"command-throttles":   {"Throttles", "0"},
			"query-throttles":     {"Throttles", "0"},
			"projector-throttles": {"Throttles", "0"},
			"api-faults":          {map[string]string{"http": "5xx", "rest": "5XXError"}[string(s.API)], "0"},
		}
		for name, w := range want {
			p := tpl.named(t, "AWS::CloudWatch::Alarm", "AlarmName", s.Prefix()+"-"+name).Properties
			if w[0] != "" {
				same(t, tpl, name+" metric", p["MetricName"], w[0])
			}
			same(t, tpl, name+" threshold", p["Threshold"], w[1])
			same(t, tpl, name+" comparison", p["ComparisonOperator"], "GreaterThanThreshold")
			same(t, tpl, name+" without data", p["TreatMissingData"], "notBreaching")
			topic := s.AlarmTopic
			if topic == "" {
				topic = "<nil>"
			}
			same(t, tpl, name+" tells", p["AlarmActions"], topic)
		}
		if got := len(tpl.ids("AWS::CloudWatch::Alarm")); got != len(want) {
			t.Errorf("%d alarms, want %d", got, len(want))
		}
	})
}

// Alarms look at this deployment's own resources, not at any other's.
func TestAlarmDimensions(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-iam")
	for name, want := range map[string]string{
		"projection-late":  "FunctionName=<daybook-dev-projector>",
		"streams-parked":   stack.Dimension + "=daybook-dev",
		"records-failed":   "EventSourceMappingUUID=<AWS::Lambda::EventSourceMapping>.Id",
		"processes-late":   "FunctionName=<daybook-dev-process>",
		"processes-parked": stack.Dimension + "=daybook-dev",
		"commands-late":    "QueueName=<daybook-dev-commands.fifo>.QueueName",
		"dead-commands":    "QueueName=<daybook-dev-dead-commands.fifo>.QueueName",
		"timers-dropped":   "ScheduleGroup=daybook-dev",
		"process-errors":   "FunctionName=<daybook-dev-process>",
		"failure-bucket":   "BucketName=<AWS::S3::Bucket>",
		"command-errors":   "FunctionName=<daybook-dev-command>",
		"query-throttles":  "FunctionName=<daybook-dev-query>",
		"projector-errors": "FunctionName=<daybook-dev-projector>",
		"api-faults":       "ApiId=<AWS::ApiGatewayV2::Api>",
	} {
		p := tpl.named(t, "AWS::CloudWatch::Alarm", "AlarmName", "daybook-dev-"+name).Properties
		got := tpl.text(at(p, "Dimensions", 0, "Name")) + "=" + tpl.text(at(p, "Dimensions", 0, "Value"))
		if got != want {
			t.Errorf("%s looks at %s, want %s", name, got, want)
		}
	}
	for name, function := range map[string]string{"records-failed": "projector", "records-dropped": "projector", "process-records-failed": "process", "process-records-dropped": "process"} {
		p := tpl.named(t, "AWS::CloudWatch::Alarm", "AlarmName", "daybook-dev-"+name).Properties
		mapping, _ := at(p, "Dimensions", 0, "Value", "Fn::GetAtt", 0).(string)
		same(t, tpl, name+" looks at the mapping of", tpl.Resources[mapping].Properties["FunctionName"], "<daybook-dev-"+function+">")
	}
	p := tpl.named(t, "AWS::CloudWatch::Alarm", "AlarmName", "daybook-dev-conflicts").Properties
	used := make(map[string]bool)
	for _, q := range p["Metrics"].([]any) {
		used[tpl.text(at(q, "MetricStat", "Metric", "MetricName"))] = true
	}
	if !used[stack.Conflicts] || !used[stack.Accepted] || !used[stack.Rejected] {
		t.Errorf("the conflict ratio is made of %v", sorted(used))
	}
}

// The dashboard shows every metric that the functions write.
func TestDashboard(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		p := tpl.only(t, "AWS::CloudWatch::Dashboard").Properties
		same(t, tpl, "name", p["DashboardName"], tpl.Settings.Prefix())
		body := tpl.text(p["DashboardBody"])
		if err := json.Unmarshal([]byte(body), new(struct {
			Widgets []any `json:"widgets"`
		})); err != nil {
			t.Errorf("the dashboard is no JSON: %v", err)
		}
		for _, metric := range stack.Metrics() {
			if !strings.Contains(body, `"`+metric+`"`) {
				t.Errorf("the dashboard lacks %s", metric)
			}
		}
	})
}

// The functions write what the alarms and the dashboard read.
func TestMetricsAreWritten(t *testing.T) {
	t.Parallel()
	if functions.Namespace != stack.Namespace || functions.Dimension != stack.Dimension {
		t.Errorf("the functions write to %s by %s, the alarms read %s by %s", functions.Namespace, functions.Dimension, stack.Namespace, stack.Dimension)
	}
	written := []string{
		functions.MetricAccepted, functions.MetricRejected, functions.MetricConflicts, functions.MetricReplays, functions.MetricReadUnits,
		functions.MetricWriteUnits, functions.MetricDuplicates, functions.MetricGaps, functions.MetricParked, functions.MetricProjectionLag, functions.MetricLostAnswers,
		functions.MetricQueued, functions.MetricLate, functions.MetricTriedAgain, functions.MetricPoison, functions.MetricMessageAge,
		functions.MetricCommandsSent, functions.MetricTimersSet, functions.MetricPublished, functions.MetricProcessParked,
		functions.MetricProcessRetries, functions.MetricProcessDuplicates, functions.MetricProcessGaps, functions.MetricProcessLag,
	}
	for _, name := range stack.Metrics() {
		if !slices.Contains(written, name) {
			t.Errorf("no function writes %s", name)
		}
	}
}
