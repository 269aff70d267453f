package embedded

import (
	"encoding/json/jsontext"
	"errors"
	"strconv"
	"strings"

	"daybook/localstack/embedded/attr"
)

// maxStatements is the limit of a batch of statements, from AWS's API reference.
const maxStatements = 25

// parameters are the values of a statement's question marks.
type parameters struct {
	values []attr.Value
	err    error
}

// UnmarshalJSONFrom parses the values where they stand, without a copy.
func (p *parameters) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	p.values, p.err = attr.ParseValues(raw)
	var malformed *attr.SerializationError
	if errors.As(p.err, &malformed) {
		return p.err
	}
	return nil
}

type statement struct {
	Statement  string
	Parameters parameters
}

type batchStatementRequest struct {
	Statements             []statement
	ReturnConsumedCapacity string
}

func (in *batchStatementRequest) check(c *checks) {
	switch n := len(in.Statements); {
	case in.Statements == nil:
		c.required(false, "statements")
	case n == 0:
		c.unquoted("Statements", "Member must have length greater than or equal to 1")
	case n > maxStatements:
		c.unquoted("Statements", "Member must have length less than or equal to "+strconv.Itoa(maxStatements))
	}
	for i, s := range in.Statements {
		c.required(s.Statement != "", "statements."+strconv.Itoa(i+1)+".member.statement")
	}
	checkCapacity(c, in.ReturnConsumedCapacity)
}

// batchExecuteStatement carries out PartiQL statements of one form, INSERT INTO
// "table" VALUE {'name': ?, …}; each by itself, with an answer or an error of its own.
func (db *DB) batchExecuteStatement(in *batchStatementRequest, out []byte) ([]byte, error) {
	inserts := make([]insert, len(in.Statements))
	for i, s := range in.Statements {
		if i > 0 && s.Statement == in.Statements[i-1].Statement {
			inserts[i] = inserts[i-1]
			continue
		}
		var ok bool
		if inserts[i], ok = parseInsert(s.Statement); !ok {
			return nil, validation(`This engine supports only statements of the form INSERT INTO "table" VALUE {'name': ?, …}`)
		}
	}
	var charges []*charge
	var pos position
	m := open(out)
	m.add("Responses")
	m.out = append(m.out, '[')
	for i := range inserts {
		if i > 0 {
			m.out = append(m.out, ',')
		}
		answer := open(m.out)
		at, err := db.insert(&inserts[i], in.Statements[i].Parameters, &charges)
		if err != nil {
			e, internal := asAPIError(err)
			if internal {
				return nil, err
			}
			answer.add("Error")
			answer.out = cancellation{code: statementCode(e), message: e.message}.appendTo(answer.out)
		}
		if at != (position{}) {
			pos = at
		}
		answer.str("TableName", inserts[i].table)
		m.out = answer.close()
	}
	m.out = append(m.out, ']')
	if err := db.finish(pos); err != nil {
		return nil, err
	}
	m.capacities(charges, in.ReturnConsumedCapacity)
	return m.close(), nil
}

// statementCode is the code of an error of one statement.
func statementCode(e *apiError) string {
	if e.name() == "ValidationException" {
		return "ValidationError"
	}
	return strings.TrimSuffix(e.name(), "Exception")
}

// insert carries out one statement. charges gets what it used, with its table's.
func (db *DB) insert(s *insert, p parameters, charges *[]*charge) (pos position, err error) {
	if db.faults.leaveUnprocessed() {
		return pos, dynamoError("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded")
	}
	it, err := s.item(p)
	if err != nil {
		return pos, err
	}
	a, err := (&itemPut{Item: attributes{set: true, item: it}}).action()
	if err != nil {
		return pos, err
	}
	if a.t, err = db.table(s.table); err != nil {
		return pos, err
	}
	if !a.t.schema.fits(it) {
		return pos, keyMismatch()
	}
	if a.key, err = a.locate(); err != nil {
		return pos, err
	}
	used := chargeOf(charges, a.t, "")
	err = a.t.withWrite(func() error {
		c, err := a.decideAlone()
		if err != nil {
			return err
		}
		if c.old != "" {
			a.t.meter.write(writeUnits(c.old.size()))
			return dynamoError("DuplicateItemException", "Duplicate primary key exists in table")
		}
		before := used.units
		used.addWrite(a.t, c.old, c.new, 1)
		a.t.meter.write(used.units - before)
		pos, err = db.commit(nil, c)
		return err
	})
	return pos, err
}

// insert is a parsed INSERT.
type insert struct {
	table string
	names []string // of the attributes, one for each parameter
}

// item is the item that the statement inserts.
func (s *insert) item(p parameters) (attr.Item, error) {
	if p.err != nil {
		return nil, p.err
	}
	if len(p.values) != len(s.names) {
		return nil, validation("Number of parameters in request and statement don't match.")
	}
	it := make(attr.Item, len(s.names))
	for i, name := range s.names {
		if _, twice := it[name]; twice {
			return nil, validationf("Duplicate attribute %s in the statement", name)
		}
		if fault := attr.CheckName(name); fault != "" {
			return nil, validation(fault)
		}
		it[name] = p.values[i]
	}
	return it, nil
}

// parseInsert reads an INSERT; ok is false for any other statement.
func parseInsert(text string) (s insert, ok bool) {
	p := statementParser(text)
	if !p.word("insert") || !p.word("into") {
		return s, false
	}
	if s.table, ok = p.quoted('"'); !ok {
		if s.table, ok = p.bare(); !ok {
			return s, false
		}
	}
	if !p.word("value") || !p.skip('{') {
		return s, false
	}
	for {
		name, ok := p.quoted('\'')
		if !ok || !p.skip(':') || !p.skip('?') {
			return s, false
		}
		s.names = append(s.names, name)
		if !p.skip(',') {
			return s, p.skip('}') && p.end()
		}
	}
}

// statementParser is the text of a statement that is not read yet.
type statementParser string

func (p *statementParser) space() { *p = statementParser(strings.TrimLeft(string(*p), " \t\r\n")) }

func (p *statementParser) end() bool {
	p.space()
	return *p == ""
}

func (p *statementParser) skip(c byte) bool {
	p.space()
	if *p == "" || (*p)[0] != c {
		return false
	}
	*p = (*p)[1:]
	return true
}

// word reads a keyword, in capitals or not.
func (p *statementParser) word(word string) bool {
	p.space()
	if len(*p) < len(word) || !strings.EqualFold(string((*p)[:len(word)]), word) {
		return false
	}
	*p = (*p)[len(word):]
	return true
}

// bare reads a name without quotes.
func (p *statementParser) bare() (string, bool) {
	p.space()
	end := strings.IndexAny(string(*p), " \t\r\n{")
	if end <= 0 {
		return "", false
	}
	name := string((*p)[:end])
	*p = (*p)[end:]
	return name, true
}

// quoted reads a text in quotes; two of them stand for one.
func (p *statementParser) quoted(quote byte) (string, bool) {
	if !p.skip(quote) {
		return "", false
	}
	var text strings.Builder
	for {
		end := strings.IndexByte(string(*p), quote)
		if end < 0 {
			return "", false
		}
		part := string((*p)[:end])
		*p = (*p)[end+1:]
		if *p == "" || (*p)[0] != quote {
			if text.Len() == 0 {
				return part, true
			}
			text.WriteString(part)
			return text.String(), true
		}
		text.WriteString(part)
		text.WriteByte(quote)
		*p = (*p)[1:]
	}
}
