package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"daybook/localstack/durable"
	"daybook/localstack/wire"
)

const (
	target     = "TrentService."
	keyLength  = 32 // bytes
	maxRequest = 64 << 10
)

// Server is an embedded KMS. It is safe for concurrent use.
type Server struct {
	aead     cipher.AEAD
	log      *slog.Logger
	protocol *wire.Protocol
}

// Open returns a server with the key in the file at path, which is made, for its owner
// only, when it is missing. "" is a key that ends with the process.
func Open(path string, log *slog.Logger) (*Server, error) {
	key, err := readKey(path)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Server{aead: aead, log: log, protocol: wire.JSON11("embedded KMS", maxRequest, "The request is too long.", "KMSInternalException")}, nil
}

func readKey(path string) ([]byte, error) {
	fresh := make([]byte, keyLength)
	_, _ = rand.Read(fresh) // never fails
	if path == "" {
		return fresh, nil
	}
	key, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fresh, writeKey(path, fresh)
	case err == nil && len(key) != keyLength:
		return nil, fmt.Errorf("%s has %d bytes, not the %d of a key: restore it, or delete all data", path, len(key), keyLength)
	}
	return key, err
}

// writeKey writes a file that is whole or not there. It is on the disk when the first data
// key is wrapped: without it, no personal value could be read again.
func writeKey(path string, key []byte) error {
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(next, path), durable.SyncDir(filepath.Dir(path)))
}

// The inputs and outputs of the operations.
type (
	generateInput struct {
		KeyID             string `json:"KeyId"`
		KeySpec           string
		EncryptionContext map[string]string
	}
	decryptInput struct {
		KeyID             string `json:"KeyId"`
		CiphertextBlob    []byte
		EncryptionContext map[string]string
	}
	output struct {
		KeyID          string `json:"KeyId"`
		Plaintext      []byte
		CiphertextBlob []byte `json:",omitempty"`
	}
)

// ServeHTTP speaks KMS's wire protocol. Signatures are not checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.protocol.Serve(s.log, w, r, func() (any, error) {
		switch operation := r.Header.Get("X-Amz-Target"); operation {
		case target + "GenerateDataKey":
			in, err := wire.Decode[generateInput](s.protocol, r)
			if err != nil {
				return nil, err
			}
			return s.generate(in)
		case target + "Decrypt":
			in, err := wire.Decode[decryptInput](s.protocol, r)
			if err != nil {
				return nil, err
			}
			return s.decrypt(in)
		default:
			return nil, wire.UnknownOperation(operation, target)
		}
	})
}

func (s *Server) generate(in generateInput) (output, error) {
	if in.KeyID == "" || in.KeySpec != "AES_256" {
		return output{}, wire.Validation("KeyId is required, and KeySpec must be AES_256.")
	}
	plain := make([]byte, keyLength)
	_, _ = rand.Read(plain) // never fails
	return output{in.KeyID, plain, s.aead.Seal(nil, nil, plain, bind(in.EncryptionContext))}, nil
}

func (s *Server) decrypt(in decryptInput) (output, error) {
	plain, err := s.aead.Open(nil, nil, in.CiphertextBlob, bind(in.EncryptionContext))
	if err != nil {
		return output{}, wire.Errorf(http.StatusBadRequest, "InvalidCiphertextException", "The ciphertext was made by another key or with another encryption context, or was changed.")
	}
	return output{KeyID: in.KeyID, Plaintext: plain}, nil
}

// bind is an encryption context in one form.
func bind(context map[string]string) []byte {
	b, _ := json.Marshal(context, json.Deterministic(true)) // strings marshal
	return b
}
