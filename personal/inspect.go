package personal

import (
	"cmp"
	"encoding/json/jsontext"
	"regexp"
	"sync"
)

// Subjects returns whose sealed values are in JSON that is stored at a place, each once.
func Subjects(data jsontext.Value, p Place) ([]string, error) {
	if !Seals(data) {
		return nil, nil
	}
	seen := map[string]bool{}
	var all []string
	_, err := rewrite(data, func(f found) ([]byte, error) {
		if v, ok := parseSealed(f.text); ok {
			subject := cmp.Or(v.subject, p.Subject)
			if !seen[subject] {
				seen[subject] = true
				all = append(all, subject)
			}
		}
		return nil, nil
	})
	return all, err
}

// Values returns the carried values of a subject in JSON, as JSON.
func Values(data jsontext.Value, subject string) ([]jsontext.Value, error) {
	if !Carries(data) {
		return nil, nil
	}
	var all []jsontext.Value
	_, err := rewrite(data, func(f found) ([]byte, error) {
		if f.carrier != nil && f.carrier.subject == subject {
			all = append(all, f.carrier.value)
		}
		return nil, nil
	})
	return all, err
}

// encrypted matches sealed values and the hashes of claims.
var encrypted = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`~p1\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]+|~h1\.[A-Za-z0-9_-]{43}`)
})

// WithoutSealed returns text without what is encrypted or hashed in it: in so many random
// letters a search finds any short word.
func WithoutSealed(text string) string { return encrypted().ReplaceAllLiteralString(text, prefix) }
