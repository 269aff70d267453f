package embedded

import "daybook/localstack/embedded/expr"

// pathed is a parsed expression that tells which attributes it looks inside; nil
// looks inside none.
type pathed interface{ Nested() []string }

var _ = []pathed{(*expr.Condition)(nil), (*expr.Projection)(nil), (*expr.Update)(nil)}

// checkPaths refuses expressions that look inside an attribute that is a key of
// the table or of one of its indexes: keys are scalars. The table is locked.
func (t *table) checkPaths(expressions ...pathed) error {
	for _, e := range expressions {
		for _, name := range e.Nested() {
			if t.schema.isKey(name) {
				return validation("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: " + name)
			}
			for _, x := range t.indexes {
				if x.schema.isKey(name) {
					return validation("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: " + name)
				}
			}
		}
	}
	return nil
}
