package load

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"daybook/internal/sleep"
	"daybook/view"
	"daybook/view/driver"
)

// pageRows is the limit of a page that is asked for.
const pageRows = 20

// queryKind is a row of a view by its key, or a page of it by an index.
type queryKind struct {
	name string // "users", "users/by-name"
	path func(random *rand.Rand) string
}

// learning bounds how long a view's first row is waited for.
const learning = 10 * time.Second

// learn makes the queries of all views. Values of partition fields are those of rows
// that there are. It returns what can't be asked, with the reason.
func (l *loader) learn(ctx context.Context) (kinds []queryKind, skipped map[string]string, err error) {
	skipped = map[string]string{}
	for _, v := range l.App.Views {
		d := v.Describe()
		rows, err := l.rows(ctx, d)
		if err != nil {
			return nil, nil, err
		}
		if len(rows) == 0 {
			skipped[d.Name] = "no row of it was seen; of a keyed view without an index of all rows no key is known"
			continue
		}
		if path := l.byKey(d, rows); path != nil {
			kinds = append(kinds, queryKind{d.Name, path})
		}
		for _, x := range d.Indexes {
			values := url.Values{"limit": {strconv.Itoa(pageRows)}, "sort": {x.Sort}}
			var of []string
			if x.Partition != "" {
				if of = valuesOf(rows, x.Partition); len(of) == 0 {
					skipped[d.Name+"/"+x.Name] = "the rows that were seen have no " + x.Partition
					continue
				}
			}
			kinds = append(kinds, queryKind{d.Name + "/" + x.Name, func(random *rand.Rand) string {
				if len(of) > 0 {
					values.Set(x.Partition, of[random.IntN(len(of))])
				}
				return "/" + d.Name + "?" + values.Encode()
			}})
		}
	}
	return kinds, skipped, nil
}

// row is a row as the API answers it.
type row map[string]any

// rows are some of a view, once there are any.
func (l *loader) rows(ctx context.Context, d view.Description) ([]row, error) {
	end := time.Now().Add(learning)
	if d.Kind != view.KindRows && !slices.ContainsFunc(d.Indexes, holdsAll) {
		return nil, nil // no key of it is known
	}
	for {
		if rows := append(l.listed(ctx, d), l.ofStreams(ctx, d)...); len(rows) > 0 || time.Now().After(end) {
			return rows, nil
		}
		if err := sleep.For(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func holdsAll(x driver.IndexDescription) bool { return x.Partition == "" }

// listed is a page of an index that holds all rows.
func (l *loader) listed(ctx context.Context, d view.Description) []row {
	at := slices.IndexFunc(d.Indexes, holdsAll)
	if at < 0 {
		return nil
	}
	a := l.do(ctx, http.MethodGet, fmt.Sprintf("/%s?limit=%d&sort=%s", d.Name, pageRows, url.QueryEscape(d.Indexes[at].Sort)), nil)
	var page struct {
		Items []row `json:"items"`
	}
	if a.outcome != answered || json.Unmarshal(a.body, &page) != nil {
		return nil
	}
	return page.Items
}

// ofStreams are the rows of a few streams.
func (l *loader) ofStreams(ctx context.Context, d view.Description) (rows []row) {
	random := rand.New(rand.NewPCG(l.Seed, 1))
	for _, of := range d.Aggregates {
		for range pageRows / 2 {
			id := l.streams.any(of, random)
			if id == "" {
				break
			}
			a := l.do(ctx, http.MethodGet, "/"+d.Name+"/"+id, nil)
			var r row
			if a.outcome == answered && json.Unmarshal(a.body, &r) == nil {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// plain matches keys whose address is the key itself on both kinds of API.
var plain = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)

// byKey asks for a row: of any stream of the load, in a view with one row for each,
// else one of those that were seen. It is nil if none of those can be asked for.
func (l *loader) byKey(d view.Description, rows []row) func(*rand.Rand) string {
	seen := slices.DeleteFunc(valuesOf(rows, "id"), func(key string) bool { return !plain.MatchString(key) })
	if len(seen) == 0 {
		return nil
	}
	return func(random *rand.Rand) string {
		key := ""
		if d.Kind == view.KindRows {
			key = l.streams.any(d.Aggregates[random.IntN(len(d.Aggregates))], random)
		}
		return "/" + d.Name + "/" + cmp.Or(key, seen[random.IntN(len(seen))])
	}
}

// valuesOf are the distinct values of a field as a filter has them.
func valuesOf(rows []row, field string) (all []string) {
	for _, r := range rows {
		value, ok := r[field]
		if !ok || value == nil {
			continue
		}
		text, isText := value.(string)
		if !isText {
			b, err := json.Marshal(value)
			if err != nil || jsontext.Value(b).Kind() == jsontext.KindBeginObject || jsontext.Value(b).Kind() == jsontext.KindBeginArray {
				continue
			}
			text = string(b)
		}
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}
