package expr

import (
	"unicode/utf8"

	"daybook/localstack/embedded/attr"
)

// tokenKind is the kind of a token. Punctuation has the kind of its byte.
type tokenKind uint8

const (
	tokEOF     tokenKind = iota
	tokIdent             // a name or a keyword
	tokName              // #name
	tokValue             // :value
	tokInt               // digits
	tokNE                // <>
	tokLE                // <=
	tokGE                // >=
	tokUnknown           // a character that no expression has
)

// token is a piece of the source.
type token struct {
	kind       tokenKind
	start, end int
}

// lexer cuts an expression into tokens, one ahead of the parser.
type lexer struct {
	label string // the expression's parameter name, for messages
	src   string
	prev  token // the token before cur
	cur   token
}

func (l *lexer) init(label, src string) {
	l.label, l.src = label, src
	l.cur = l.scan(0)
}

// next moves to the next token and returns the one passed.
func (l *lexer) next() token {
	l.prev = l.cur
	l.cur = l.scan(l.cur.end)
	return l.prev
}

func (l *lexer) text(t token) string { return l.src[t.start:t.end] }

// scan reads the token at or after position i.
func (l *lexer) scan(i int) token {
	for i < len(l.src) && isSpace(l.src[i]) {
		i++
	}
	if i == len(l.src) {
		return token{tokEOF, i, i}
	}
	c := l.src[i]
	switch {
	case isLetter(c):
		return token{tokIdent, i, l.word(i + 1)}
	case c == '#' || c == ':':
		return l.placeholder(i)
	case isDigit(c):
		end := i + 1
		for end < len(l.src) && isDigit(l.src[end]) {
			end++
		}
		return token{tokInt, i, end}
	}
	return l.symbol(i)
}

func (l *lexer) placeholder(i int) token {
	end := l.word(i + 1)
	switch {
	case end == i+1:
		return token{tokUnknown, i, end}
	case l.src[i] == '#':
		return token{tokName, i, end}
	}
	return token{tokValue, i, end}
}

func (l *lexer) symbol(i int) token {
	if i+1 < len(l.src) {
		switch l.src[i : i+2] {
		case "<>":
			return token{tokNE, i, i + 2}
		case "<=":
			return token{tokLE, i, i + 2}
		case ">=":
			return token{tokGE, i, i + 2}
		}
	}
	switch c := l.src[i]; c {
	case '=', '<', '>', '(', ')', '[', ']', ',', '.', '+', '-':
		return token{tokenKind(c), i, i + 1}
	}
	_, size := utf8.DecodeRuneInString(l.src[i:])
	return token{tokUnknown, i, i + size}
}

// word returns the end of a run of letters, digits and underscores.
func (l *lexer) word(i int) int {
	for i < len(l.src) && (isLetter(l.src[i]) || isDigit(l.src[i]) || l.src[i] == '_') {
		i++
	}
	return i
}

// keyword tells whether cur is the keyword, given in upper case.
func (l *lexer) keyword(word string) bool {
	return l.cur.kind == tokIdent && equalFold(l.text(l.cur), word)
}

// equalFold compares ASCII text with a word in upper case.
func equalFold(s, upper string) bool {
	if len(s) != len(upper) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}

// syntaxError reports cur, with the source from the token before it to the one
// after it, as DynamoDB does.
func (l *lexer) syntaxError() error {
	name := "<EOF>"
	if l.cur.kind != tokEOF {
		name = l.text(l.cur)
	}
	from, to := l.cur.start, l.scan(l.cur.end).end
	if l.prev.end > 0 {
		from = l.prev.start
	}
	if l.cur.kind == tokEOF {
		to = len(l.src)
	}
	return l.invalid(`Syntax error; token: "` + name + `", near: "` + l.src[from:to] + `"`)
}

// invalid is an error about this expression.
func (l *lexer) invalid(message string) error {
	return &attr.ValidationError{Message: "Invalid " + l.label + ": " + message}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
