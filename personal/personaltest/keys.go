package personaltest

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"sync"

	"daybook/personal"
)

// Keys is a personal.KeyStore and a personal.Wrapper in memory. The zero value is
// empty. It counts what it is asked.
type Keys struct {
	mu    sync.Mutex
	keys  map[string]personal.StoredKey
	asked Calls
}

// Calls counts calls.
type Calls struct{ Loads, Creates, Deletes, Generates, Unwraps int }

// Calls returns the calls since it was asked last.
func (k *Keys) Calls() Calls {
	k.mu.Lock()
	defer k.mu.Unlock()
	asked := k.asked
	k.asked = Calls{}
	return asked
}

// Subjects returns who has a key, sorted.
func (k *Keys) Subjects() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.keys))
}

// Load implements personal.KeyStore.
func (k *Keys) Load(_ context.Context, subjects []string) ([]*personal.StoredKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked.Loads++
	found := make([]*personal.StoredKey, len(subjects))
	for i, s := range subjects {
		if key, ok := k.keys[s]; ok {
			found[i] = &key
		}
	}
	return found, nil
}

// Create implements personal.KeyStore.
func (k *Keys) Create(_ context.Context, key personal.StoredKey) (personal.StoredKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked.Creates++
	if old, ok := k.keys[key.Subject]; ok {
		return old, nil
	}
	if k.keys == nil {
		k.keys = map[string]personal.StoredKey{}
	}
	k.keys[key.Subject] = key
	return key, nil
}

// Delete implements personal.KeyStore.
func (k *Keys) Delete(_ context.Context, subject, id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked.Deletes++
	if k.keys[subject].ID == id {
		delete(k.keys, subject)
	}
	return nil
}

// Generate implements personal.Wrapper.
func (k *Keys) Generate(_ context.Context, subject string) (plain, wrapped []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked.Generates++
	plain = make([]byte, 32)
	_, _ = rand.Read(plain) // never fails
	return plain, append([]byte(subject+"\x00"), plain...), nil
}

// Unwrap implements personal.Wrapper.
func (k *Keys) Unwrap(_ context.Context, subject string, wrapped []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked.Unwraps++
	if n := len(subject) + 1; len(wrapped) > n && string(wrapped[:n]) == subject+"\x00" {
		return wrapped[n:], nil
	}
	return nil, errors.New("the key was wrapped for another subject")
}
