package stack_test

import (
	"strings"
	"testing"

	"daybook/infra/settings"
)

// Synthesizing again gives the same bytes, asset hashes included: a deployment
// without a change changes nothing.
func TestSameTwice(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, first *template) {
		if first.Name != "http-all" && first.Name != "rest-iam" {
			return // one of each kind of API tells
		}
		synthesizing.Lock()
		second := synth(t, first.Name, contextOf(t, first.Name))
		synthesizing.Unlock()
		if first.Raw != second.Raw {
			t.Error("the same settings gave another template")
		}
	})
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for text, want := range map[string]bool{
			"authorization=none":    tpl.Settings.Authorization == settings.None,
			"alarmTopic is not set": tpl.Settings.AlarmTopic == "",
			"removalPolicy=destroy": tpl.Settings.RemovalPolicy == settings.Destroy,
		} {
			if got := strings.Contains(tpl.Manifest, text); got != want {
				t.Errorf("warning %q: %t, want %t", text, got, want)
			}
		}
	})
}

// Nothing in the stack needs more than CloudFormation: no custom resources, no
// look-ups, no functions besides our own.
func TestPlainResources(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for id, r := range tpl.Resources {
			if strings.HasPrefix(r.Type, "Custom::") || r.Type == "AWS::CloudFormation::CustomResource" {
				t.Errorf("%s is a custom resource", id)
			}
		}
	})
}

// The stack can't be deleted by accident while it holds data to keep.
func TestTerminationProtection(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		got := strings.Contains(tpl.Manifest, `"terminationProtection": true`)
		if want := tpl.Settings.RemovalPolicy == settings.Retain; got != want {
			t.Errorf("termination protection: %t, want %t", got, want)
		}
	})
}
