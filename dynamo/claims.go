package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// The attributes of an item of the claims table; see the table in doc.go.
const (
	attrClaim   = "claim"
	attrHolder  = "s"
	attrNumber  = "n"
	attrDigest  = "d"
	attrAfter   = "v"
	attrStarted = "b"
	attrExpires = "x"
)

// oncePrefix begins the keys of once-only commands, behind their tenant. A claim's key
// has "=" or "#" behind its name, never ":".
const oncePrefix = "once:"

func onceKey(tenant, id string) string { return events.Scoped(tenant, oncePrefix+id) }

var errNoClaims = errors.New("the event store was made without a claims table (WithClaims): no values can be claimed, no command be once-only")

// errClaimItem says that the claims table holds what this program did not write.
var errClaimItem = errors.New("an item of the claims table can't be read")

func (s *EventStore) needClaims() error {
	if s.claims == "" {
		return events.Wrap(events.CodeInternal, errNoClaims, msgInternal)
	}
	return nil
}

func claimKey(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrClaim: &types.AttributeValueMemberS{Value: key}}
}

// heldItem is the item of a value that a stream holds.
func heldItem(h events.Held) map[string]types.AttributeValue {
	item := claimKey(h.Key)
	item[attrHolder] = &types.AttributeValueMemberS{Value: string(h.Stream)}
	item[attrNumber] = numberValue(h.Commit)
	return item
}

// spentItem is the item of a once-only command.
func spentItem(s events.Spent) map[string]types.AttributeValue {
	item := claimKey(onceKey(s.Stream.Tenant(), s.ID))
	item[attrHolder] = &types.AttributeValueMemberS{Value: string(s.Stream)}
	item[attrDigest] = &types.AttributeValueMemberB{Value: s.Digest[:]}
	item[attrAfter] = numberValue(s.Version)
	item[attrExpires] = numberValue(s.Until.Unix())
	if s.Started {
		item[attrStarted] = &types.AttributeValueMemberBOOL{Value: true}
	}
	return item
}

func integerOf(v types.AttributeValue) (int64, error) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, errClaimItem
	}
	return strconv.ParseInt(n.Value, 10, 64)
}

// decodeHeld reads what heldItem wrote.
func decodeHeld(item map[string]types.AttributeValue) (events.Held, error) {
	number, err := integerOf(item[attrNumber])
	h := events.Held{Key: textOf(item[attrClaim]), Stream: events.Stream(textOf(item[attrHolder])), Commit: number}
	if err != nil || h.Key == "" || h.Stream == "" {
		return h, events.Wrap(events.CodeInternal, fmt.Errorf("%q: %w", h.Key, errClaimItem), "a claim can't be read")
	}
	return h, nil
}

// decodeSpent reads what spentItem wrote.
func decodeSpent(item map[string]types.AttributeValue) (events.Spent, error) {
	stream := events.Stream(textOf(item[attrHolder]))
	id, ok := strings.CutPrefix(textOf(item[attrClaim]), onceKey(stream.Tenant(), ""))
	version, versionErr := integerOf(item[attrAfter])
	until, untilErr := integerOf(item[attrExpires])
	s := events.Spent{ID: id, Stream: stream, Version: version, Until: time.Unix(until, 0).UTC()}
	digest, isBinary := item[attrDigest].(*types.AttributeValueMemberB)
	if err := errors.Join(versionErr, untilErr); err != nil || !ok || !isBinary || copy(s.Digest[:], digest.Value) != len(s.Digest) {
		return s, events.Wrap(events.CodeInternal, fmt.Errorf("command id %q: %w", id, errClaimItem), "a once-only command can't be read")
	}
	if b, ok := item[attrStarted].(*types.AttributeValueMemberBOOL); ok {
		s.Started = b.Value
	}
	return s, nil
}

// claimItems reads the items of the given keys, strongly consistent.
func (s *EventStore) claimItems(ctx context.Context, keys []string, each func(key string, item map[string]types.AttributeValue) error) error {
	if err := s.needClaims(); err != nil {
		return err
	}
	want := types.KeysAndAttributes{ConsistentRead: ptr(true)}
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		if !seen[key] {
			seen[key] = true
			want.Keys = append(want.Keys, claimKey(key))
		}
	}
	return batchGet(ctx, s.client, s.claims, want, func(item map[string]types.AttributeValue) error {
		return each(textOf(item[attrClaim]), item)
	})
}

// Holders implements events.Store with one BatchGetItem.
func (s *EventStore) Holders(ctx context.Context, keys []string) ([]events.Held, error) {
	found := make(map[string]events.Held, len(keys))
	err := s.claimItems(ctx, keys, func(key string, item map[string]types.AttributeValue) (err error) {
		found[key], err = decodeHeld(item)
		return err
	})
	if err != nil {
		return nil, err
	}
	holders := make([]events.Held, len(keys))
	for i, key := range keys {
		holders[i] = found[key]
	}
	return holders, nil
}

// Spent implements events.Store with one BatchGetItem.
func (s *EventStore) Spent(ctx context.Context, now time.Time, tenant string, ids []string) ([]*events.Spent, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = onceKey(tenant, id)
	}
	found := make(map[string]*events.Spent, len(ids))
	err := s.claimItems(ctx, keys, func(key string, item map[string]types.AttributeValue) error {
		spent, err := decodeSpent(item)
		if err == nil && now.Before(spent.Until) { // DynamoDB deletes what has expired within days, not at once
			found[key] = &spent
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	spent := make([]*events.Spent, len(ids))
	for i, key := range keys {
		spent[i] = found[key]
	}
	return spent, nil
}
