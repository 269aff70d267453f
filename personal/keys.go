package personal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// KeyTTL is how long a process keeps a key without looking whether it still exists, and
// a state that was folded from values of it.
const KeyTTL = 30 * time.Second

// ErasedAfter is how long after a key was deleted no process reads with it any more: the
// last moment of a key may begin a state.
const ErasedAfter = 2 * KeyTTL

// maxKeys bounds the keys that a process keeps: about 1 KB each.
const maxKeys = 10_000

const (
	keyIDLength = 8  // characters: 48 random bits
	keyLength   = 32 // bytes: AES-256
	maxLoad     = 100
	callsAtOnce = 16 // of KMS
)

// StoredKey is a subject's data key as it is stored: wrapped.
type StoredKey struct {
	Subject string
	ID      string // random; sealed values name it
	Wrapped []byte
	Created time.Time
}

// KeyStore stores data keys, one per subject. Its errors are those of an event store.
// It is safe for concurrent use.
type KeyStore interface {
	// Load returns the keys of 1 to 100 different subjects, in order, nil where there
	// is none. It is strongly consistent.
	Load(ctx context.Context, subjects []string) ([]*StoredKey, error)
	// Create stores the key of a subject that has none, and returns the one that it
	// has now: of several at once, one wins.
	Create(ctx context.Context, k StoredKey) (StoredKey, error)
	// Delete deletes the key of a subject if it is the one of that id. A request that
	// arrives late does not delete a newer key. Nil also says that the key was gone.
	Delete(ctx context.Context, subject, id string) error
}

// Wrapper encrypts data keys with a key that never leaves it: AWS KMS. The subject is
// authenticated with the key. Its errors are those of a KeyStore.
type Wrapper interface {
	Generate(ctx context.Context, subject string) (plain, wrapped []byte, err error)
	Unwrap(ctx context.Context, subject string, wrapped []byte) (plain []byte, err error)
}

// Ring is the keys that a process works with. It is safe for concurrent use.
type Ring struct {
	store KeyStore
	wrap  Wrapper
	now   func() time.Time

	mu   sync.Mutex
	keys map[string]*ringKey // by subject
	gone map[origin]bool     // keys that were deleted; an id never comes back
}

type ringKey struct {
	id    string
	plain []byte // for hashes
	aead  cipher.AEAD
	seen  time.Time // when it was known to exist
}

// NewRing returns a ring of the keys of store. It sends nothing. now is time.Now when
// nil.
func NewRing(store KeyStore, wrap Wrapper, now func() time.Time) *Ring {
	if now == nil {
		now = time.Now
	}
	return &Ring{store: store, wrap: wrap, now: now, keys: map[string]*ringKey{}, gone: map[origin]bool{}}
}

// Delete deletes the key of a subject, for all time: what was sealed with it is erased.
// It reports whether the subject had a key.
func (r *Ring) Delete(ctx context.Context, subject string) (bool, error) {
	r.mu.Lock()
	delete(r.keys, subject)
	r.mu.Unlock()
	found, err := r.store.Load(ctx, []string{subject})
	if err != nil || found[0] == nil {
		return false, err
	}
	return true, r.store.Delete(ctx, subject, found[0].ID)
}

// Key returns the id of a subject's key, "" for none. It asks the store.
func (r *Ring) Key(ctx context.Context, subject string) (string, error) {
	found, err := r.store.Load(ctx, []string{subject})
	if err != nil || found[0] == nil {
		return "", err
	}
	return found[0].ID, nil
}

// opening returns the keys of the given origins, nil for those that are deleted.
func (r *Ring) opening(ctx context.Context, wanted []origin) (map[origin]cipher.AEAD, error) {
	out := make(map[origin]cipher.AEAD, len(wanted))
	var ask []string
	asked := map[string]bool{}
	r.mu.Lock()
	for _, of := range wanted {
		if k := r.fresh(of.subject); k != nil && k.id == of.key {
			out[of] = k.aead
		} else if !r.gone[of] && !asked[of.subject] {
			asked[of.subject] = true
			ask = append(ask, of.subject)
		}
	}
	r.mu.Unlock()
	if len(ask) == 0 {
		return out, nil
	}
	stored, err := r.load(ctx, ask)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range wanted {
		if !asked[of.subject] {
			continue
		}
		if k := stored[of.subject]; k != nil && k.id == of.key {
			out[of] = k.aead
			continue
		}
		dropOne(r.gone)
		r.gone[of] = true
	}
	return out, nil
}

