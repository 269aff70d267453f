package dynamo

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/process"
)

// The attributes of an item of the processes table, besides its key and its place
// in the index; see the table in doc.go.
const (
	attrRevision     = "v"
	attrHandled      = "c"
	attrMemory       = "m"
	attrMemorySchema = "s"
	attrAttempts     = "n"
	attrRejections   = "j"
	attrAnswered     = "h"
	attrTimers       = "t"
	attrFault        = "f"
)

// entryKey is the key of an entry: a reactor's name has no slash.
func entryKey(k process.Key) string { return k.Reactor + "/" + string(k.Stream) }

// encodeEntry returns the attributes of an entry. Errors: too-large, internal.
func encodeEntry(e *process.Entry) (map[string]types.AttributeValue, error) {
	if err := refuseUnsealed(e.Memory); err != nil {
		return nil, err
	}
	item := itemKey(entryKey(e.Key))
	item[attrRevision] = numberValue(e.Revision)
	for name, n := range map[string]int64{attrHandled: e.Commit, attrMemorySchema: int64(e.MemorySchema), attrAttempts: int64(e.Attempts)} {
		if n != 0 {
			item[name] = numberValue(n)
		}
	}
	if e.Memory != nil {
		item[attrMemory] = &types.AttributeValueMemberS{Value: string(e.Memory)}
	}
	var err error
	text := func(name string, v any) {
		b, e := json.Marshal(v, json.Deterministic(true))
		err = errors.Join(err, e)
		item[name] = &types.AttributeValueMemberS{Value: string(b)}
	}
	if len(e.Rejections) > 0 {
		text(attrRejections, e.Rejections)
	}
	if len(e.Answered) > 0 {
		text(attrAnswered, e.Answered)
	}
	if len(e.Timers) > 0 {
		text(attrTimers, e.Timers)
	}
	if e.Fault != nil {
		text(attrFault, e.Fault)
		item[attrIndexPartition+parkedIndex] = &types.AttributeValueMemberS{Value: e.Reactor}
		item[attrIndexSort+parkedIndex] = &types.AttributeValueMemberS{Value: string(e.Stream)}
	}
	if err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "an entry can't be stored")
	}
	if itemSize(item) > maxItemSize {
		return nil, tooLarge("an item")
	}
	return item, nil
}

// decodeEntry reads what encodeEntry wrote. Its error has code internal.
func decodeEntry(item map[string]types.AttributeValue) (*process.Entry, error) {
	key := textOf(item[attrKey])
	reactor, stream, ok := strings.Cut(key, "/")
	var err error
	if !ok {
		err = errors.New("it has another key")
	}
	number := func(name string) int64 {
		v, there := item[name]
		if !there {
			return 0
		}
		n, e := integerOf(v)
		err = errors.Join(err, e)
		return n
	}
	text := func(name string, v any) {
		if t := textOf(item[name]); t != "" {
			err = errors.Join(err, json.Unmarshal([]byte(t), v))
		}
	}
	e := process.Entry{
		Key: process.Key{Reactor: reactor, Stream: events.Stream(stream)}, Revision: number(attrRevision), Commit: number(attrHandled),
		MemorySchema: int(number(attrMemorySchema)), Attempts: int(number(attrAttempts)),
	}
	if t := textOf(item[attrMemory]); t != "" {
		e.Memory = jsontext.Value(t)
	}
	text(attrRejections, &e.Rejections)
	text(attrAnswered, &e.Answered)
	text(attrTimers, &e.Timers)
	text(attrFault, &e.Fault)
	if e.Fault != nil {
		e.Fault.Consumer, e.Fault.Stream = e.Reactor, e.Stream
	}
	if err != nil {
		return nil, events.Wrap(events.CodeInternal, fmt.Errorf("item %q: %w", key, err), "an entry of the processes table can't be read")
	}
	return &e, nil
}
