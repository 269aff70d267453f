package stack_test

import (
	"net"
	"net/url"
	"testing"
	"time"

	"daybook/localstack/stack"
)

// A browser opens connections in advance. A stack that ends does not wait for them:
// net/http would, for five seconds.
func TestCloseWithASilentConnection(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Options{})
	at, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, body := get(t, s.URL()+"/health"); body == "" { // by now the server has seen the connection before it
		t.Error("no answer")
	}
	begun := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("it ended after %v", took)
	}
}
