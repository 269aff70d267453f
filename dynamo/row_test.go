package dynamo

import (
	"encoding/json/jsontext"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"daybook/events"
	"daybook/events/decimal"
	"daybook/localstack/embedded/attr"
	"daybook/view/driver"
)

func TestItemsComeBack(t *testing.T) {
	t.Parallel()
	genPlace := rapid.Custom(func(t *rapid.T) driver.IndexKey {
		k := driver.IndexKey{Partition: "=" + rapid.String().Draw(t, "partition"), Sort: driver.Sort{Kind: driver.SortString, Text: "=" + rapid.String().Draw(t, "sort")}}
		if rapid.Bool().Draw(t, "number") {
			n, err := parseNumber(fmt.Sprintf("%s1.2e%d", rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign"), rapid.IntRange(decimal.MinExponent, decimal.MaxExponent).Draw(t, "exponent")))
			if err != nil {
				t.Fatal(err)
			}
			k.Sort = driver.Sort{Kind: driver.SortNumber, Text: n.String()}
		}
		return k
	})
	rapid.Check(t, func(t *rapid.T) {
		want := driver.Item{
			Key:     "k" + rapid.String().Draw(t, "key"),
			Commit:  rapid.Int64().Draw(t, "commit"),
			Version: rapid.Int64().Draw(t, "version"),
		}
		if rapid.Bool().Draw(t, "row") {
			members := rapid.MapOfN(rapid.SampledFrom([]string{"", "key", "_c", "_v", "__key", "_p-x", "_s-x", "_o", "_r", "name", "é", "Z", "z"}), genJSON(2), 0, 8).Draw(t, "members")
			var parts []string
			for name, v := range members { // in any order
				parts = append(parts, `"`+name+`":`+v)
			}
			want.Row = jsontext.Value("{" + strings.Join(parts, ",") + "}")
		}
		if rapid.Bool().Draw(t, "memo") {
			want.Memo = genValue(1).Draw(t, "memo")
		}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"by-name", "x", "a"}), 0, 3, rapid.ID).Draw(t, "indexes") {
			if want.Index == nil {
				want.Index = map[string]driver.IndexKey{}
			}
			want.Index[name] = genPlace.Draw(t, "place")
		}
		item, err := encodeItem(&want)
		if err != nil {
			t.Fatal(err)
		}
		if itemSize(item) != billed(t, item) {
			t.Fatalf("size %d, billed %d", itemSize(item), billed(t, item))
		}
		got, err := decodeItem(item)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got\n%+v\nwant\n%+v", got, want)
		}
	})
}

