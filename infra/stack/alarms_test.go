package stack_test

import (
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"

	"daybook/functions/names"
)

func TestAlarms(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		s := tpl.Settings
		want := map[string][2]string{ // metric and threshold
			"projection-late":  {"IteratorAge", fmt.Sprint(s.LagAlarm * 1000)},
			"streams-parked":   {names.MetricParked.String(), "0"},
			"views-mismatched": {names.MetricMismatches.String(), "0"},
			"records-failed":   {"OnFailureDestinationDeliveredEventCount", "0"},
			"records-dropped":  {"DroppedEventCount", "0"},
			"failure-bucket":   {"NumberOfObjects", "0"},

			"processes-late":          {"IteratorAge", fmt.Sprint(s.LagAlarm * 1000)},
			"processes-parked":        {names.MetricProcessParked.String(), "0"},
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
		for _, table := range tpl.tableNames() {
			want[table+"-read-throttles"] = [2]string{"ReadThrottleEvents", "0"}
			want[table+"-write-throttles"] = [2]string{"WriteThrottleEvents", "0"}
		}
		for function, timeout := range map[string]float64{"command": 29, "query": 29, "projector": 120, "process": 120} {
			want[function+"-slow"] = [2]string{"Duration", fmt.Sprint(timeout * 800)}
		}
		want["api-slow"] = [2]string{"Latency", fmt.Sprint(s.LatencyAlarm)}
		if s.SilenceAlarm {
			want["commits-unread"] = [2]string{"", "0"}
		}
		if s.QuietAlarm > 0 {
			want["api-quiet"] = [2]string{"Count", fmt.Sprint(s.QuietAlarm)}
		}
		for name, w := range want {
			p := tpl.named(t, "AWS::CloudWatch::Alarm", "AlarmName", s.Prefix()+"-"+name).Properties
			if w[0] != "" {
				same(t, tpl, name+" metric", p["MetricName"], w[0])
			}
			same(t, tpl, name+" threshold", p["Threshold"], w[1])
			noData(t, tpl, name, p)
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

// noData: only the alarm on silence rings without data, and each says why it does
// or does not.
func noData(t *testing.T, tpl *template, name string, p object) {
	t.Helper()
	comparison, treatment, reason := "GreaterThanThreshold", "notBreaching", "No data is well: "
	if name == "api-quiet" {
		comparison, treatment, reason = "LessThanThreshold", "breaching", "No data rings: "
	}
	same(t, tpl, name+" comparison", p["ComparisonOperator"], comparison)
	same(t, tpl, name+" without data", p["TreatMissingData"], treatment)
	if text := tpl.text(p["AlarmDescription"]); !strings.Contains(text, reason) {
		t.Errorf("%s does not say what missing data means: %s", name, text)
	}
}

// tableNames are the names of the tables without the deployment's prefix.
func (tpl *template) tableNames() (all []string) {
	for _, id := range tpl.ids("AWS::DynamoDB::Table") {
		all = append(all, strings.TrimPrefix(tpl.text(tpl.Resources[id].Properties["TableName"]), tpl.Settings.Prefix()+"-"))
	}
	return all
}

// Silence is told from health: writes to the events table without invocations of
// the projector.
func TestSilence(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-iam")
	p := tpl.named(t, "AWS::CloudWatch::Alarm", "AlarmName", "daybook-dev-commits-unread").Properties
	used := make(map[string]string)
	for _, q := range p["Metrics"].([]any) {
		metric := at(q, "MetricStat", "Metric")
		used[tpl.text(at(metric, "MetricName"))] = tpl.text(at(metric, "Dimensions", 0, "Value"))
	}
	if used["ConsumedWriteCapacityUnits"] != "<daybook-dev-events>" || used["Invocations"] != "<daybook-dev-projector>" {
		t.Errorf("the alarm looks at %v", used)
	}
}

// Alarms look at this deployment's own resources, not at any other's.
func TestAlarmDimensions(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-iam")
	for name, want := range map[string]string{
		"projection-late":        "FunctionName=<daybook-dev-projector>",
		"streams-parked":         names.Dimension + "=daybook-dev",
		"views-mismatched":       names.Dimension + "=daybook-dev",
		"records-failed":         "EventSourceMappingUUID=<AWS::Lambda::EventSourceMapping>.Id",
		"processes-late":         "FunctionName=<daybook-dev-process>",
		"processes-parked":       names.Dimension + "=daybook-dev",
		"commands-late":          "QueueName=<daybook-dev-commands.fifo>.QueueName",
		"dead-commands":          "QueueName=<daybook-dev-dead-commands.fifo>.QueueName",
		"timers-dropped":         "ScheduleGroup=daybook-dev",
		"process-errors":         "FunctionName=<daybook-dev-process>",
		"failure-bucket":         "BucketName=<AWS::S3::Bucket>",
		"command-errors":         "FunctionName=<daybook-dev-command>",
		"query-throttles":        "FunctionName=<daybook-dev-query>",
		"command-slow":           "FunctionName=<daybook-dev-command>",
		"events-write-throttles": "TableName=<daybook-dev-events>",
		"api-slow":               "ApiId=<AWS::ApiGatewayV2::Api>",
		"projector-errors":       "FunctionName=<daybook-dev-projector>",
		"api-faults":             "ApiId=<AWS::ApiGatewayV2::Api>",
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
	if !used[names.MetricConflicts.String()] || !used[names.MetricAccepted.String()] || !used[names.MetricRejected.String()] {
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
		for _, metric := range names.Metrics() {
			if !strings.Contains(body, `"`+metric.String()+`"`) {
				t.Errorf("the dashboard lacks %s", metric)
			}
		}
	})
}
