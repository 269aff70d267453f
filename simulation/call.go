package simulation

import (
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// call is a request on the network, as a person names it. The label is the same in
// every run of a seed: ids that the product draws at random are no part of it.
type call struct {
	operation string // "PutItem", "SendMessage"
	target    string // X-Amz-Target
	label     string // "PutItem events course/1 3"
	body      []byte
	tables    tableRequest // of one to tables
}

// dynamo reports whether the request is for tables, as opposed to another service.
func (c *call) dynamo() bool { return strings.HasPrefix(c.target, "DynamoDB_") }

// writes reports whether the request changes a table.
func (c *call) writes() bool {
	switch c.operation {
	case "PutItem", "DeleteItem", "UpdateItem", "TransactWriteItems":
		return c.dynamo()
	}
	return false
}

// readCall reads a request to its end.
func readCall(r *http.Request) (*call, error) {
	c := &call{target: r.Header.Get("X-Amz-Target")}
	if r.Body != nil {
		var err error
		if c.body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	_, c.operation, _ = strings.Cut(c.target, ".")
	switch {
	case c.target == "":
		c.operation = r.Method
		c.label = r.Method + " " + r.URL.Path
	case strings.HasPrefix(c.target, "DynamoDB_"):
		c.label = c.operation + c.aboutTables()
	default:
		c.label = c.operation + c.aboutMessages()
	}
	return c, nil
}

// tableRequest is what identifies a request to tables.
type tableRequest struct {
	TableName         string
	IndexName         string
	Key               attributes
	Item              attributes
	Values            jsontext.Value `json:"ExpressionAttributeValues"`
	ExclusiveStartKey attributes
	ScanForward       jsontext.Value `json:"ScanIndexForward"`
	Limit             int
	Segment           int
	RequestItems      map[string]struct{ Keys []attributes }
	TransactItems     []map[string]tableRequest
	Token             string `json:"ClientRequestToken"`
}

// attributes are those of an item that are keys of some table; others are ignored.
type attributes struct {
	Stream   jsontext.Value `json:"stream"`
	Commit   jsontext.Value `json:"commit"`
	Key      jsontext.Value `json:"key"`
	Claim    jsontext.Value `json:"claim"`
	Command  jsontext.Value `json:"command"`
	Subject  jsontext.Value `json:"subject"`
	Guard    jsontext.Value `json:"_v"`
	Revision jsontext.Value `json:"v"`
}

func (a attributes) text() string {
	var b strings.Builder
	for _, v := range []jsontext.Value{a.Stream, a.Commit, a.Key, a.Claim, a.Command, a.Subject} {
		if v != nil {
			b.WriteString(" " + scalar(v))
		}
	}
	return b.String()
}

// revision tells writes of one item apart.
func (a attributes) revision() string {
	for _, v := range []jsontext.Value{a.Guard, a.Revision} {
		if v != nil {
			return " v" + scalar(v)
		}
	}
	return ""
}

// scalar is the text of a stored string or number: {"S":"x"} and {"N":"1"}.
func scalar(v jsontext.Value) string {
	var one map[string]string
	if json.Unmarshal(v, &one) != nil {
		return string(v)
	}
	for _, text := range one {
		return text
	}
	return ""
}

func (c *call) aboutTables() string {
	var r tableRequest
	if err := json.Unmarshal(c.body, &r); err != nil {
		return " ?"
	}
	c.tables = r
	return r.text()
}

// short is the name of the table without the prefix of the deployment.
func (r tableRequest) short() string {
	_, short, _ := strings.Cut(r.TableName, "-"+stage+"-")
	return short
}

// item names the stream, row or other thing that the request is about, without what
// differs each time.
func (r tableRequest) item() string {
	for _, a := range []attributes{r.Key, r.Item} {
		if v := cmp.Or(scalar(a.Stream), scalar(a.Key)); v != "" {
			return v
		}
	}
	return ""
}

// parts are the writes of a transaction, sorted.
func (c *call) parts() (all []tableRequest) {
	for _, part := range c.tables.TransactItems {
		all = slices.AppendSeq(all, maps.Values(part))
	}
	slices.SortFunc(all, func(a, b tableRequest) int { return strings.Compare(a.TableName+a.item(), b.TableName+b.item()) })
	return all
}

// subject is what a request is about. Requests that do the same again have the same.
func (c *call) subject() (text string) {
	if !c.dynamo() {
		if c.target == "" { // "PUT /schedules/…"
			path, _, _ := strings.Cut(strings.TrimPrefix(c.label, c.operation+" /"), "/")
			return " /" + path
		}
		return ""
	}
	for _, t := range append([]tableRequest{c.tables}, c.parts()...) {
		if t.TableName != "" {
			text += strings.TrimRight(" "+t.short()+" "+t.item(), " ")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.tables.RequestItems)) {
		text += " " + tableRequest{TableName: name}.short()
	}
	return text
}

func (r tableRequest) text() string {
	var b strings.Builder
	if r.TableName != "" {
		b.WriteString(" " + r.short())
	}
	if r.IndexName != "" {
		b.WriteString("/" + r.IndexName)
	}
	b.WriteString(r.Key.text())
	b.WriteString(r.Item.text() + r.Item.revision())
	if r.Values != nil {
		var values map[string]jsontext.Value
		if json.Unmarshal(r.Values, &values) == nil {
			for _, name := range slices.Sorted(maps.Keys(values)) {
				b.WriteString(" " + name + "=" + scalar(values[name]))
			}
		}
	}
	if after := r.ExclusiveStartKey.text(); after != "" {
		b.WriteString(" after" + after)
	}
	if string(r.ScanForward) == "false" {
		b.WriteString(" newest")
	}
	if r.Limit > 0 {
		b.WriteString(" limit " + strconv.Itoa(r.Limit))
	}
	if r.Segment > 0 {
		b.WriteString(" segment " + strconv.Itoa(r.Segment))
	}
	for _, table := range slices.Sorted(maps.Keys(r.RequestItems)) {
		b.WriteString(tableRequest{TableName: table}.text())
		var keys []string
		for _, key := range r.RequestItems[table].Keys {
			keys = append(keys, key.text())
		}
		slices.Sort(keys)
		b.WriteString(strings.Join(keys, ","))
	}
	var parts []string
	for _, part := range r.TransactItems {
		for kind, of := range part {
			parts = append(parts, " "+kind+of.text())
		}
	}
	slices.Sort(parts)
	b.WriteString(strings.Join(parts, ";"))
	return b.String()
}

// messageRequest is what identifies a request to the queue, or to a stream.
type messageRequest struct {
	MessageGroupID string `json:"MessageGroupId"`
	QueueURL       string `json:"QueueUrl"`
	ShardIterator  string
	ShardID        string `json:"ShardId"`
	SequenceNumber string
	Context        map[string]string `json:"EncryptionContext"`
}

func (c *call) aboutMessages() string {
	var r messageRequest
	if err := json.Unmarshal(c.body, &r); err != nil {
		return " ?"
	}
	var b strings.Builder
	for _, s := range []string{r.QueueURL[strings.LastIndexByte(r.QueueURL, '/')+1:], r.MessageGroupID, r.ShardID, r.SequenceNumber, r.ShardIterator} {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Context)) {
		b.WriteString(" " + r.Context[name])
	}
	return b.String()
}
