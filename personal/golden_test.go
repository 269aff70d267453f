package personal_test

import (
	"context"
	"encoding/json/jsontext"
	"testing"

	"daybook/personal"
)

// oldKey is one key of one subject, always the same.
type oldKey struct{}

func (oldKey) Load(_ context.Context, subjects []string) ([]*personal.StoredKey, error) {
	found := make([]*personal.StoredKey, len(subjects))
	for i, s := range subjects {
		if s == "user/7" {
			found[i] = &personal.StoredKey{Subject: s, ID: "AAECAwQF", Wrapped: []byte("w")}
		}
	}
	return found, nil
}

func (oldKey) Create(_ context.Context, k personal.StoredKey) (personal.StoredKey, error) {
	return k, nil
}

func (oldKey) Delete(context.Context, string, string) error { return nil }

func (oldKey) Generate(context.Context, string) (plain, wrapped []byte, err error) {
	return plainKey(), []byte("w"), nil
}

func (oldKey) Unwrap(context.Context, string, []byte) ([]byte, error) { return plainKey(), nil }

func plainKey() []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

// What this program has stored must be opened by every later one.
func TestStoredFormIsRead(t *testing.T) {
	t.Parallel()
	s := personal.NewSealer(personal.NewRing(oldKey{}, oldKey{}, nil))
	for text, want := range map[string]string{
		`{"name":"~p1.AAECAwQF.Ul_DXXbJMLHfT8BwiP_-dAZZqJephcw_5uswBSN79u97Q9Zq","home":"~p1.AAECAwQF.u5v9Hokrf53xABB9SLuZaXnfPz2XJEsBHA8wtdc5iVKtF_Xk1taTkuqWXqP8kxKDDgWA","note":"a note"}`: `{"name":"Ann Ü","home":{"street":"Elm","no":7},"note":"a note"}`,
		`{"name":"~p0","note":"~p=~p1.AAECAwQF.AAAA","more":"~p1.text"}`: `{"name":null,"note":"~p1.AAECAwQF.AAAA","more":"~p1.text"}`,
		`{"name":"~p0","home":{"street":"","no":0},"note":""}`:           `{"name":null,"home":{"street":"","no":0},"note":""}`,
	} {
		data := jsontext.Value(text)
		if err := s.Open(t.Context(), []personal.Doc{{Place: stream, Data: &data}}); err != nil || string(personal.Plain(data)) != want {
			t.Errorf("%s: %s, %v", text, personal.Plain(data), err)
		}
	}
	if hash, err := s.Hash(t.Context(), "user-email", "ann@example.com"); err != nil || hash != "~h1.IRJqkUrJdRnmQk9d4Ql3WL_lpWNg3-_apfIYXCDvHog" {
		t.Errorf("hash %s, %v", hash, err)
	}
}
