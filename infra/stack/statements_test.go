package stack_test

import (
	"fmt"
	"slices"
	"strings"
)

// statement is one statement of a policy anywhere in a template.
type statement struct {
	where      string // the resource that has it, by type and logical id
	role       string // logical id of the role it is for, if it is an inline policy
	kind       string // type of the resource
	sid        string
	effect     string
	actions    []string
	resources  []string
	principals string
	condition  any
	raw        any
}

func (s statement) String() string {
	return fmt.Sprintf("%s %s: %s on %s", s.where, s.sid, strings.Join(s.actions, " "), strings.Join(s.resources, " "))
}

// documents are the properties that hold policies.
var documents = []string{"PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy", "Policy", "ResourcePolicy", "AccessPolicy"}

// statements are all statements of all policies of a template.
func (tpl *template) statements() []statement {
	var all []statement
	for _, id := range sorted(tpl.Resources) {
		r := tpl.Resources[id]
		role := ""
		if r.Type == "AWS::IAM::Policy" {
			role = at(r.Properties, "Roles", 0, "Ref").(string)
		}
		for _, property := range documents {
			list, _ := at(r.Properties, property, "Statement").([]any)
			for _, s := range list {
				all = append(all, tpl.statement(r.Type+" "+id+" "+property, role, r.Type, s))
			}
		}
		inline, _ := r.Properties["Policies"].([]any)
		for _, p := range inline {
			list, _ := at(p, "PolicyDocument", "Statement").([]any)
			for _, s := range list {
				all = append(all, tpl.statement(r.Type+" "+id+" Policies", id, r.Type, s))
			}
		}
	}
	return all
}

func (tpl *template) statement(where, role, kind string, v any) statement {
	s := statement{
		where: where, role: role, kind: kind, effect: tpl.text(at(v, "Effect")),
		actions: tpl.texts(at(v, "Action")), principals: tpl.text(at(v, "Principal")), condition: at(v, "Condition"), raw: v,
	}
	if sid, ok := at(v, "Sid").(string); ok {
		s.sid = sid
	}
	if r := at(v, "Resource"); r != nil {
		s.resources = tpl.texts(r)
	}
	slices.Sort(s.actions)
	slices.Sort(s.resources)
	return s
}

// roleOf is the logical id of a function's role.
func (tpl *template) roleOf(function string) string {
	for _, id := range tpl.ids("AWS::Lambda::Function") {
		p := tpl.Resources[id].Properties
		if p["FunctionName"] == tpl.Settings.Prefix()+"-"+function {
			return at(p, "Role", "Fn::GetAtt", 0).(string)
		}
	}
	return ""
}

// grants are the statements of a function's role, one line each: sid, actions,
// resources.
func (tpl *template) grants(function string) []string {
	var all []string
	for _, s := range tpl.statements() {
		if s.role != "" && s.role == tpl.roleOf(function) {
			all = append(all, fmt.Sprintf("%s %s: %s on %s", s.effect, s.sid, strings.Join(s.actions, " "), strings.Join(s.resources, " ")))
		}
	}
	slices.Sort(all)
	return all
}
