package async_test

import (
	"reflect"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/async"
)

// TestConditionSurvivesTheQueue: a queued command asks what its request asked.
func TestConditionSurvivesTheQueue(t *testing.T) {
	t.Parallel()
	for _, c := range []aggregate.Condition{
		{}, {Exists: true}, {In: []int64{}}, {In: []int64{1, 3}}, {NotIn: []int64{2}},
	} {
		message, err := async.Envelope{Command: aggregate.Command{
			Name: "rename-user", ID: "7", CommandID: "c", Condition: c,
		}}.Message("user/7")
		if err != nil {
			t.Fatal(err)
		}
		// An older program must refuse a condition, not drop it.
		if first := strings.HasPrefix(string(message.Body), `{"v":1,`); first != c.IsZero() {
			t.Errorf("%s: version 1 is %v, want %v", message.Body, first, c.IsZero())
		}
		got, err := async.Decode([]byte(message.Body))
		if err != nil || !reflect.DeepEqual(got.Command.Condition, c) {
			t.Errorf("%s: got %+v, want %+v: %v", message.Body, got.Command.Condition, c, err)
		}
	}
}
