package meter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"daybook/localstack/embedded"
)

// Counts are what a client has used.
type Counts struct {
	Requests   int
	Operations map[string]int // requests by operation, such as "PutItem"
	// ReadUnits and WriteUnits are capacity units as CloudWatch would count them: with
	// those of conditions that failed, of cancelled transactions and of indexes.
	ReadUnits, WriteUnits float64
	BytesIn, BytesOut     int64 // on the wire, headers included: to the store, and from it
	Connections           int   // opened
}

// Store is the store and its proxy. It serves one client at a time: Take says what was
// used since the last Take.
type Store struct {
	URL string

	db     *embedded.DB
	server *http.Server
	served chan error
	tables []string

	mu         sync.Mutex
	operations map[string]int
	in, out    atomic.Int64
	opened     atomic.Int64
	distance   atomic.Int64 // nanoseconds
	before     Counts       // units at the last Take
}

// Distance makes every request take at least d, as a network does. Without it an
// answer on loopback can be there before its client has finished sending, which happens
// nowhere else.
func (s *Store) Distance(d time.Duration) { s.distance.Store(int64(d)) }

// Open starts a store that keeps nothing, with all peers' tables.
func Open(ctx context.Context) (*Store, error) {
	db, err := embedded.Open(ctx, embedded.Options{})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Store{
		URL: "http://" + listener.Addr().String(), db: db, served: make(chan error, 1), operations: map[string]int{},
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.forward), ReadHeaderTimeout: time.Minute}
	go func() { s.served <- s.server.Serve(&countingListener{listener, s}) }()
	if s.tables, err = createTables(ctx, s.URL); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Take()
	return s, nil
}

// Close ends the proxy and the store.
func (s *Store) Close() error {
	err := s.server.Close()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, s.db.Close())
}

func (s *Store) forward(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.mu.Lock()
	s.operations[operation]++
	s.mu.Unlock()
	time.Sleep(time.Duration(s.distance.Load()))
	s.db.ServeHTTP(w, r)
}

// Take returns what was used since the last Take.
func (s *Store) Take() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{
		Operations: maps.Clone(s.operations),
		BytesIn:    s.in.Swap(0), BytesOut: s.out.Swap(0), Connections: int(s.opened.Swap(0)),
	}
	clear(s.operations)
	for _, n := range c.Operations {
		c.Requests += n
	}
	var now Counts
	for _, table := range s.tables {
		used := s.db.Consumed(table)
		now.ReadUnits += used.ReadUnits
		now.WriteUnits += used.WriteUnits
	}
	c.ReadUnits, c.WriteUnits = now.ReadUnits-s.before.ReadUnits, now.WriteUnits-s.before.WriteUnits
	s.before = now
	return c
}

// countingListener counts connections and their bytes.
type countingListener struct {
	net.Listener
	s *Store
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, fmt.Errorf("accepting: %w", err)
	}
	l.s.opened.Add(1)
	return &countingConn{c, l.s}, nil
}

type countingConn struct {
	net.Conn
	s *Store
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.in.Add(int64(n))
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	// Counted first: the client may have the bytes, and have answered, before Write returns.
	c.s.out.Add(int64(len(p)))
	return c.Conn.Write(p)
}
