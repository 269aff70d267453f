package api

import (
	"encoding/json/jsontext"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"daybook/events"
)

// Schemas of members that several bodies share.
var (
	versionSchema = jsontext.Value(`{"type":"integer","format":"int64","minimum":0}`)
	othersSchema  = jsontext.Value(`{"type":"array","items":{"type":"string"},"description":"Consistency tokens of the other streams that the command wrote to.","examples":[["product/b@2"]]}`)
	tokenSchema   = jsontext.Value(`{"type":"string","description":"Consistency token: what a query's after takes.","examples":["user/7@3"]}`)
	textSchema    = jsontext.Value(`{"type":"string"}`)
	statusSchema  = jsontext.Value(`{"type":"integer","minimum":100,"maximum":599}`)
)

// The forms of parameters that are strings. A text that they refuse is malformed;
// so are a date that no calendar has and an id that is too long, which they let
// through.
const (
	// unfit are the characters that no id holds, for a class of a pattern: control
	// characters, and U+FFFD as itself, since Go and ECMA-262 escape it differently.
	unfit = `\x00-\x1f\x7f-\x9f�`
	// number is that of a version. No stream has one of more digits.
	number       = `[1-9][0-9]{0,17}`
	space        = `[ \t\n\x0b\x0c\r]*`
	tokenPattern = space + `[a-z]([a-z0-9-]{0,62}[a-z0-9])?/[^` + unfit + `]{1,128}@` + number + space
	tagPattern   = `(W/)?"[^"\x00-\x20\x7f]*"`
	tagsPattern  = `^[ \t,]*(\*|` + tagPattern + `([ \t]*,[ \t,]*` + tagPattern + `)*)[ \t,]*$`
	afterPattern = `^` + tokenPattern + `(,` + tokenPattern + `)*$`
	atPattern    = `^(` + number + `|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))$`
)

// Schemas with patterns are made when the description is: at the start of a
// function nobody has asked for it.

// idForm are the rules of an id.
func idForm() string {
	return `"minLength":1,"maxLength":` + strconv.Itoa(events.MaxIDLength) + `,"pattern":` + string(text("^[^"+unfit+"]+$"))
}

func idSchema() jsontext.Value {
	return jsontext.Value(`{"type":"string",` + idForm() + `,"description":"No control characters."}`)
}

func afterSchema() jsontext.Value {
	return jsontext.Value(`{"type":"string","pattern":` + string(text(afterPattern)) + `,"examples":["user/7@3","user/7@3,product/b@2"]}`)
}

func atSchema() jsontext.Value {
	return jsontext.Value(`{"type":"string","pattern":` + string(text(atPattern)) + `,"examples":["2","2026-01-31T12:00:00Z"]}`)
}

func sharedComponents(kinds map[events.Code]kind) components {
	return components{
		Schemas: map[string]jsontext.Value{
			"accepted":         closed(acceptedMembers(), "id", "version", "commandId"),
			"problem":          problemSchema(kinds),
			"batch-result":     batchResultSchema(),
			"history":          historySchema(),
			"expected-version": jsontext.Value(`{"type":["integer","null"],"format":"int64","minimum":0,"maximum":9223372036854775807,"description":"The stream's version that the command was decided on; 0: the stream must not exist."}`),
		},
		Parameters: sharedParameters(),
		Headers:    sharedHeaders(),
		Responses:  problemResponses(kinds),
	}
}

func acceptedMembers() map[string]jsontext.Value {
	return map[string]jsontext.Value{"id": idSchema(), "version": versionSchema, "commandId": idSchema(), "token": tokenSchema, "others": othersSchema}
}

// batchResultSchema is one object for success and failure: a union that is told
// apart by the number in status has no discriminator, which generators of clients
// need.
func batchResultSchema() jsontext.Value {
	members := acceptedMembers()
	members["status"] = jsontext.Value(`{"type":"integer","minimum":200,"maximum":599,"description":"200 or 201: the other members are the answer. 202: queued, with commandId, id and location. From 400: problem says why."}`)
	members["replayed"] = jsontext.Value(`{"type":"boolean","description":"The first answer to this command id, again."}`)
	members["location"] = statusURL
	members["problem"] = schemaRef("problem")
	return closed(members, "status")
}

func problemSchema(kinds map[events.Code]kind) jsontext.Value {
	codes := slices.Sorted(maps.Keys(kinds))
	known := make([]string, len(codes))
	for i, c := range codes {
		known[i] = string(c)
	}
	return closed(map[string]jsontext.Value{
		"type":   jsontext.Value(`{"type":"string","format":"uri"}`),
		"title":  textSchema,
		"status": statusSchema,
		"code":   jsontext.Value(`{"type":"string","description":` + string(text("Stable. "+strings.Join(known, ", ")+", or a domain rejection's own.")) + `}`),
		"detail": textSchema,
		"errors": jsontext.Value(`{"type":"array","items":` + string(closed(map[string]jsontext.Value{
			"path":    jsontext.Value(`{"type":"string","description":"A JSON pointer into the body, or the name of a header or a query parameter."}`),
			"message": textSchema,
		}, "path", "message")) + `}`),
		"version":   versionSchema,
		"requestId": textSchema,
	}, "type", "title", "status", "code", "detail")
}

