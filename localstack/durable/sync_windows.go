package durable

// SyncDir does nothing: Windows has no fsync of directories.
func SyncDir(string) error { return nil }
