package stack

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

// A server gives its port back when it is closed, whether it has begun to serve or not.
func TestServerGivesItsPortBack(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*server){
		"not started":  func(*server) {},
		"just started": func(s *server) { s.serve(http.NotFoundHandler()) },
	} {
		for range 20 { // its goroutine may come first at times
			s, err := listen("The test", "-addr", "127.0.0.1:0", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			use(s)
			if err := s.close(); err != nil {
				t.Error(err)
			}
			if err := s.listener.(*net.TCPListener).SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
				t.Fatalf("%s: the port is still taken: %v", name, err)
			}
		}
	}
}