func historySchema() jsontext.Value {
	event := closed(map[string]jsontext.Value{
		"version": versionSchema, "name": textSchema, "schema": jsontext.Value(`{"type":"integer","minimum":1}`),
		"data": jsontext.Value(`{"type":"object"}`), "time": jsontext.Value(`{"type":"string","format":"date-time"}`),
		"actor": textSchema, "commandId": textSchema, "correlation": textSchema, "causation": textSchema,
	}, "version", "name", "schema", "data", "time")
	return closed(map[string]jsontext.Value{
		"events": jsontext.Value(`{"type":"array","items":` + string(event) + `}`),
		"next":   jsontext.Value(`{"type":"integer","format":"int64","minimum":2,"description":"from of the next page."}`),
	}, "events")
}

func sharedParameters() map[string]parameter {
	return map[string]parameter{
		"Idempotency-Key":  {Name: "Idempotency-Key", In: "header", Schema: headerIDSchema(), Description: "The command's id, on the stream of the command: a repeat within 24 hours, or as long as the command is declared to recognise one, gets the first answer again and changes nothing."},
		"If-Match":         {Name: "If-Match", In: "header", Schema: jsontext.Value(`{"type":"string","pattern":` + string(text(tagsPattern)) + `,"examples":["\"2\""]}`), Description: "The version, in quotes, that the stream must be at, a list of them, or * for a stream that exists; else 412. A weak tag (W/) matches nothing."},
		"If-None-Match":    {Name: "If-None-Match", In: "header", Schema: one("*"), Description: "The stream must not exist; else 412."},
		"If-Changed":       {Name: "If-None-Match", In: "header", Schema: textSchema, Description: "Entity tags that the client has: 304 when one of them is the row's."},
		"X-Correlation-Id": {Name: "X-Correlation-Id", In: "header", Schema: headerIDSchema(), Description: "An id shared by all that the request sets off; the request's id by default."},
		"Prefer":           {Name: "Prefer", In: "header", Schema: jsontext.Value(`{"type":"string","examples":["respond-async"]}`), Description: "respond-async: answer 202 when the command is queued (RFC 7240)."},
		"after":            {Name: "after", In: "query", Schema: afterSchema(), Description: "Consistency tokens, joined by commas: the answer has seen at least these versions."},
		"at": {Name: "at", In: "query", Schema: atSchema(),
			Description: "The row as it was: at a version of its stream, or at a time (RFC 3339). Not together with after."},
	}
}

func sharedHeaders() map[string]header {
	return map[string]header{
		"ETag":                {"The version in quotes; behind a dot, the version of a view that was raised.", jsontext.Value(`{"type":"string"}`)},
		"Location":            {"The stream that was started, or the status of a command that was queued, relative to the request.", jsontext.Value(`{"type":"string","format":"uri-reference"}`)},
		"Idempotent-Replayed": {"true: the first answer to this command id, again.", one("true")},
		"Preference-Applied":  {"respond-async, when the command was queued.", textSchema},
		"X-Request-Id":        {"The request's id, as logged.", textSchema},
		"X-Correlation-Id":    {"The id shared by all that the request sets off.", textSchema},
		"Retry-After":         {"Seconds to wait before a retry.", jsontext.Value(`{"type":"integer"}`)},
		"Allow":               {"The methods of the path.", textSchema},
		"Daybook-Parked":      {"true: the row, or one of the page, is behind, or missing: its view can't apply an event and holds back those after it.", one("true")},
		"Daybook-Stale":       {"true: the view has not seen what was asked for in time.", one("true")},
	}
}

// missingRow names the response 404 to a row, which the view may lack because a
// stream is parked.
const missingRow = "missing-row"

// The gateway of an HTTP API answers some 400, 401, 403 and 429 itself, as
// {"message":…}. That is in docs/http.md and not here: with two types of content,
// clients in TypeScript could not read a problem's code without asking which it is.

// problemResponses is a response for each status that a problem can have, and
// missingRow.
func problemResponses(kinds map[events.Code]kind) map[string]response {
	byStatus := map[int][]string{http.StatusPreconditionFailed: {string(events.CodeVersionConflict)}}
	for code, k := range kinds {
		byStatus[k.status] = append(byStatus[k.status], string(code))
	}
	byStatus[rejected.status] = append(byStatus[rejected.status], "or a domain rejection's own")
	responses := map[string]response{}
	for status, codes := range byStatus {
		slices.Sort(codes)
		headers := []string{"X-Request-Id"}
		switch status {
		case http.StatusMethodNotAllowed:
			headers = append(headers, "Allow")
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			headers = append(headers, "Retry-After")
		}
		responses[strconv.Itoa(status)] = response{
			Description: http.StatusText(status) + ": " + strings.Join(codes, ", "),
			Headers:     headerRefs(headers...),
			Content:     map[string]media{"application/problem+json": {Schema: schemaRef("problem"), Examples: exampleProblems(kinds, status)}},
		}
	}
	missing := responses[strconv.Itoa(http.StatusNotFound)]
	missing.Headers = headerRefs("X-Request-Id", "Daybook-Parked")
	responses[missingRow] = missing
	return responses
}

func responseRef(name string) response { return response{Ref: "#/components/responses/" + name} }

// with adds the problems of the given statuses, and those of every request, to
// the responses of success. 405 is the answer to the path's other methods: a
// description has no other place for it.
func with(success map[string]response, statuses ...int) map[string]response {
	return withProblems(success, append(statuses, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusMethodNotAllowed, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable)...)
}

func withProblems(success map[string]response, statuses ...int) map[string]response {
	for _, s := range statuses {
		name := strconv.Itoa(s)
		success[name] = responseRef(name)
	}
	return success
}
