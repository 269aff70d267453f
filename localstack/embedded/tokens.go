package embedded

import (
	"crypto/sha256"
	"sync"
)

// tokenLife is how long, in seconds, DynamoDB remembers a ClientRequestToken.
const tokenLife = 600

// tokenUse is one transaction's ClientRequestToken. Both parts are hashes, so
// that a token costs 36 bytes whatever its length.
type tokenUse struct {
	token  [16]byte
	digest [16]byte // of the request without the token
}

func newTokenUse(token string, request []byte) *tokenUse {
	return &tokenUse{token: shortHash([]byte(token)), digest: shortHash(request)}
}

func shortHash(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// tokenEntry is a token's last use; at is 0 while its request is running.
type tokenEntry struct {
	digest [16]byte
	at     uint32 // Unix seconds
}

// tokens are the ones of the last ten minutes. Two generations make forgetting
// cheap: the older one is dropped whole when it has expired.
type tokens struct {
	mu         sync.Mutex
	young, old map[[16]byte]tokenEntry
	turned     uint32 // when young began
}

// begin claims a token for a request. Replayed is true if the same request was
// done with it already.
func (ts *tokens) begin(u *tokenUse, now uint32) (replayed bool, err error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.turn(now)
	e, ok := ts.young[u.token]
	if !ok {
		e, ok = ts.old[u.token]
	}
	if !ok || e.at != 0 && now >= e.at+tokenLife {
		ts.young[u.token] = tokenEntry{digest: u.digest}
		return false, nil
	}
	if e.digest != u.digest {
		return false, dynamoError("IdempotentParameterMismatchException",
			"The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical")
	}
	if e.at == 0 {
		return false, dynamoError("TransactionInProgressException",
			"The transaction with the given request token is already in progress.")
	}
	return true, nil
}

// end records the outcome: a failed request leaves its token free.
func (ts *tokens) end(u *tokenUse, now uint32, done bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.turn(now)
	delete(ts.old, u.token)
	if done {
		ts.young[u.token] = tokenEntry{digest: u.digest, at: now}
	} else {
		delete(ts.young, u.token)
	}
}

func (ts *tokens) turn(now uint32) {
	if ts.young == nil {
		ts.young, ts.turned = map[[16]byte]tokenEntry{}, now
	}
	if now < ts.turned+tokenLife {
		return
	}
	running := map[[16]byte]tokenEntry{}
	for token, e := range ts.old {
		if e.at == 0 {
			running[token] = e
		}
	}
	ts.old, ts.young, ts.turned = ts.young, running, now
}

// each calls f for every token that has been used.
func (ts *tokens) each(f func(u tokenUse, at uint32)) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, generation := range []map[[16]byte]tokenEntry{ts.old, ts.young} {
		for token, e := range generation {
			if e.at != 0 {
				f(tokenUse{token: token, digest: e.digest}, e.at)
			}
		}
	}
}
