package dynamo

import (
	"encoding/json/v2"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
)

// The attributes of the requests table; see the package's description.
const (
	attrRequest = "command"
	attrRank    = "s"
	attrSince   = "t"
	attrOf      = "k"
	attrSentBy  = "a"
	attrOthers  = "o"
	attrProblem = "p"
)

// states are the states by their rank.
func states() []async.State {
	return []async.State{async.StatePending, async.StateFailed, async.StateRejected, async.StateAccepted}
}

// storedProblem is an error as a status stores it.
type storedProblem struct {
	Code     events.Code    `json:"code"`
	Message  string         `json:"message,omitzero"`
	Rejected bool           `json:"rejected,omitzero"`
	Fields   []events.Field `json:"fields,omitempty"`
	Version  int64          `json:"version,omitzero"`
}

func requestItem(s async.Status) (map[string]types.AttributeValue, error) {
	expires := s.Since.Add(async.StatusKept + time.Second - 1) // rounded up: never before it is forgotten
	item := map[string]types.AttributeValue{
		attrRequest: &types.AttributeValueMemberS{Value: events.Scoped(s.Tenant, s.CommandID)},
		attrRank:    numberValue(int64(s.State.Rank())),
		attrSince:   numberValue(s.Since.UnixMilli()),
		attrExpires: numberValue(expires.Unix()),
		attrOf:      &types.AttributeValueMemberS{Value: string(s.Stream)},
		attrDigest:  &types.AttributeValueMemberB{Value: s.Digest[:]},
	}
	if s.Actor != "" {
		item[attrSentBy] = &types.AttributeValueMemberS{Value: s.Actor}
	}
	if s.State == async.StateAccepted {
		item[attrAfter] = numberValue(s.Result.Version)
		if s.Result.Started {
			item[attrStarted] = &types.AttributeValueMemberBOOL{Value: true}
		}
		if len(s.Result.Others) > 0 {
			var tokens []types.AttributeValue
			for _, t := range s.Result.Others {
				t.Stream = t.Stream.In("") // of the tenant of the item
				tokens = append(tokens, &types.AttributeValueMemberS{Value: t.String()})
			}
			item[attrOthers] = &types.AttributeValueMemberL{Value: tokens}
		}
	}
	if e := s.Problem; e != nil {
		text, err := json.Marshal(storedProblem{e.Code, e.Message, e.Rejected, e.Fields, e.Version}, json.Deterministic(true))
		if err != nil {
			return nil, events.Wrap(events.CodeInternal, err, "a command's status can't be written")
		}
		item[attrProblem] = &types.AttributeValueMemberS{Value: string(text)}
	}
	return item, nil
}

// decodeRequest reads what requestItem wrote for a tenant.
func decodeRequest(item map[string]types.AttributeValue, tenant string) (*async.Status, error) {
	id, ok := strings.CutPrefix(textOf(item[attrRequest]), events.Scoped(tenant, ""))
	rank, rankErr := integerOf(item[attrRank])
	since, sinceErr := integerOf(item[attrSince])
	digest, isBinary := item[attrDigest].(*types.AttributeValueMemberB)
	s := &async.Status{
		Tenant: tenant, CommandID: id, Since: time.UnixMilli(since).UTC(),
		Stream: events.Stream(textOf(item[attrOf])), Actor: textOf(item[attrSentBy]),
	}
	if !ok || errors.Join(rankErr, sinceErr) != nil || rank < 0 || int(rank) >= len(states()) || !isBinary || copy(s.Digest[:], digest.Value) != len(s.Digest) {
		return nil, unreadable(item)
	}
	s.State = states()[rank]
	if s.State == async.StateAccepted {
		if err := decodeResult(item, s); err != nil {
			return nil, err
		}
	}
	if text := textOf(item[attrProblem]); text != "" {
		var p storedProblem
		if json.Unmarshal([]byte(text), &p) != nil {
			return nil, unreadable(item)
		}
		s.Problem = &events.Error{Code: p.Code, Message: p.Message, Rejected: p.Rejected, Fields: p.Fields, Version: p.Version}
	}
	return s, nil
}

// decodeResult reads the answer of an accepted command.
func decodeResult(item map[string]types.AttributeValue, s *async.Status) error {
	version, err := integerOf(item[attrAfter])
	if err != nil {
		return unreadable(item)
	}
	s.Result = aggregate.Result{Stream: s.Stream, CommandID: s.CommandID, Version: version}
	if b, ok := item[attrStarted].(*types.AttributeValueMemberBOOL); ok {
		s.Result.Started = b.Value
	}
	if others, ok := item[attrOthers].(*types.AttributeValueMemberL); ok {
		for _, v := range others.Value {
			token, err := events.ParseToken(textOf(v))
			if err != nil {
				return unreadable(item)
			}
			token.Stream = token.Stream.In(s.Tenant)
			s.Result.Others = append(s.Result.Others, token)
		}
	}
	return nil
}
