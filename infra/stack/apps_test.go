package stack_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"daybook"
	"daybook/internal/testdomain"
)

// physical are the properties that name a resource in an account and region.
var physical = []string{
	"TableName", "FunctionName", "QueueName", "LogGroupName", "AlarmName", "DashboardName", "BucketName", "RoleName", "PolicyName",
	"ManagedPolicyName", "AliasName", "BackupVaultName", "ApiName", "Name",
}

// inner are the types whose names are unique within another resource only: a
// function, a role, an API.
var inner = []string{"AWS::Lambda::Alias", "AWS::IAM::Policy", "AWS::ApiGateway::Authorizer", "AWS::ApiGatewayV2::Authorizer"}

// names are the physical names in a template, by type and property.
func (tpl *template) names() map[string]bool {
	all := map[string]bool{}
	for _, r := range tpl.Resources {
		for _, property := range physical {
			v, ok := r.Properties[property]
			if !ok || slices.Contains(inner, r.Type) {
				continue
			}
			if text := tpl.text(v); !strings.HasPrefix(text, "<") {
				all[r.Type+" "+property+" "+text] = true
			}
		}
	}
	return all
}

// Two applications live in one account, region and stage: their stacks share no
// physical name, and nothing is exported under a fixed one.
func TestTwoApplications(t *testing.T) {
	t.Parallel()
	for _, name := range variantNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needNode(t)
			context := contextOf(t, name)
			sample, other := variant(t, name), otherApp(t, name, context)
			names := sample.names()
			if len(names) < 8 || len(other.names()) != len(names) {
				t.Fatalf("%d names in one, %d in the other", len(names), len(other.names()))
			}
			for shared := range other.names() {
				if names[shared] {
					t.Errorf("both have %s", shared)
				}
			}
			for _, tpl := range []*template{sample, other} {
				for _, id := range slices.Sorted(maps.Keys(tpl.Outputs)) {
					if export := tpl.Outputs[id]["Export"]; export != nil {
						t.Errorf("output %s is exported: %v", id, export)
					}
				}
			}
			if app := (daybook.App{Name: "daybook"}); strings.Contains(other.Raw, `"`+app.Title()+`"`) || strings.Contains(other.Raw, app.Prefix(other.Settings.Stage)) {
				t.Errorf("the template of another application names %s", app.Title())
			}
		})
	}
}

// otherApp is the template of the same declarations under another name.
func otherApp(t *testing.T, name, context string) *template {
	t.Helper()
	synthesizing.Lock()
	defer synthesizing.Unlock()
	return synthApp(t, name, context, nil, daybook.App{Name: "bank", Views: testdomain.Views(), Processes: following()})
}