// sealing returns the keys of different subjects; those that have none get one.
func (r *Ring) sealing(ctx context.Context, subjects []string) (map[string]*ringKey, error) {
	keys := make(map[string]*ringKey, len(subjects))
	var ask []string
	r.mu.Lock()
	for _, subject := range subjects {
		if k := r.fresh(subject); k != nil {
			keys[subject] = k
		} else {
			ask = append(ask, subject)
		}
	}
	r.mu.Unlock()
	if len(ask) == 0 {
		return keys, nil
	}
	stored, err := r.load(ctx, ask)
	if err != nil {
		return nil, err
	}
	maps.Copy(keys, stored)
	made := make([]*ringKey, len(ask))
	err = sideBySide(len(ask), func(i int) (err error) {
		if keys[ask[i]] == nil {
			made[i], err = r.create(ctx, ask[i])
		}
		return err
	})
	for i, k := range made {
		if k != nil {
			keys[ask[i]] = k
		}
	}
	return keys, err
}

// create makes the key of a subject that had none.
func (r *Ring) create(ctx context.Context, subject string) (*ringKey, error) {
	plain, wrapped, err := r.wrap.Generate(ctx, subject)
	if err != nil {
		return nil, err
	}
	now := r.now()
	mine := StoredKey{Subject: subject, ID: newKeyID(), Wrapped: wrapped, Created: now.UTC().Truncate(time.Second)}
	created, err := r.store.Create(ctx, mine)
	if err != nil {
		return nil, err
	}
	if created.ID != mine.ID { // another was quicker
		if plain, err = r.wrap.Unwrap(ctx, subject, created.Wrapped); err != nil {
			return nil, err
		}
	}
	return r.keep(subject, created.ID, plain, now)
}

// sideBySide calls f with 0 to n-1, several at once, and waits.
func sideBySide(n int, f func(i int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, n)
	room := make(chan struct{}, callsAtOnce)
	for i := range n {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			errs[i] = f(i)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// fresh returns the key of a subject that is known to have existed within KeyTTL. The
// caller holds the lock.
func (r *Ring) fresh(subject string) *ringKey {
	if k := r.keys[subject]; k != nil && r.now().Sub(k.seen) < KeyTTL {
		return k
	}
	return nil
}

// load reads the keys of subjects, and unwraps those that are new. It returns the keys
// that exist: those in memory may be dropped for others at any time.
func (r *Ring) load(ctx context.Context, subjects []string) (map[string]*ringKey, error) {
	keys := make(map[string]*ringKey, len(subjects))
	for some := range slices.Chunk(subjects, maxLoad) {
		asked := r.now()
		stored, err := r.store.Load(ctx, some)
		if err != nil {
			return nil, err
		}
		loaded := make([]*ringKey, len(some))
		err = sideBySide(len(some), func(i int) error {
			known, k := false, stored[i]
			if loaded[i], known = r.renew(some[i], k, asked); known {
				return nil
			}
			plain, err := r.wrap.Unwrap(ctx, k.Subject, k.Wrapped)
			if err == nil {
				loaded[i], err = r.keep(k.Subject, k.ID, plain, asked)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		for i, k := range loaded {
			if k != nil {
				keys[some[i]] = k
			}
		}
	}
	return keys, nil
}

// renew records what the store answered about a subject. It returns the key in memory,
// and whether that is the answer: there is no key, or the one that is known.
func (r *Ring) renew(subject string, k *StoredKey, asked time.Time) (*ringKey, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have := r.keys[subject]
	switch {
	case k == nil:
		delete(r.keys, subject)
		return nil, true
	case have != nil && have.id == k.ID:
		if asked.After(have.seen) {
			have.seen = asked
		}
		return have, true
	}
	return nil, false
}

// keep keeps an unwrapped key, which existed when the store was asked for it.
func (r *Ring) keep(subject, id string, plain []byte, asked time.Time) (*ringKey, error) {
	if len(plain) != keyLength {
		return nil, fmt.Errorf("the data key of %s has %d bytes, not %d", subject, len(plain), keyLength)
	}
	block, err := aes.NewCipher(plain)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	dropOne(r.keys)
	k := &ringKey{id: id, plain: plain, aead: aead, seen: asked}
	r.keys[subject] = k
	return k, nil
}

// dropOne drops any entry of a map that is full.
func dropOne[K comparable, V any](m map[K]V) {
	if len(m) < maxKeys {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}

func newKeyID() string {
	b := make([]byte, keyIDLength*6/8)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
