package stack

import (
	"encoding/json/v2"
	"net/http"
	"slices"
	"strings"

	"daybook/functions/names"
)

// functionNames are the functions of a deployment.
var functionNames = names.Functions()

// describeFunction answers Lambda's GetFunctionConfiguration, the one operation
// that Daybook's tools ask for: the environment of a function says how a
// deployment's parts are named.
func (s *Stack) describeFunction(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/")
	name, rest, _ := strings.Cut(path, "/")
	status, answer := http.StatusOK, any(nil)
	switch short := strings.TrimPrefix(name, s.name("")); {
	case !ok || r.Method != http.MethodGet || rest != "configuration":
		status, answer = http.StatusBadRequest, lambdaError{Message: "The operation is not supported by this engine."}
		w.Header().Set("X-Amzn-Errortype", "UnknownOperationException")
	case short == name || !slices.Contains(functionNames, short):
		status, answer = http.StatusNotFound, lambdaError{Message: "Function not found: " + s.functionARN(name)}
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
	default:
		c := functionConfiguration{FunctionName: name, FunctionARN: s.functionARN(name)}
		c.Environment.Variables = s.environment()
		answer = c
	}
	body, _ := json.Marshal(answer) // strings marshal
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone
}

// The answers of Lambda, as far as they are given here.
type (
	functionConfiguration struct {
		FunctionName string
		FunctionARN  string `json:"FunctionArn"`
		Environment  struct{ Variables map[string]string }
	}
	lambdaError struct {
		Message string
	}
)

func (s *Stack) functionARN(name string) string {
	return "arn:aws:lambda:" + s.options.Region + ":000000000000:function:" + name
}

// environment is what a deployed function is told, with what differs here from one
// function to the next left together.
func (s *Stack) environment() map[string]string {
	c := s.config
	variables := map[string]string{
		names.EnvEventsTable: c.EventsTable, names.EnvClaimsTable: c.ClaimsTable, names.EnvViewPrefix: c.ViewPrefix,
		names.EnvRequestsTable: c.RequestsTable, names.EnvCommandQueue: c.CommandQueue, names.EnvDeadQueue: c.DeadQueue,
		names.EnvProcessesTable: c.ProcessesTable, names.EnvEventBus: c.EventBus, names.EnvScheduleGroup: c.ScheduleGroup,
		names.EnvScheduleRole: c.ScheduleRole, names.EnvScheduleTarget: c.ScheduleTarget,
		names.EnvLogLevel: c.LogLevel.String(),
	}
	if c.KeysTable != "" {
		variables[names.EnvKeysTable], variables[names.EnvWrappingKey] = c.KeysTable, c.WrappingKey
	}
	return variables
}
