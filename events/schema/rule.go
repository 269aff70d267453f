package schema

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

type rule struct{ name, value string }

func (r rule) String() string {
	if r.value == "" {
		return r.name
	}
	return r.name + "=" + r.value
}

// parseRules splits a rule tag. A pattern takes all that is left of it.
func parseRules(tag string) (rules []rule, err error) {
	for tag != "" {
		text, rest, _ := strings.Cut(tag, ",")
		name, value, _ := strings.Cut(text, "=")
		if name == "pattern" || strings.HasSuffix(name, ".pattern") {
			_, value, _ = strings.Cut(tag, "=")
			rest = ""
		}
		r := rule{name: strings.TrimSpace(name), value: value}
		if slices.ContainsFunc(rules, func(q rule) bool { return q.name == r.name }) {
			return nil, fmt.Errorf("rule %q is given twice", r.name)
		}
		rules = append(rules, r)
		tag = rest
	}
	return rules, nil
}

// applyAll puts the rules of a field into s and returns whether the field is
// required; by is what its type says.
func (s *Schema) applyAll(rules []rule, by bool) (required bool, err error) {
	required = by
	var said []string
	for _, r := range rules {
		switch r.name {
		case "required", "optional":
			required = r.name == "required"
			said = append(said, r.name)
			if r.value != "" {
				return false, fmt.Errorf("rule %q takes no value", r.name)
			}
			continue
		}
		if err := s.apply(r); err != nil {
			return false, fmt.Errorf("rule %q: %w", r, err)
		}
	}
	if len(said) > 1 {
		return false, errors.New("a field is required or optional, not both")
	}
	return required, s.consistent()
}

var errKind = errors.New("does not fit the type of the field")

func (s *Schema) apply(r rule) error {
	if name, ok := strings.CutPrefix(r.name, "each."); ok {
		if s.elem == nil {
			return errKind
		}
		if err := s.elem.apply(rule{name: name, value: r.value}); err != nil {
			return err
		}
		return s.elem.consistent()
	}
	switch r.name {
	case "min", "max":
		return s.applyBound(r)
	case "enum":
		return s.applyEnum(r.value)
	case "unique", "notblank":
		return s.applyFlag(r)
	case "format", "pattern":
		return s.applyText(r)
	}
	return errors.New("unknown rule")
}

func (s *Schema) applyBound(r rule) error {
	if s.kind == kindInteger || s.kind == kindNumber {
		n, err := ruleNumber(r.value)
		low, high := bounds(s.goType())
		switch {
		case err != nil:
			return err
		case s.kind == kindInteger && !n.IsInteger():
			return errors.New("needs a whole number")
		case n.Compare(low.Decimal) < 0 || n.Compare(high.Decimal) > 0:
			return errors.New("is out of the range of the type")
		case r.name == "min":
			s.min = n
		default:
			s.max = n
		}
		return nil
	}
	if s.kind != kindString && s.kind != kindArray && s.kind != kindMap {
		return errKind
	}
	n, err := strconv.Atoi(r.value)
	if err != nil || n < 0 {
		return errors.New("needs a whole number from 0")
	}
	if r.name == "min" {
		s.minLen = n
	} else {
		s.maxLen = n
	}
	return nil
}

func ruleNumber(text string) (*number, error) {
	v := jsontext.Value(text)
	if !v.IsValid() || v.Kind() != '0' || strings.TrimSpace(text) != text {
		return nil, errors.New("needs a number as JSON writes it")
	}
	return parseNumber(text), nil
}

func (s *Schema) applyEnum(value string) error {
	if s.kind != kindString && s.kind != kindInteger {
		return errKind
	}
	s.enum = strings.Split(value, "|")
	for i, v := range s.enum {
		if v == "" {
			return errors.New("has an empty value")
		}
		if slices.Contains(s.enum[:i], v) {
			return fmt.Errorf("has %q twice", v)
		}
		if s.kind != kindInteger {
			continue
		}
		n, err := ruleNumber(v)
		if err != nil || !n.IsInteger() || n.Compare(s.min.Decimal) < 0 || n.Compare(s.max.Decimal) > 0 {
			return fmt.Errorf("%q is not a value of the type", v)
		}
		s.enum[i] = n.String()
	}
	return nil
}

func (s *Schema) applyFlag(r rule) error {
	if r.value != "" {
		return errors.New("takes no value")
	}
	if r.name == "notblank" {
		if s.kind != kindString {
			return errKind
		}
		s.notBlank = true
		return nil
	}
	if s.kind != kindArray || s.elem.nullable {
		return errKind
	}
	switch s.elem.kind { // scalars
	case kindString, kindBool, kindInteger, kindNumber:
		s.unique = true
		return nil
	}
	return errKind
}

func (s *Schema) applyText(r rule) (err error) {
	if s.kind != kindString {
		return errKind
	}
	if r.name == "pattern" {
		s.pattern, err = newPattern(r.value)
		return err
	}
	f, ok := formats[r.value]
	if !ok {
		return errors.New("unknown format")
	}
	s.format = f
	return nil
}

// consistent reports rules that no value can follow, or that say the same.
func (s *Schema) consistent() error {
	switch {
	case s.maxLen >= 0 && s.minLen > s.maxLen:
		return fmt.Errorf("min=%d is over max=%d", s.minLen, s.maxLen)
	case s.min != nil && s.min.Compare(s.max.Decimal) > 0:
		return fmt.Errorf("min=%s is over max=%s", s.min.text, s.max.text)
	case s.enum != nil && s.format != nil:
		return errors.New("a field has an enum or a format, not both")
	}
	return nil
}
