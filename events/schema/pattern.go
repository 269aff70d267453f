package schema

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// pattern is a regular expression that is compiled when it is first used.
type pattern struct {
	text    string
	compile func() *regexp.Regexp
}

// onlyGo are pieces of Go's syntax that ECMA-262, the syntax of JSON Schema,
// does not know or reads otherwise.
var onlyGo = []string{`(?`, `\A`, `\z`, `\Q`, `\E`, `\C`, `\a`, `\x{`, `\p`, `\P`, `\s`, `\S`, `[[:`, `[]`, `[^]`}

func newPattern(text string) (*pattern, error) {
	if text == "" {
		return nil, fmt.Errorf("needs a regular expression")
	}
	for _, piece := range onlyGo {
		if strings.Contains(strings.ReplaceAll(text, "(?:", "("), piece) {
			return nil, fmt.Errorf("%s does not mean the same in JSON Schema", piece)
		}
	}
	if _, err := syntax.Parse(text, syntax.Perl); err != nil {
		return nil, err
	}
	return &pattern{text: text, compile: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}, nil
}

func (p *pattern) match(s string) bool { return p.compile().MatchString(s) }
