package queue

import (
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"uuid"
)

const (
	target      = "AmazonSQS."
	contentType = "application/x-amz-json-1.0"

	// maxRequest is room for the largest batch and its JSON, in bytes.
	maxRequest = 8 << 20
)

// request is one request of the API.
type request struct {
	ctx  context.Context
	host string // of the queue URLs in the answer
	body []byte
}

// operation carries out one request and returns what is the answer's JSON.
type operation func(s *Server, r request) (any, error)

func operationOf(name string) operation {
	switch name {
	case "CreateQueue":
		return (*Server).createQueue
	case "GetQueueUrl":
		return (*Server).getQueueURL
	case "GetQueueAttributes":
		return (*Server).getQueueAttributes
	case "SetQueueAttributes":
		return (*Server).setQueueAttributes
	case "ListQueues":
		return (*Server).listQueues
	case "PurgeQueue":
		return (*Server).purgeQueue
	case "SendMessage":
		return (*Server).sendMessage
	case "SendMessageBatch":
		return (*Server).sendMessageBatch
	case "ReceiveMessage":
		return (*Server).receiveMessage
	case "DeleteMessage":
		return (*Server).deleteMessage
	case "DeleteMessageBatch":
		return (*Server).deleteMessageBatch
	case "ChangeMessageVisibility":
		return (*Server).changeVisibility
	case "ChangeMessageVisibilityBatch":
		return (*Server).changeVisibilityBatch
	case "StartMessageMoveTask":
		return (*Server).startMessageMoveTask
	case "ListMessageMoveTasks":
		return (*Server).listMessageMoveTasks
	case "CancelMessageMoveTask":
		return (*Server).cancelMessageMoveTask
	}
	return nil
}

// ServeHTTP speaks SQS's wire protocol: the operation in X-Amz-Target, the
// request in the body. Signatures are not checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	op := operationOf(name)
	if r.Method != http.MethodPost || !ok || op == nil {
		writeError(w, clientError("InvalidAction", "InvalidAction", "The action %s is not valid for this engine.", name))
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	if len(body) > maxRequest {
		writeError(w, clientError("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", "The request is too long."))
		return
	}
	answer, err := s.answer(op, request{ctx: r.Context(), host: r.Host, body: body})
	if err != nil {
		s.fail(w, r, name, err)
		return
	}
	data, err := json.Marshal(answer)
	if err != nil {
		s.fail(w, r, name, err)
		return
	}
	header(w, len(data))
	_, _ = w.Write(data) // the client has gone
}

// answer carries out one request; a bug becomes an error.
func (s *Server) answer(op operation, r request) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("embedded queue: a request failed on a bug", "panic", p, "stack", string(debug.Stack()))
			err = internalError()
		}
	}()
	return op(s, r)
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, name string, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		if r.Context().Err() == nil {
			s.log.Error("embedded queue: a request failed", "operation", name, "error", err)
		}
		e = internalError()
	}
	writeError(w, e)
}

func writeError(w http.ResponseWriter, e *apiError) {
	fault := "Sender"
	if e.status >= 500 {
		fault = "Receiver"
	}
	w.Header().Set("X-Amzn-Query-Error", e.code+";"+fault)
	data, _ := json.Marshal(struct { // strings marshal
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{"com.amazonaws.sqs#" + e.shape, e.message})
	header(w, len(data))
	w.WriteHeader(e.status)
	_, _ = w.Write(data) // the client has gone
}

func header(w http.ResponseWriter, length int) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.Header().Set("X-Amzn-Requestid", uuid.New().String())
}

// decode reads a request. A member that this engine doesn't know is refused: it
// may change the request's meaning.
func decode[T any](body []byte) (in T, err error) {
	err = json.Unmarshal(body, &in, json.RejectUnknownMembers(true))
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok && errors.Is(err, json.ErrUnknownName) {
		return in, unsupported("The parameter %s is not supported by this engine.", semantic.JSONPointer.LastToken())
	}
	if err != nil {
		return in, clientError("SerializationException", "SerializationException", "The request is not what the operation takes.")
	}
	return in, nil
}
