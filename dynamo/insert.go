package dynamo

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"daybook/events"
	"daybook/view/driver"
)

// maxStatement is the largest statement in characters.
const maxStatement = 8192

var _ driver.Inserter = (*table)(nil)

// statements are the operation by which many items are written in one request under
// a condition each. Not every endpoint has it, and a role may not permit it.
type statements interface {
	BatchExecuteStatement(context.Context, *dynamodb.BatchExecuteStatementInput, ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error)
}

// Insert implements driver.Inserter with one BatchExecuteStatement. PartiQL's INSERT
// refuses an item that is there, which a BatchWriteItem can't. Items that it leaves
// out for any other reason are put one by one.
func (t *table) Insert(ctx context.Context, items []driver.Item) []error {
	errs := make([]error, len(items))
	client, inserts := t.client.(statements)
	inserts = inserts && !t.alone.Load()
	var batch []types.BatchStatementRequest
	var sent, alone []int // places in items
	for i := range items {
		if !inserts {
			alone = append(alone, i)
			continue
		}
		item, err := encodePairs(&items[i])
		if err != nil {
			errs[i] = err
			continue
		}
		if s, ok := t.insertion(item); ok {
			batch, sent = append(batch, s), append(sent, i)
		} else {
			alone = append(alone, i)
		}
	}
	if len(sent) > 0 {
		alone = append(alone, t.execute(ctx, client, batch, sent, errs)...)
	}
	for _, i := range alone {
		errs[i] = t.Put(ctx, driver.Write{Item: items[i]})
	}
	return errs
}

// execute sends a batch. It sets the errors of the items whose outcome is known, and
// returns the places of the others. sent has the places of the statements in errs.
func (t *table) execute(ctx context.Context, client statements, batch []types.BatchStatementRequest, sent []int, errs []error) (others []int) {
	out, err := client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: batch})
	if err == nil && len(out.Responses) != len(batch) {
		err = events.Errorf(events.CodeUnavailable, "%s: %d outcomes of %d statements", msgUnavailable, len(out.Responses), len(batch))
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch code := e.ErrorCode(); {
		case slices.Contains(unsupported, code):
			t.alone.Store(true)
			return sent
		case code == "ValidationException":
			return sent
		}
	}
	for j, i := range sent {
		if err != nil {
			errs[i] = translate(ctx, err)
			continue
		}
		switch e := out.Responses[j].Error; {
		case e == nil:
		case e.Code == types.BatchStatementErrorCodeEnumDuplicateItem:
			errs[i] = events.Errorf(events.CodeConflict, msgConflict)
		default:
			if e.Code == types.BatchStatementErrorCodeEnumAccessDenied {
				t.alone.Store(true)
			}
			others = append(others, i)
		}
	}
	return others
}

// unsupported are the errors of an endpoint that does not have the operation, and of a
// role that does not permit it: from then on, items are put one by one.
var unsupported = []string{
	"UnknownOperationException", "UnknownOperation", "NotImplementedException", "NotImplemented", "InvalidAction", "AccessDeniedException",
}

// insertion is the statement that inserts an item. ok is false for an item with names
// that would have to be quoted in a statement, and for too many names.
func (t *table) insertion(item []pair) (s types.BatchStatementRequest, ok bool) {
	s.Parameters = make([]types.AttributeValue, len(item))
	for i, p := range item {
		s.Parameters[i] = p.value
	}
	last := t.last.Load()
	if last == nil || !last.inserts(item) {
		if last, ok = t.form(item); !ok {
			return s, false
		}
		t.last.Store(last)
	}
	s.Statement = &last.text
	return s, true
}

// insertForm is a statement that inserts items with the attributes of the given names.
type insertForm struct {
	names []string
	text  string
}

func (f *insertForm) inserts(item []pair) bool {
	return slices.EqualFunc(f.names, item, func(name string, p pair) bool { return name == p.name })
}

func (t *table) form(item []pair) (*insertForm, bool) {
	f := &insertForm{names: make([]string, len(item))}
	var text strings.Builder
	text.WriteString(`INSERT INTO "` + t.name + `" VALUE {`)
	for i, p := range item {
		if strings.ContainsFunc(p.name, isSpecial) {
			return nil, false
		}
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(`'` + p.name + `':?`)
		f.names[i] = p.name
	}
	text.WriteByte('}')
	f.text = text.String()
	return f, len(f.text) <= maxStatement
}

// isSpecial reports whether a character in the name of an attribute would have to be
// quoted in a statement.
func isSpecial(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
}
