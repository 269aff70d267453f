package settings

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"daybook/nearest"
)

// envPrefix begins the names of environment variables that are settings.
const envPrefix = "DAYBOOK_DEPLOY_"

// Error tells everything that is wrong with the settings.
type Error struct{ Problems []string }

// Error implements error with one line a problem.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "setting " + e.Problems[0]
	}
	return fmt.Sprintf("%d settings are wrong:\n  %s", len(e.Problems), strings.Join(e.Problems, "\n  "))
}

// Load reads the settings of the application of the name app: the CDK's context first, then the environment, then
// the defaults; empty is not given. context is the JSON object that the CDK command
// line hands to the app, or empty; environ is what os.Environ returns. A setting
// that is wrong, unknown, or at odds with another fails with an *Error that names
// all of them.
//
// Keys of the context that are not ours are left alone: see foreign. Account and
// region default to what the CDK found in the credentials (CDK_DEFAULT_ACCOUNT,
// CDK_DEFAULT_REGION).
func Load(app string, context []byte, environ []string) (Settings, error) {
	given, problems := gather(context, environ)
	s := Settings{App: app}
	profile := Profile(given["profile"].text)
	for _, f := range fields(app) {
		v := given[f.name]
		if v.text == "" {
			v.text = f.byDefault(profile)
		}
		if err := f.set(&s, v.text); err != nil {
			problems = append(problems, fmt.Sprintf("%s (%s): %v", f.name, v.source, err))
		}
	}
	if s.API == HTTP && given["clientRate"].text == "" {
		s.ClientRate = 0 // a default that an HTTP API can't keep
	}
	if len(problems) == 0 {
		problems = s.conflicts()
	}
	if len(problems) > 0 {
		return Settings{}, &Error{Problems: problems}
	}
	return s, nil
}

// value is the text of a setting and where it comes from.
type value struct{ text, source string }

func gather(context []byte, environ []string) (map[string]value, []string) {
	given, problems := fromEnvironment(environ)
	keys := make(map[string]jsontext.Value)
	if len(context) > 0 {
		if err := json.Unmarshal(context, &keys); err != nil {
			return given, append(problems, fmt.Sprintf("context: not a JSON object: %v", err))
		}
	}
	known := names(field.key)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if reason, ok := refused[k]; ok {
			problems = append(problems, fmt.Sprintf("%s (context): %s", k, reason))
			continue
		}
		if !slices.Contains(known, k) {
			if foreign(k, known) {
				continue
			}
			problems = append(problems, fmt.Sprintf("%s (context): there is no such setting%s", k, hint(k, known)))
			continue
		}
		t, err := asText(keys[k])
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s (context): %v", k, err))
			continue
		}
		given[k] = value{t, "context"}
	}
	return given, problems
}

// foreign reports whether a key of the context belongs to the CDK or another tool.
// The CDK's command line writes keys of its own into cdk.context.json and
// cdk.json: those of look-ups and feature flags, with a colon or a slash, and
// those of commands, such as acknowledged-issue-numbers. Our names are letters
// alone, so that a key with anything else is only ours if it is nearly a name of
// ours: log-level.
func foreign(key string, known []string) bool {
	if strings.ContainsAny(key, ":/") {
		return true
	}
	letters := strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	plain := strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(key))
	return !letters && !slices.ContainsFunc(known, func(name string) bool {
		return nearest.Distance(plain, strings.ToLower(name), 2) <= 2
	})
}

// refused are settings that there are not, with the reason.
var refused = map[string]string{
	"replicas":       noReplicas,
	"replicaRegions": noReplicas,
	"globalTables":   noReplicas,
	"globalTable":    noReplicas,
}

const noReplicas = "the tables can't be global tables: two Regions that write one stream would lose commits; docs/deploy.md, \"More than one Region\""

func fromEnvironment(environ []string) (map[string]value, []string) {
	given := make(map[string]value)
	var problems []string
	byEnv := make(map[string]string)
	for _, f := range fields("") {
		byEnv[f.env()] = f.name
	}
	byEnv["CDK_DEFAULT_ACCOUNT"], byEnv["CDK_DEFAULT_REGION"] = "account", "region"
	slices.Sort(environ) // CDK_… before DAYBOOK_…, which counts
	for _, e := range environ {
		k, v, _ := strings.Cut(e, "=")
		name, ok := byEnv[k]
		switch {
		case ok && v != "":
			given[name] = value{v, k}
		case !ok && strings.HasPrefix(k, envPrefix):
			problems = append(problems, fmt.Sprintf("%s (environment): there is no such setting%s", k, hint(k, names(field.env))))
		}
	}
	return given, problems
}

func (f field) key() string { return f.name }

func names(of func(field) string) []string {
	var all []string
	for _, f := range fields("") {
		all = append(all, of(f))
	}
	return all
}

var (
	errShape  = errors.New("must be text, a number, true or false, or a list of them")
	errDigits = errors.New("is a number above 2^53, of which the CDK's command line keeps only the first digits; write it in quotes")
)

// asText takes a value of the context however it was given: -c gives text, and
// cdk.json may have a number, a boolean or a list. null is not given.
func asText(v jsontext.Value) (string, error) {
	switch v.Kind() {
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return strings.TrimSpace(s), err
	case 't', 'f':
		return string(v), nil
	case 'n':
		return "", nil
	case '0':
		n, err := strconv.ParseFloat(string(v), 64)
		if err != nil || math.Abs(n) > 1<<53 {
			return "", errDigits
		}
		return strconv.FormatFloat(n, 'f', -1, 64), nil
	case '[':
		return listText(v)
	}
	return "", errShape
}

func listText(v jsontext.Value) (string, error) {
	var list []jsontext.Value
	if err := json.Unmarshal(v, &list); err != nil {
		return "", err
	}
	var parts []string
	for _, p := range list {
		if p.Kind() == '[' || p.Kind() == 'n' {
			return "", errShape
		}
		s, err := asText(p)
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ","), nil
}

// overflow is where the CDK command line puts a context that is too large for
// an environment variable: the name of a file.
const overflow = "CONTEXT_OVERFLOW_LOCATION"

// FromProcess is Load with the context and environment of this process.
func FromProcess(app string) (Settings, error) {
	context := []byte(os.Getenv("CDK_CONTEXT_JSON"))
	if path := os.Getenv(overflow); path != "" {
		more, err := os.ReadFile(path)
		if err != nil {
			return Settings{}, fmt.Errorf("read the CDK's context: %w", err)
		}
		if context, err = merge(context, more); err != nil {
			return Settings{}, err
		}
	}
	return Load(app, context, os.Environ())
}

func merge(a, b []byte) ([]byte, error) {
	all := make(map[string]jsontext.Value)
	for _, context := range [][]byte{a, b} {
		if len(context) == 0 {
			continue
		}
		if err := json.Unmarshal(context, &all); err != nil {
			return nil, fmt.Errorf("the CDK's context: %w", err)
		}
	}
	return json.Marshal(all)
}
