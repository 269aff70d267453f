package schedule

import (
	"cmp"
	"encoding/json/v2"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"daybook/localstack/wire"
)

// operation carries out one request under the lock and returns the answer.
type operation func(s *Server, r *http.Request) (any, error)

// operationOf finds a request's operation.
func operationOf(r *http.Request) operation {
	if r.URL.Path == "/schedules" && r.Method == http.MethodGet {
		return (*Server).list
	}
	if !strings.HasPrefix(r.URL.Path, "/schedules/") {
		return nil
	}
	switch r.Method {
	case http.MethodPost:
		return (*Server).create
	case http.MethodPut:
		return (*Server).update
	case http.MethodGet:
		return (*Server).get
	case http.MethodDelete:
		return (*Server).delete
	}
	return nil
}

// newProtocol is REST JSON: an error's name is in a header.
func newProtocol() *wire.Protocol {
	return &wire.Protocol{
		Service: "embedded scheduler", ContentType: "application/json",
		MaxRequest:  1 << 20, // a target's input has at most 256 KB
		TooLong:     wire.Validation("The request is too long."),
		Malformed:   wire.Validation("The request is not what the operation takes."),
		Internal:    wire.Errorf(http.StatusInternalServerError, "InternalServerException", "Unexpected error encountered while processing the request."),
		Unsupported: wire.UnsupportedParameter,
		Describe: func(h http.Header, e *wire.Error) any {
			h.Set("X-Amzn-Errortype", e.Kind)
			return struct{ Message string }{e.Message}
		},
	}
}

// ServeHTTP speaks EventBridge Scheduler's wire protocol. Signatures are not
// checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.protocol.Serve(s.opts.Log, w, r, func() (any, error) {
		op := operationOf(r)
		if op == nil {
			return nil, wire.Errorf(http.StatusNotFound, "UnknownOperationException", "%s %s is not supported by this engine.", r.Method, r.URL.Path)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return op(s, r)
	})
}

// read reads the schedule that a request defines.
func (s *Server) read(r *http.Request) (name string, d definition, err error) {
	name = strings.TrimPrefix(r.URL.Path, "/schedules/")
	if !validName.MatchString(name) {
		return name, d, wire.Validation("The name %q does not match ^[0-9a-zA-Z-_.]+$ with at most 64 characters.", name)
	}
	if d, err = wire.Decode[definition](s.protocol, r); err != nil {
		return name, d, err
	}
	if err := d.check(); err != nil {
		return name, d, err
	}
	at, err := d.when()
	if err != nil {
		return name, d, err
	}
	if !at.After(time.Now()) {
		return name, d, wire.Validation("Invalid Schedule Expression %s. It is in the past.", d.ScheduleExpression)
	}
	return name, d, nil
}

// scheduleARN is the answer to a request that defines a schedule.
type scheduleARN struct {
	ScheduleArn string
}

func (s *Server) arn(key string) string {
	return "arn:aws:scheduler:" + s.opts.Region + ":" + s.opts.Account + ":schedule/" + key
}

func (s *Server) create(r *http.Request) (any, error) {
	name, d, err := s.read(r)
	if err != nil {
		return nil, err
	}
	if !s.groups[d.GroupName] {
		return nil, notFound("Schedule group %s does not exist.", d.GroupName)
	}
	key := d.GroupName + "/" + name
	if there := s.schedules[key]; there != nil {
		if d.ClientToken == "" || !same(there.definition, d) {
			return nil, wire.Errorf(http.StatusConflict, "ConflictException", "Schedule %s already exists.", name)
		}
		return scheduleARN{s.arn(key)}, nil
	}
	now := time.Now()
	return s.keep(r, &schedule{key: key, record: record{definition: d, Name: name, Created: now, Changed: now}})
}

func (s *Server) update(r *http.Request) (any, error) {
	name, d, err := s.read(r)
	if err != nil {
		return nil, err
	}
	key := d.GroupName + "/" + name
	there := s.schedules[key]
	if there == nil {
		return nil, notFound("Schedule %s does not exist.", name)
	}
	return s.keep(r, &schedule{key: key, record: record{definition: d, Name: name, Created: there.Created, Changed: time.Now()}})
}

// keep makes a schedule hold. The lock is held.
func (s *Server) keep(r *http.Request, x *schedule) (any, error) {
	if err := s.store.put(r.Context(), x.key, x.record); err != nil {
		return nil, err
	}
	s.hold(x)
	s.wait()
	return scheduleARN{s.arn(x.key)}, nil
}

// same reports whether two definitions are one, their client tokens included.
func same(a, b definition) bool {
	x, err := json.Marshal(a, json.Deterministic(true))
	y, err2 := json.Marshal(b, json.Deterministic(true))
	return err == nil && err2 == nil && string(x) == string(y)
}

// find returns the schedule that a request names. The lock is held.
func (s *Server) find(r *http.Request) (*schedule, error) {
	group := cmp.Or(r.URL.Query().Get("groupName"), DefaultGroup)
	name := strings.TrimPrefix(r.URL.Path, "/schedules/")
	if x := s.schedules[group+"/"+name]; x != nil {
		return x, nil
	}
	return nil, notFound("Schedule %s does not exist.", name)
}

func (s *Server) get(r *http.Request) (any, error) {
	x, err := s.find(r)
	if err != nil {
		return nil, err
	}
	shown := x.definition
	shown.ClientToken = ""
	return struct {
		Arn                  string
		CreationDate         float64
		LastModificationDate float64
		Name                 string
		definition
	}{s.arn(x.key), seconds(x.Created), seconds(x.Changed), x.Name, shown}, nil
}

func (s *Server) delete(r *http.Request) (any, error) {
	x, err := s.find(r)
	if err != nil {
		return nil, err
	}
	if err := s.store.remove(r.Context(), x.key); err != nil {
		return nil, err
	}
	s.release(x.key)
	s.wait()
	return struct{}{}, nil
}

// summary is a schedule in a list.
type summary struct {
	Arn                  string
	CreationDate         float64
	GroupName            string
	LastModificationDate float64
	Name                 string
	State                string
	Target               struct{ Arn string }
}

func (s *Server) list(r *http.Request) (any, error) {
	query := r.URL.Query()
	limit := 100
	if m := query.Get("MaxResults"); m != "" {
		n, err := strconv.Atoi(m)
		if err != nil || n < 1 || n > 100 {
			return nil, wire.Validation("MaxResults is not within 1 to 100.")
		}
		limit = n
	}
	out := struct {
		Schedules []summary
		NextToken string `json:",omitzero"`
	}{Schedules: []summary{}}
	for _, key := range slices.Sorted(maps.Keys(s.schedules)) {
		x := s.schedules[key]
		group, state := query.Get("ScheduleGroup"), query.Get("State")
		if group != "" && group != x.GroupName || state != "" && state != x.State || key <= query.Get("NextToken") || !strings.HasPrefix(x.Name, query.Get("NamePrefix")) {
			continue
		}
		if len(out.Schedules) == limit {
			last := out.Schedules[limit-1]
			out.NextToken = last.GroupName + "/" + last.Name
			break
		}
		one := summary{Arn: s.arn(key), CreationDate: seconds(x.Created), LastModificationDate: seconds(x.Changed), GroupName: x.GroupName, Name: x.Name, State: x.State}
		one.Target.Arn = x.Target.Arn
		out.Schedules = append(out.Schedules, one)
	}
	return out, nil
}

// seconds is a time as the protocol writes it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