func TestRowsAreNativeAttributes(t *testing.T) {
	t.Parallel()
	row := `{"name":"Ann","key":"k","_c":"x","cents":-1995,"share":0.25,"big":123456789012345678901234567890,"active":true,"none":null,"empty":"",` +
		`"tags":["a",1,[]],"address":{"zip":"10115","city":"Berlin","geo":{}}}`
	item, err := encodeItem(&driver.Item{Key: "7", Row: jsontext.Value(row), Commit: 3, Version: 4})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"___c":{"S":"x"},"__key":{"S":"k"},"_c":{"N":"3"},"_o":{"B":"BwYABAkDAQgFCgICAAE="},"_v":{"N":"4"},"active":{"BOOL":true},` +
		`"address":{"M":{"city":{"S":"Berlin"},"geo":{"M":{}},"zip":{"S":"10115"}}},"big":{"N":"123456789012345678901234567890"},` +
		`"cents":{"N":"-1995"},"empty":{"S":""},"key":{"S":"7"},"name":{"S":"Ann"},"none":{"NULL":true},"share":{"N":"0.25"},` +
		`"tags":{"L":[{"S":"a"},{"N":"1"},{"L":[]}]}}`
	if got := wire(t, item); string(got) != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	back, err := decodeItem(item)
	if err != nil || string(back.Row) != row {
		t.Errorf("came back as %s, error %v", back.Row, err)
	}
}

func TestRowsThatStayText(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]string{
		"space":           `{"a": 1}`,
		"1.50":            `{"a":1.50}`,
		"1e3":             `{"a":1e3}`,
		"-0":              `{"a":-0}`,
		"39 digits":       `{"a":123456789012345678901234567890123456789}`,
		"1e200":           `{"a":1e200}`,
		"escapes":         `{"a":"\u00e9"}`,
		"no name":         `{"":1}`,
		"a name within":   `{"a":{"":1}}`,
		"a long name":     `{"a":{"` + strings.Repeat("n", 65536) + `":1}}`,
		"no members":      `{}`,
		"31 levels":       `{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`,
		"a name escaped":  `{"\u0061":1}`,
		"1.5e40 as plain": `{"a":15000000000000000000000000000000000000000}`,
	} {
		item, err := encodeItem(&driver.Item{Key: "7", Row: jsontext.Value(row), Version: 1})
		if err != nil || item[attrRaw] == nil || len(item) != 3 {
			t.Errorf("%s: item %v, error %v", name, item, err)
			continue
		}
		if back, err := decodeItem(item); err != nil || string(back.Row) != row {
			t.Errorf("%s: came back as %s, error %v", name, back.Row, err)
		}
	}
}

func TestItemsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	place := func(partition string, sort driver.Sort) driver.Item {
		return driver.Item{Key: "7", Index: map[string]driver.IndexKey{"x": {Partition: partition, Sort: sort}}}
	}
	text := driver.Sort{Kind: driver.SortString, Text: "a"}
	for name, c := range map[string]struct {
		item driver.Item
		want events.Code
	}{
		"a row that is not an object": {driver.Item{Key: "7", Row: jsontext.Value(`[]`)}, events.CodeInternal},
		"a row that is no JSON":       {driver.Item{Key: "7", Row: jsontext.Value(`{"a":}`)}, events.CodeInternal},
		"a name twice":                {driver.Item{Key: "7", Row: jsontext.Value(`{"a":1,"a":2}`)}, events.CodeInternal},
		"two rows":                    {driver.Item{Key: "7", Row: jsontext.Value(`{"a":1}{}`)}, events.CodeInternal},
		"no partition":                {place("", text), events.CodeInternal},
		"no sort key":                 {place("a", driver.Sort{Kind: driver.SortString}), events.CodeInternal},
		"no kind of sort key":         {place("a", driver.Sort{Text: "a"}), events.CodeInternal},
		"a number that is none":       {place("a", driver.Sort{Kind: driver.SortNumber, Text: "a"}), events.CodeInternal},
		"a partition over 2 KB":       {place(strings.Repeat("a", 2049), text), events.CodeTooLarge},
		"a sort key over 1 KB":        {place("a", driver.Sort{Kind: driver.SortString, Text: strings.Repeat("a", 1025)}), events.CodeTooLarge},
		"a key over 2 KB":             {driver.Item{Key: strings.Repeat("a", 2049)}, events.CodeTooLarge},
		"a row of more than 400KB":    {driver.Item{Key: "7", Row: jsontext.Value(`{"a":"` + strings.Repeat("a", maxItemSize) + `"}`)}, events.CodeTooLarge},
	} {
		if _, err := encodeItem(&c.item); events.CodeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestItemsChangedByHand: a person who edits a row in the console may add or remove
// a member; the order no longer fits then.
func TestItemsChangedByHand(t *testing.T) {
	t.Parallel()
	item, err := encodeItem(&driver.Item{Key: "7", Row: jsontext.Value(`{"b":1,"a":{"d":2,"c":3}}`), Version: 1})
	if err != nil {
		t.Fatal(err)
	}
	item["added"] = &types.AttributeValueMemberBOOL{}
	item["_x"] = &types.AttributeValueMemberS{Value: "of a later program"}
	item[attrIndexPartition+"half"] = &types.AttributeValueMemberS{Value: "a"}
	got, err := decodeItem(item)
	if err != nil || string(got.Row) != `{"a":{"c":3,"d":2},"added":false,"b":1}` || len(got.Index) != 0 {
		t.Errorf("got %s, error %v", got.Row, err)
	}
	delete(item, "added")
	item["a"] = &types.AttributeValueMemberN{Value: "1.50"}
	if got, err = decodeItem(item); err != nil || string(got.Row) != `{"a":1.5,"b":1}` {
		t.Errorf("got %s, error %v", got.Row, err)
	}
}

func TestDecodingItemsNeverPanics(t *testing.T) {
	t.Parallel()
	values := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }),
		rapid.Map(rapid.String(), func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }),
		rapid.Just[types.AttributeValue](&types.AttributeValueMemberSS{Value: []string{"a"}}),
		rapid.Just[types.AttributeValue](&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"b": &types.AttributeValueMemberNULL{}, "a": nil}}),
	)
	names := rapid.SampledFrom([]string{attrKey, attrApplied, attrGuard, attrMemo, attrOrder, attrRaw, "_p-x", "_s-x", "a", "b", "__", "_"})
	rapid.Check(t, func(t *rapid.T) {
		item := rapid.MapOf(names, values).Draw(t, "item")
		if it, err := decodeItem(item); err != nil && events.CodeOf(err) != events.CodeInternal {
			t.Fatalf("code %q", events.CodeOf(err))
		} else if err == nil && it.Row != nil && item[attrRaw] == nil && !it.Row.IsValid() {
			t.Fatalf("row %q", it.Row)
		}
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	texts := rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		a := texts.Draw(t, "a")
		theirs, err := attr.ParseNumber(a)
		if err != nil {
			t.Fatal(err)
		}
		if mine := numberSize(a); mine != attr.N(theirs).Size() {
			t.Fatalf("%s takes %d bytes, billed %d", a, mine, attr.N(theirs).Size())
		}
	})
	for _, text := range []string{"", "-", ".", "1e", "1e1000000000000", "a", "1a", "1e126", "1e-131", "1.2.3", "--1", "123456789012345678901234567890123456789"} {
		if n, err := parseNumber(text); err == nil {
			t.Errorf("%q is %s", text, n)
		}
	}
}
