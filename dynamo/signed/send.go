package signed

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"daybook/internal/signedhttp"
)

// call is one call of an operation. Calls are reused with their buffers.
type call struct {
	signedhttp.Call

	client *Client
	op     *operation
	out    smithy.Deserializable
	input  encoder
}

// contentType is the Content-Type of requests.
var contentType = []string{"application/x-amz-json-1.0"}

func newCall(c *Client) *call {
	k := &call{client: c}
	k.ContentType, k.Read = contentType, k.read
	return k
}

// maxKept is the largest size of buffers that are kept for another call.
const maxKept = 1 << 20

// send encodes in, sends it, repeats it as the retryer says and decodes the answer
// into out.
func (c *Client) send(ctx context.Context, op *operation, in smithy.Serializable, out smithy.Deserializable) error {
	k, ok := c.calls.Get().(*call)
	if !ok {
		k = newCall(c)
	}
	k.op, k.out, k.Operation = op, out, op.target
	k.input.reset()
	in.Serialize(&k.input)
	k.Body = k.input.buf
	err := c.sender.Do(ctx, &k.Call)
	k.out = nil
	if k.Buffered() <= maxKept {
		c.calls.Put(k)
	}
	if err != nil {
		return &smithy.OperationError{ServiceID: dynamodb.ServiceID, OperationName: op.name, Err: err}
	}
	return nil
}

// read decodes an answer: by the reader here, else by the SDK's.
func (k *call) read(ctx context.Context, response *http.Response, answer []byte) error {
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		if decode(answer, k.out) {
			return nil
		}
		k.op.clear(k.out)
	}
	whole := *response
	whole.Body = io.NopCloser(bytes.NewReader(answer))
	return k.client.protocol().DeserializeResponse(ctx, k.op.schema, dynamodb.TypeRegistry, &smithyhttp.Response{Response: &whole}, k.out)
}
