package api

import (
	"encoding/json/jsontext"
	"net/http"
)

var (
	sinceSchema   = jsontext.Value(`{"type":"string","format":"date-time","description":"When it came into the status."}`)
	statusURL     = jsontext.Value(`{"type":"string","format":"uri-reference","description":"The command's status, relative to the request.","examples":["../commands/3f0c"]}`)
	startedSchema = jsontext.Value(`{"type":"boolean","description":"The command started the stream."}`)
)

func queuedSchema() jsontext.Value {
	return closed(map[string]jsontext.Value{"commandId": idSchema(), "id": idSchema(), "status": statusURL}, "commandId", "id")
}

// statusAnswerSchema is one object for all states, as batchResultSchema is one for
// all results.
func statusAnswerSchema() jsontext.Value {
	members := acceptedMembers()
	members["status"] = jsontext.Value(`{"type":"string","enum":["pending","accepted","rejected","failed"],"description":"accepted: version, token, others and started are the answer. rejected, failed: problem says why."}`)
	members["since"] = sinceSchema
	members["started"] = startedSchema
	members["problem"] = schemaRef("problem")
	return closed(members, "status", "commandId", "id", "since")
}

func statusOperation() *operation {
	return &operation{
		OperationID: "command-status",
		Tags:        []string{"commands"},
		Summary:     "The status of a queued command",
		Description: "pending, then accepted with the answer, or rejected with the problem; failed when it could not be handled. " +
			"Known for a day, to the actor that sent the command.",
		Parameters: []parameter{idSegmentParameter("commandId")},
		Responses: with(map[string]response{"200": {
			Description: "The status.",
			Headers:     headerRefs("Retry-After", "X-Request-Id"),
			Content:     jsonContent(schemaRef("command-status"), exampleStatus()),
		}}, http.StatusNotFound),
	}
}
