// Package personal marks the personal fields of events, commands, states and rows,
// and keeps them encrypted wherever they are stored, so that deleting one key erases
// them everywhere at once (crypto-shredding).
//
// A field is marked by its Go type:
//
//	type Registered struct {
//		Name  personal.Value[string] `json:"name"`
//		Email personal.Value[string] `json:"email" rule:"format=email"`
//	}
//
// Reveal is the only way to the value, and a Value can't be compared or printed, so
// that no personal value leaves its mark by accident. A value moves with its subject:
// the stream whose person it is about. Without being told (About, or a method
// PersonalSubject on the event or command that holds it) that is the stream that the
// event or command belongs to.
//
// # Three forms in JSON
//
// Plain: the JSON of the value itself, null for an erased one. Clients send and get
// it, and encoding/json/v2 writes it.
//
// Carried: the value with its subject and key, inside one process only. Marshal writes
// it, and Plain turns it into the plain form. The member that marks it is random in
// each process, so that no client can send one.
//
// Sealed: the value encrypted with its subject's data key, as a string "~p1.KEY.TEXT",
// with ".SUBJECT" behind it where that is not the stream itself. A Sealer makes sealed
// of carried values before they are stored, and carried of sealed ones after they were
// read; one whose key is gone is erased. What is encrypted is AES-256-GCM of Go's
// standard library, with a random nonce, and bound to where it is: the stream, the event and the
// path in its data. Moved to another place, it is refused.
//
// # Keys
//
// A subject has one data key at a time. It is stored wrapped (a Wrapper: AWS KMS), in a
// table (a KeyStore) that has no backups and no change stream. A Ring keeps keys in
// memory for KeyTTL; ErasedAfter a deletion nothing can be read with a key any more.
//
// It imports the standard library only.
package personal
