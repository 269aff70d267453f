package messaging

import (
	"context"

	"daybook/personal"
)

// KMS wraps the data keys of personal values with a key of AWS KMS. The subject is in
// the encryption context: a wrapped key of one can't be passed off as another's, and
// CloudTrail tells whose key was used. It is safe for concurrent use.
type KMS struct {
	client *client
	key    string
}

var _ personal.Wrapper = (*KMS)(nil)

// NewKMS returns the wrapper with the key of that ARN or alias.
func NewKMS(key string, o Options) *KMS { return &KMS{client: newClient(serviceKMS, o), key: key} }

const kmsTarget = "TrentService"

// encryptionContext is authenticated with a wrapped key.
type encryptionContext struct {
	Subject string `json:"daybook:subject"`
}

// Generate implements personal.Wrapper with one GenerateDataKey.
func (k *KMS) Generate(ctx context.Context, subject string) (plain, wrapped []byte, err error) {
	var out struct {
		Plain   []byte `json:"Plaintext"`
		Wrapped []byte `json:"CiphertextBlob"`
	}
	in := struct {
		Key     string            `json:"KeyId"`
		Spec    string            `json:"KeySpec"`
		Context encryptionContext `json:"EncryptionContext"`
	}{k.key, "AES_256", encryptionContext{subject}}
	err = k.client.do(ctx, awsJSON("1.1", kmsTarget, "GenerateDataKey", in, &out))
	return out.Plain, out.Wrapped, err
}

// Unwrap implements personal.Wrapper with one Decrypt.
func (k *KMS) Unwrap(ctx context.Context, subject string, wrapped []byte) ([]byte, error) {
	var out struct {
		Plain []byte `json:"Plaintext"`
	}
	in := struct {
		Key     string            `json:"KeyId"`
		Wrapped []byte            `json:"CiphertextBlob"`
		Context encryptionContext `json:"EncryptionContext"`
	}{k.key, wrapped, encryptionContext{subject}}
	err := k.client.do(ctx, awsJSON("1.1", kmsTarget, "Decrypt", in, &out))
	return out.Plain, err
}
