package api

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
)

// The parts of an OpenAPI 3.1 document that the description uses.
type (
	document struct {
		OpenAPI    string              `json:"openapi"`
		Info       information         `json:"info"`
		Servers    []serverURL         `json:"servers"`
		Tags       []tag               `json:"tags"`
		Paths      map[string]pathItem `json:"paths"`
		Components components          `json:"components"`
		// Security is what an operation needs that says nothing of its own; none
		// for an API that is open to all.
		Security []map[string][]string `json:"security"`
	}
	information struct {
		Title       string  `json:"title"`
		Version     string  `json:"version"`
		Description string  `json:"description"`
		License     license `json:"license"`
	}
	license struct {
		Name       string `json:"name"`
		Identifier string `json:"identifier"` // an SPDX expression
	}
	serverURL struct {
		URL         string `json:"url"`
		Description string `json:"description"`
	}
	tag struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}
	pathItem struct {
		Get  *operation `json:"get,omitzero"`
		Post *operation `json:"post,omitzero"`
	}
	operation struct {
		OperationID string              `json:"operationId"`
		Tags        []string            `json:"tags"`
		Summary     string              `json:"summary"`
		Description string              `json:"description,omitzero"`
		Parameters  []parameter         `json:"parameters,omitempty"`
		RequestBody *requestBody        `json:"requestBody,omitzero"`
		Responses   map[string]response `json:"responses"`
		// Security lists ways to be let in, each by scheme and scopes; one of
		// them is enough.
		Security []map[string][]string `json:"security,omitempty"`
	}
	parameter struct {
		Ref         string         `json:"$ref,omitzero"`
		Name        string         `json:"name,omitzero"`
		In          string         `json:"in,omitzero"`
		Description string         `json:"description,omitzero"`
		Required    bool           `json:"required,omitzero"`
		Style       string         `json:"style,omitzero"`
		Explode     *bool          `json:"explode,omitzero"`
		Schema      jsontext.Value `json:"schema,omitzero"`
	}
	requestBody struct {
		Required bool             `json:"required"`
		Content  map[string]media `json:"content"`
	}
	response struct {
		Ref         string              `json:"$ref,omitzero"`
		Description string              `json:"description,omitzero"`
		Headers     map[string]response `json:"headers,omitempty"` // by reference
		Content     map[string]media    `json:"content,omitempty"`
	}
	media struct {
		Schema   jsontext.Value     `json:"schema"`
		Example  jsontext.Value     `json:"example,omitzero"`
		Examples map[string]example `json:"examples,omitempty"`
	}
	header struct {
		Description string         `json:"description"`
		Schema      jsontext.Value `json:"schema"`
	}
	components struct {
		Schemas    map[string]jsontext.Value `json:"schemas"`
		Parameters map[string]parameter      `json:"parameters"`
		Headers    map[string]header         `json:"headers"`
		Responses  map[string]response       `json:"responses"`

		SecuritySchemes map[string]securityScheme `json:"securitySchemes,omitempty"`
	}
	// discriminator names the member that tells the schemas of a oneOf apart, and
	// the component that each of its values stands for.
	discriminator struct {
		PropertyName string            `json:"propertyName"`
		Mapping      map[string]string `json:"mapping"`
	}
	// object is a JSON Schema of an object.
	object struct {
		Type       string                    `json:"type"`
		Properties map[string]jsontext.Value `json:"properties"`
		Required   []string                  `json:"required,omitempty"`
		Additional bool                      `json:"additionalProperties"`
	}
)

// schemaRef is a JSON Schema that refers to a component.
func schemaRef(name string) jsontext.Value {
	return jsontext.Value(`{"$ref":"#/components/schemas/` + name + `"}`)
}

func parameterRef(name string) parameter { return parameter{Ref: "#/components/parameters/" + name} }

// headerRefs are response headers by reference.
func headerRefs(names ...string) map[string]response {
	refs := map[string]response{}
	for _, name := range names {
		refs[name] = response{Ref: "#/components/headers/" + name}
	}
	return refs
}

// jsonContent is a body of JSON, with an example unless that is nil.
func jsonContent(schema, example jsontext.Value) map[string]media {
	return map[string]media{"application/json": {Schema: schema, Example: example}}
}

func (d discriminator) json() string {
	b, err := json.Marshal(d, json.Deterministic(true))
	if err != nil { // strings
		return "null"
	}
	return string(b)
}

// one is the JSON Schema of a string with a single value. It is an enum: some
// generators of clients do not know const.
func one(value string) jsontext.Value {
	return jsontext.Value(`{"type":"string","enum":` + string(texts([]string{value})) + `}`)
}

// closed is the JSON Schema of an object with these members and no others. It
// can't fail: names and schemas are this package's own or were checked.
func closed(properties map[string]jsontext.Value, required ...string) jsontext.Value {
	b, err := json.Marshal(object{Type: "object", Properties: properties, Required: required}, json.Deterministic(true))
	if err != nil {
		return jsontext.Value("false")
	}
	return b
}

// texts writes strings as a JSON array.
func texts(list []string) jsontext.Value {
	b, err := json.Marshal(list)
	if err != nil {
		return jsontext.Value("[]")
	}
	return b
}

// text writes a string as JSON.
func text(s string) jsontext.Value {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return jsontext.Value(`""`)
	}
	return b
}
