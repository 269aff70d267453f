package stack_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"daybook/view"
)

type shipment struct {
	Carrier string `json:"carrier"`
	Weight  int64  `json:"weight"`
}

type shipped struct{}

func (shipped) EventName() string { return "shipped" }

func shipments(version int) *view.RowView[shipment] {
	return view.New[shipment]("shipments", "shipment").
		On(func(s shipment, _ shipped, _ view.Meta) shipment { return s }).
		Index("by-carrier", view.By("carrier")).Version(version)
}

// elevenViews and one more are as many as one policy for readers names.
func elevenViews() (all []view.View) {
	for i := range 11 {
		all = append(all, view.New[shipment](fmt.Sprint("others", i), "shipment").
			On(func(s shipment, _ shipped, _ view.Meta) shipment { return s }))
	}
	return all
}

// A view that moves to another version keeps its table while a second one is
// filled: both are in the template with permissions of their own, and nothing
// that is deployed already is replaced or taken away.
func TestViewWithAPreviousVersion(t *testing.T) {
	t.Parallel()
	needNode(t)
	synthesizing.Lock()
	defer synthesizing.Unlock()
	const context = `{"stage":"dev","authorization":"iam"}`
	before := synthDomain(t, "before", context, append(elevenViews(), shipments(1)))
	moved := shipments(2).Index("by-weight", view.By("carrier").Then("weight")).Previous(shipments(1))
	after := synthDomain(t, "after", context, append(elevenViews(), moved))

	// What CloudFormation replaces or deletes at an update: a logical id that is
	// gone, or another name, key or index. Permissions, the functions' environment
	// and what shows them may change in place.
	inPlace := []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::CloudWatch::Dashboard"}
	for id, was := range before.Resources {
		is, ok := after.Resources[id]
		switch {
		case !ok || is.Type != was.Type:
			t.Errorf("%s %s is gone", was.Type, id)
		case !slices.Contains(inPlace, was.Type) && !reflect.DeepEqual(is, was):
			t.Errorf("%s %s changes:\n%v\n%v", was.Type, id, was, is)
		}
	}
	var added []string
	for id := range maps.Keys(after.Resources) {
		if _, ok := before.Resources[id]; !ok {
			added = append(added, after.Resources[id].Type+" "+after.handle(id))
		}
	}
	slices.Sort(added)
	if want := []string{
		"AWS::CloudWatch::Alarm <daybook-dev-shipments-v2-read-throttles>", "AWS::CloudWatch::Alarm <daybook-dev-shipments-v2-write-throttles>",
		"AWS::DynamoDB::Table <daybook-dev-shipments-v2>",
	}; !slices.Equal(added, want) {
		t.Errorf("added: %v, want the table of version 2 and its alarms only", added)
	}
	for _, want := range []struct{ function, action, resource string }{
		{"query", "dynamodb:GetItem", "<daybook-dev-shipments-v1>.Arn"},
		{"query", "dynamodb:GetItem", "<daybook-dev-shipments-v2>.Arn"},
		{"query", "dynamodb:Query", "<daybook-dev-shipments-v1>.Arn/index/by-carrier"},
		{"query", "dynamodb:Query", "<daybook-dev-shipments-v2>.Arn/index/by-weight"},
		{"projector", "dynamodb:PutItem", "<daybook-dev-shipments-v1>.Arn"},
		{"projector", "dynamodb:PutItem", "<daybook-dev-shipments-v2>.Arn"},
		{"projector", "dynamodb:PutItem", "<daybook-dev-shipments-v2>.Arn-g*"},
	} {
		if !after.mayDo(want.function, want.action, want.resource) {
			t.Errorf("the %s function may not %s on %s", want.function, want.action, want.resource)
		}
	}
	if after.mayDo("query", "dynamodb:Query", "<daybook-dev-shipments-v1>.Arn/index/by-weight") {
		t.Error("the query function may query an index that version 1 does not have")
	}
}

// mayDo reports whether a statement allows a function an action on a resource.
func (tpl *template) mayDo(function, action, resource string) bool {
	return slices.ContainsFunc(tpl.statements(), func(s statement) bool {
		return s.role != "" && s.role == tpl.roleOf(function) && s.effect == "Allow" &&
			slices.Contains(s.actions, action) && slices.Contains(s.resources, resource)
	})
}
