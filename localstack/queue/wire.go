package queue

import (
	"context"
	"net/http"
	"strings"

	"daybook/localstack/wire"
)

const target = "AmazonSQS."

// newProtocol is AWS JSON 1.0 with the query protocol's code beside each error.
func newProtocol() *wire.Protocol {
	return &wire.Protocol{
		Service: "embedded queue", ContentType: "application/x-amz-json-1.0",
		MaxRequest: 8 << 20, // room for the largest batch and its JSON
		TooLong:    clientError("BatchRequestTooLong", "The request is too long."),
		Malformed:  clientError("SerializationException", "The request is not what the operation takes."),
		Internal:   wire.Errorf(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."),
		Unsupported: func(member string) *wire.Error {
			return unsupported("The parameter %s is not supported by this engine.", member)
		},
		Describe: func(h http.Header, e *wire.Error) any {
			fault := "Sender"
			if e.Status >= 500 {
				fault = "Receiver"
			}
			h.Set("X-Amzn-Query-Error", queryCode(e.Kind)+";"+fault)
			return struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}{"com.amazonaws.sqs#" + e.Kind, e.Message}
		},
	}
}

// operation carries out one request and returns the answer.
type operation func(s *Server, r *http.Request) (any, error)

// unlocked is an operation that takes the lock itself.
func unlocked[T any](do func(s *Server, r *http.Request, in T) (any, error)) operation {
	return func(s *Server, r *http.Request) (any, error) {
		in, err := wire.Decode[T](s.protocol, r)
		if err != nil {
			return nil, err
		}
		return do(s, r, in)
	}
}

// locked is an operation under the lock.
func locked[T any](do func(s *Server, r *http.Request, in T) (any, error)) operation {
	return unlocked(func(s *Server, r *http.Request, in T) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return do(s, r, in)
	})
}

// onQueue is an operation under the lock on the queue that the request names.
func onQueue[T interface{ queueURL() string }](do func(s *Server, ctx context.Context, q *queue, in T) (any, error)) operation {
	return locked(func(s *Server, r *http.Request, in T) (any, error) {
		q, err := s.queueOf(in.queueURL())
		if err != nil {
			return nil, err
		}
		return do(s, r.Context(), q, in)
	})
}

// operations are all there are, by name.
func operations() map[string]operation {
	return map[string]operation{
		"CreateQueue":                  locked((*Server).createQueue),
		"GetQueueUrl":                  locked((*Server).getQueueURL),
		"GetQueueAttributes":           onQueue((*Server).getQueueAttributes),
		"SetQueueAttributes":           onQueue((*Server).setQueueAttributes),
		"ListQueues":                   locked((*Server).listQueues),
		"PurgeQueue":                   onQueue((*Server).purgeQueue),
		"SendMessage":                  onQueue((*Server).sendMessage),
		"SendMessageBatch":             onQueue((*Server).sendMessageBatch),
		"ReceiveMessage":               unlocked((*Server).receiveMessage),
		"DeleteMessage":                settleOne((*Server).delete),
		"DeleteMessageBatch":           settleBatch((*Server).delete),
		"ChangeMessageVisibility":      settleOne((*Server).change),
		"ChangeMessageVisibilityBatch": settleBatch((*Server).change),
		"StartMessageMoveTask":         locked((*Server).startMessageMoveTask),
		"ListMessageMoveTasks":         locked((*Server).listMessageMoveTasks),
		"CancelMessageMoveTask":        locked((*Server).cancelMessageMoveTask),
	}
}

// ServeHTTP speaks SQS's wire protocol: the operation in X-Amz-Target, the
// request in the body. Signatures are not checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.protocol.Serve(s.log, w, r, func() (any, error) {
		name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
		op := s.operations[name]
		if r.Method != http.MethodPost || !ok || op == nil {
			return nil, clientError("InvalidAction", "The action %s is not valid for this engine.", name)
		}
		return op(s, r)
	})
}
