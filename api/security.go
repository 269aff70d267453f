package api

import (
	"net/http"
	"slices"
	"strings"

	"daybook/aggregate"
)

// Security is what the gateway in front of the API asks of its callers. The API
// itself asks nothing: it is there to be described. The zero value is an API that
// is open to all.
type Security struct {
	// SigV4 says that requests are signed with AWS Signature Version 4.
	SigV4 bool
	// Issuer is the URL of the OpenID Connect issuer whose tokens are accepted;
	// "" for none.
	Issuer string
	// WriteScope, ReadScope and HistoryScope are the scopes that a token needs to
	// send commands, to query, and to read events.
	WriteScope, ReadScope, HistoryScope string
}

// securityScheme is a way to prove who calls.
type securityScheme struct {
	Type             string `json:"type"`
	Description      string `json:"description"`
	Name             string `json:"name,omitzero"`
	In               string `json:"in,omitzero"`
	OpenIDConnectURL string `json:"openIdConnectUrl,omitzero"`
	// AuthType is API Gateway's own way to say SigV4, which generators of
	// clients know.
	AuthType string `json:"x-amazon-apigateway-authtype,omitzero"`
}

// The names of the schemes in the description.
const (
	schemeSigV4 = "sigv4"
	schemeJWT   = "jwt"
)

// schemes are the security schemes by name, nil for an open API.
func (s Security) schemes() map[string]securityScheme {
	all := map[string]securityScheme{}
	if s.SigV4 {
		all[schemeSigV4] = securityScheme{
			Type: "apiKey", Name: "Authorization", In: "header", AuthType: "awsSigv4",
			Description: "AWS Signature Version 4 for the service execute-api.",
		}
	}
	if s.Issuer != "" {
		all[schemeJWT] = securityScheme{
			Type: "openIdConnect", OpenIDConnectURL: strings.TrimRight(s.Issuer, "/") + "/.well-known/openid-configuration",
			Description: "A bearer token of the issuer, with the scope that the operation names.",
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// of returns what a method and path need: one of the schemes, with its scopes, and
// with the scope of a command that has one.
func (s Security) of(method, path, commandScope string) []map[string][]string {
	scope := s.ReadScope
	switch {
	case method == http.MethodPost:
		scope = s.WriteScope
	case strings.HasPrefix(path, "/streams/"):
		scope = s.HistoryScope
	}
	var needs []map[string][]string
	if s.SigV4 {
		needs = append(needs, map[string][]string{schemeSigV4: {}})
	}
	if s.Issuer != "" {
		scopes := slices.DeleteFunc([]string{scope, commandScope}, func(s string) bool { return s == "" })
		needs = append(needs, map[string][]string{schemeJWT: scopes})
	}
	return needs
}

// secure says in a description what each operation needs.
func (s Security) secure(d *document, commands []aggregate.Description) {
	scopes := map[string]string{} // of the commands that need one, by path
	for _, c := range commands {
		scopes["/commands/"+c.Name] = c.Scope
	}
	d.Components.SecuritySchemes = s.schemes()
	for path, item := range d.Paths {
		if item.Get != nil {
			item.Get.Security = s.of(http.MethodGet, path, "")
		}
		if item.Post != nil {
			item.Post.Security = s.of(http.MethodPost, path, scopes[path])
		}
	}
}
