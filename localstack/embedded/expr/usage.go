package expr

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"daybook/localstack/embedded/attr"
)

// Limits of expressions, from AWS's "Service, account, and table quotas".
const (
	maxExpression  = 4096 // bytes of an expression
	maxOperators   = 300  // operators and functions in an expression
	maxIn          = 100  // operands of IN
	maxPlaceholder = 255  // bytes of a #name or :value
	maxListIndex   = 1<<31 - 1
)

// Params are the placeholders of a request: its ExpressionAttributeNames and
// ExpressionAttributeValues, with their # and :. A nil map was not sent.
type Params struct {
	Names  map[string]string
	Values map[string]attr.Value
}

// ParseValues reads the JSON of ExpressionAttributeValues. A refused value is a
// *attr.ValidationError that names its placeholder.
func ParseValues(json []byte) (map[string]attr.Value, error) {
	values, err := attr.ParseItem(json)
	if refused, ok := err.(*attr.ValidationError); ok {
		return nil, invalid("ExpressionAttributeValues contains invalid value: " + refused.Message +
			" for key " + refused.Name)
	}
	return values, err
}

// Usage notes which placeholders the expressions of one request use.
type Usage struct {
	params      Params
	usedNames   []string
	usedValues  []string
	expressions int
}

// NewUsage checks the placeholders' own form: no empty map, no malformed key.
func NewUsage(p Params) (*Usage, error) {
	if err := checkKeys("ExpressionAttributeNames", '#', p.Names); err != nil {
		return nil, err
	}
	for _, key := range sortedKeys(p.Names) {
		if problem := attr.CheckName(p.Names[key]); problem != "" {
			return nil, invalid("ExpressionAttributeNames contains invalid value: " + problem + " for key " + key)
		}
	}
	if err := checkKeys("ExpressionAttributeValues", ':', p.Values); err != nil {
		return nil, err
	}
	return &Usage{params: p}, nil
}

// checkKeys refuses an empty map and a key that is not the prefix and a word.
func checkKeys[V any](parameter string, prefix byte, m map[string]V) error {
	if m == nil {
		return nil
	}
	if len(m) == 0 {
		return invalid(parameter + " must not be empty")
	}
	var bad []string
	for key := range m {
		if len(key) > maxPlaceholder || !isPlaceholder(key, prefix) {
			bad = append(bad, key)
		}
	}
	if bad == nil {
		return nil
	}
	key := slices.Min(bad)
	if len(key) > maxPlaceholder {
		return invalid(parameter + " contains invalid key: The expression attribute map contains a key that is too long; " +
			"size of key: " + strconv.Itoa(len(key)))
	}
	return invalid(parameter + ` contains invalid key: Syntax error; key: "` + key + `"`)
}

func isPlaceholder(key string, prefix byte) bool {
	if len(key) < 2 || key[0] != prefix {
		return false
	}
	for i := 1; i < len(key); i++ {
		if c := key[i]; !isLetter(c) && !isDigit(c) && c != '_' {
			return false
		}
	}
	return true
}

// name resolves a #name.
func (u *Usage) name(key string) (string, bool) {
	name, ok := u.params.Names[key]
	if ok && !slices.Contains(u.usedNames, key) {
		u.usedNames = append(u.usedNames, key)
	}
	return name, ok
}

// value resolves a :value.
func (u *Usage) value(key string) (attr.Value, bool) {
	v, ok := u.params.Values[key]
	if ok && !slices.Contains(u.usedValues, key) {
		u.usedValues = append(u.usedValues, key)
	}
	return v, ok
}

// Unused is called when all expressions of a request are parsed, before any is
// run: it returns DynamoDB's error if a placeholder is used by none of them.
func (u *Usage) Unused() error {
	if u.expressions == 0 {
		switch {
		case u.params.Names != nil:
			return invalid("ExpressionAttributeNames can only be specified when using expressions")
		case u.params.Values != nil:
			return invalid("ExpressionAttributeValues can only be specified when using expressions")
		}
	}
	if len(u.usedNames) < len(u.params.Names) {
		return unused("ExpressionAttributeNames", u.params.Names, u.usedNames)
	}
	if len(u.usedValues) < len(u.params.Values) {
		return unused("ExpressionAttributeValues", u.params.Values, u.usedValues)
	}
	return nil
}

func unused[V any](parameter string, given map[string]V, used []string) error {
	left := slices.DeleteFunc(sortedKeys(given), func(key string) bool { return slices.Contains(used, key) })
	return invalid("Value provided in " + parameter + " unused in expressions: keys: {" + strings.Join(left, ", ") + "}")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func invalid(message string) error { return &attr.ValidationError{Message: message} }
