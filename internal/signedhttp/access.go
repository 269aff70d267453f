package signedhttp

import "slices"

// LacksRight reports whether a service answers with this code to a caller whose
// policies do not allow the call.
func LacksRight(code string) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException", "KmsAccessDenied", "UnauthorizedOperation"}, code)
}

// RejectsCredentials reports whether a service answers with this code to a caller
// whom it does not know, or whose signature is not valid.
func RejectsCredentials(code string) bool {
	return slices.Contains([]string{
		"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
		"InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException",
		"ExpiredToken", "ExpiredTokenException", "RequestExpired",
	}, code)
}
