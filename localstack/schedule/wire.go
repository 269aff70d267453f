package schedule

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"uuid"
)

const maxRequest = 1 << 20 // bytes; a target's input has at most 256 KB

// operation carries out one request and returns what is the answer's JSON.
type operation func(s *Server, r *http.Request) (any, error)

// operationOf finds a request's operation and the schedule's name.
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

// ServeHTTP speaks EventBridge Scheduler's wire protocol. Signatures are not
// checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := operationOf(r)
	if op == nil {
		write(w, http.StatusNotFound, apiErrorf(404, "UnknownOperationException", "%s %s is not supported by this engine.", r.Method, r.URL.Path))
		return
	}
	answer, err := s.answer(op, r)
	if err == nil {
		write(w, http.StatusOK, answer)
		return
	}
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		if r.Context().Err() == nil {
			s.opts.Log.Error("embedded scheduler: a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		e = apiErrorf(500, "InternalServerException", "Unexpected error encountered while processing the request.")
	}
	write(w, e.status, e)
}

// answer carries out one request; a bug becomes an error.
func (s *Server) answer(op operation, r *http.Request) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a bug: %v\n%s", p, debug.Stack())
		}
	}()
	return op(s, r)
}

// write writes an answer or an error.
func write(w http.ResponseWriter, status int, answer any) {
	if e, ok := answer.(*apiError); ok {
		w.Header().Set("X-Amzn-Errortype", e.kind)
		answer = struct{ Message string }{e.message}
	}
	data, err := json.Marshal(answer, json.Deterministic(true))
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Header().Set("X-Amzn-Requestid", uuid.New().String())
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client has gone
}

// read reads the schedule that a request defines.
func read(r *http.Request) (name string, d definition, err error) {
	name = strings.TrimPrefix(r.URL.Path, "/schedules/")
	if !validName.MatchString(name) {
		return name, d, validation("The name %q does not match ^[0-9a-zA-Z-_.]+$ with at most 64 characters.", name)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return name, d, fmt.Errorf("read the request: %w", err)
	}
	err = json.Unmarshal(body, &d, json.RejectUnknownMembers(true))
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok && errors.Is(err, json.ErrUnknownName) {
		return name, d, validation("The parameter %s is not supported by this engine.", semantic.JSONPointer)
	}
	if err != nil {
		return name, d, validation("The request is not what the operation takes.")
	}
	if err := d.check(); err != nil {
		return name, d, err
	}
	at, err := d.when()
	if err != nil {
		return name, d, err
	}
	if !at.After(time.Now()) {
		return name, d, validation("Invalid Schedule Expression %s. It is in the past.", d.ScheduleExpression)
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
	name, d, err := read(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.groups[d.GroupName] {
		return nil, notFound("Schedule group %s does not exist.", d.GroupName)
	}
	key := d.GroupName + "/" + name
	if there := s.schedules[key]; there != nil {
		if d.ClientToken == "" || !same(there.definition, d) {
			return nil, apiErrorf(409, "ConflictException", "Schedule %s already exists.", name)
		}
		return scheduleARN{s.arn(key)}, nil
	}
	now := time.Now()
	return s.keep(r, &schedule{key: key, record: record{definition: d, Name: name, Created: now, Changed: now}})
}

func (s *Server) update(r *http.Request) (any, error) {
	name, d, err := read(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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
	group := r.URL.Query().Get("groupName")
	if group == "" {
		group = DefaultGroup
	}
	name := strings.TrimPrefix(r.URL.Path, "/schedules/")
	if x := s.schedules[group+"/"+name]; x != nil {
		return x, nil
	}
	return nil, notFound("Schedule %s does not exist.", name)
}

func (s *Server) get(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
	s.mu.Lock()
	defer s.mu.Unlock()
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
			return nil, validation("MaxResults is not within 1 to 100.")
		}
		limit = n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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
