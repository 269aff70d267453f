package embedded

// Compact writes a snapshot now.
func (db *DB) Compact() error {
	<-db.compacting
	defer func() { db.compacting <- struct{}{} }()
	return db.compact()
}
