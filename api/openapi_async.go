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
	return closed(map[string]jsontext.Value{"commandId": idSchema, "id": idSchema, "status": statusURL}, "commandId", "id")
}

func batchQueuedSchema() jsontext.Value {
	queued := closed(map[string]jsontext.Value{
		"status": jsontext.Value(`{"const":202}`), "commandId": idSchema, "id": idSchema, "location": statusURL,
		"replayed": jsontext.Value(`{"type":"boolean","description":"A command of this id was queued before."}`),
	}, "status", "commandId", "id")
	failed := closed(map[string]jsontext.Value{
		"status": jsontext.Value(`{"type":"integer","minimum":400,"maximum":599}`), "problem": schemaRef("problem"),
	}, "status", "problem")
	return jsontext.Value(`{"type":"array","items":{"oneOf":[` + string(queued) + `,` + string(failed) + `]}}`)
}

func statusAnswerSchema() jsontext.Value {
	members := func(status string) map[string]jsontext.Value {
		return map[string]jsontext.Value{"status": jsontext.Value(status), "commandId": idSchema, "id": idSchema, "since": sinceSchema}
	}
	required := []string{"status", "commandId", "id", "since"}
	accepted := acceptedMembers()
	for name, schema := range members(`{"const":"accepted"}`) {
		accepted[name] = schema
	}
	accepted["started"] = startedSchema
	refused := members(`{"enum":["rejected","failed"]}`)
	refused["problem"] = schemaRef("problem")
	return jsontext.Value(`{"oneOf":[` + string(closed(members(`{"const":"pending"}`), required...)) + `,` +
		string(closed(accepted, append(required, "version")...)) + `,` +
		string(closed(refused, append(required, "problem")...)) + `]}`)
}

func statusOperation() *operation {
	return &operation{
		OperationID: "command-status",
		Tags:        []string{"commands"},
		Summary:     "The status of a queued command",
		Description: "pending, then accepted with the answer, or rejected with the problem; failed when it could not be handled. " +
			"Known for a day, to the actor that sent the command.",
		Parameters: []parameter{segmentParameter("commandId")},
		Responses: with(map[string]response{"200": {
			Description: "The status.",
			Headers:     headerRefs("Retry-After", "X-Request-Id"),
			Content:     jsonContent(schemaRef("command-status")),
		}}, http.StatusNotFound),
	}
}
