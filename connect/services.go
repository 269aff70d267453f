package connect

import (
	"context"
	"encoding/json/v2"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Services reads what an installation keeps outside of its tables and queues: the
// schedules of its timers, its logs, the records that its functions gave up, and their
// environment. It changes nothing. It is safe for concurrent use.
type Services struct {
	prefix                           string
	schedules, logs, lambda, objects *service
}

// NewServices returns those of the installation whose names begin with prefix. It sends
// nothing.
func NewServices(a Access, prefix string) *Services {
	return &Services{prefix, newService("scheduler", a), newService("logs", a), newService("lambda", a), newService("s3", a)}
}

// Schedules hands the name and the input of every timer that is set to f.
func (s *Services) Schedules(ctx context.Context, f func(name, input string)) error {
	list := url.Values{"ScheduleGroup": {s.prefix}, "MaxResults": {"100"}}
	for {
		var page struct {
			Schedules []struct{ Name string }
			NextToken string
		}
		if err := s.schedules.get(ctx, "schedules", list, nil, func(b []byte) error { return json.Unmarshal(b, &page) }); err != nil {
			return err
		}
		for _, one := range page.Schedules {
			var schedule struct {
				Description string
				Target      struct{ Input string }
			}
			err := s.schedules.get(ctx, "schedules/"+one.Name, url.Values{"groupName": {s.prefix}}, nil, func(b []byte) error { return json.Unmarshal(b, &schedule) })
			if r, ok := errors.AsType[*refusal](err); ok && r.code == "ResourceNotFoundException" {
				continue // it went off
			}
			if err != nil {
				return err
			}
			f(one.Name, schedule.Target.Input+" "+schedule.Description)
		}
		if page.NextToken == "" {
			return nil
		}
		list.Set("NextToken", page.NextToken)
	}
}

// LogGroups returns the names of the log groups of the functions and of the API.
func (s *Services) LogGroups(ctx context.Context) (all []string, err error) {
	in := map[string]any{"logGroupNamePrefix": "/" + s.prefix + "/"}
	for {
		var page struct {
			LogGroups []struct {
				Name string `json:"logGroupName"`
			} `json:"logGroups"`
			Next string `json:"nextToken"`
		}
		if err := s.logs.operation(ctx, "Logs_20140328.DescribeLogGroups", in, &page); err != nil {
			return nil, err
		}
		for _, g := range page.LogGroups {
			all = append(all, g.Name)
		}
		if page.Next == "" {
			return all, nil
		}
		in["nextToken"] = page.Next
	}
}

// Log hands every line of a log group since a time to f, in no order.
func (s *Services) Log(ctx context.Context, group string, since time.Time, f func(stream, line string)) error {
	in := map[string]any{"logGroupName": group, "startTime": since.UnixMilli()}
	for {
		var page struct {
			Events []struct {
				Stream string `json:"logStreamName"`
				Line   string `json:"message"`
			} `json:"events"`
			Next string `json:"nextToken"`
		}
		if err := s.logs.operation(ctx, "Logs_20140328.FilterLogEvents", in, &page); err != nil {
			return fmt.Errorf("%s: %w", group, err)
		}
		for _, e := range page.Events {
			f(e.Stream, e.Line)
		}
		if page.Next == "" {
			return nil
		}
		in["nextToken"] = page.Next
	}
}

// FailureBuckets returns the names of the buckets that get the records of a change
// stream which functions gave up: the event source mappings know them.
func (s *Services) FailureBuckets(ctx context.Context, stream string) (all []string, err error) {
	query := url.Values{"EventSourceArn": {stream}}
	for {
		var page struct {
			Mappings []struct {
				DestinationConfig struct{ OnFailure struct{ Destination string } }
			} `json:"EventSourceMappings"`
			NextMarker string
		}
		err := s.lambda.get(ctx, "2015-03-31/event-source-mappings/", query, nil, func(b []byte) error { return json.Unmarshal(b, &page) })
		if err != nil {
			return nil, err
		}
		for _, m := range page.Mappings {
			_, bucket, isBucket := strings.Cut(m.DestinationConfig.OnFailure.Destination, ":s3:::")
			if isBucket && !slices.Contains(all, bucket) {
				all = append(all, bucket)
			}
		}
		if page.NextMarker == "" {
			return all, nil
		}
		query.Set("Marker", page.NextMarker)
	}
}

// Environment returns the environment of a function.
func (s *Services) Environment(ctx context.Context, function string) (map[string]string, error) {
	var answer struct {
		Environment struct {
			Variables map[string]string
			Error     struct{ Message string } // a key that may not be used
		}
	}
	path := "2015-03-31/functions/" + url.PathEscape(function) + "/configuration"
	if err := s.lambda.get(ctx, path, nil, nil, func(b []byte) error { return json.Unmarshal(b, &answer) }); err != nil {
		return nil, err
	}
	if message := answer.Environment.Error.Message; message != "" {
		return nil, fmt.Errorf("function %s: its environment can't be read: %s", function, message)
	}
	return answer.Environment.Variables, nil
}

// Objects hands every version of every object of a bucket whose key begins with prefix
// to f. The reader is valid until f returns.
func (s *Services) Objects(ctx context.Context, bucket, prefix string, f func(key string, r io.Reader) error) error {
	query := url.Values{"versions": {""}, "prefix": {prefix}, "encoding-type": {"url"}}
	for {
		var page struct {
			Version []struct {
				Key, VersionId string
				Size           int64
			}
			IsTruncated                        bool
			NextKeyMarker, NextVersionIdMarker string
			EncodingType                       string
		}
		if err := s.objects.get(ctx, bucket, query, noBody(""), func(b []byte) error { return xml.Unmarshal(b, &page) }); err != nil {
			return err
		}
		for _, v := range page.Version {
			key, err := keyOf(v.Key, page.EncodingType)
			if err != nil {
				return err
			}
			if err := f(key, &object{ctx: ctx, of: s.objects, path: bucket + "/" + key, version: v.VersionId, size: v.Size}); err != nil {
				return fmt.Errorf("bucket %s: %s: %w", bucket, key, err)
			}
		}
		if !page.IsTruncated {
			return nil
		}
		next, err := keyOf(page.NextKeyMarker, page.EncodingType)
		if err != nil {
			return err
		}
		query.Set("key-marker", next)
		query.Set("version-id-marker", page.NextVersionIdMarker)
	}
}

// keyOf returns a key that a list has: escaped, since XML can't hold every character, where
// the list says so. Not every engine does it.
func keyOf(text, encoding string) (string, error) {
	if encoding != "url" {
		return text, nil
	}
	key, err := url.QueryUnescape(text)
	if err != nil {
		return "", fmt.Errorf("key %q: %w", text, err)
	}
	return key, nil
}

// emptySHA256 is the hash of no bytes: S3 wants that of a body in a header.
const emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// noBody returns the headers of a request to S3 without a body.
func noBody(bytes string) http.Header {
	h := http.Header{"X-Amz-Content-Sha256": {emptySHA256}}
	if bytes != "" {
		h.Set("Range", bytes)
	}
	return h
}

// part is how many bytes of an object are read at once.
const part = 4 << 20

// object reads a version of an object in parts, each of which is retried alone.
type object struct {
	ctx           context.Context
	of            *service
	path, version string
	size, offset  int64
	have          []byte
}

// Read implements io.Reader.
func (o *object) Read(p []byte) (int, error) {
	if len(o.have) == 0 {
		if o.offset >= o.size {
			return 0, io.EOF
		}
		last := min(o.offset+part, o.size) - 1
		header := noBody("bytes=" + strconv.FormatInt(o.offset, 10) + "-" + strconv.FormatInt(last, 10))
		err := o.of.get(o.ctx, o.path, url.Values{"versionId": {o.version}}, header, func(b []byte) error {
			if want := last + 1 - o.offset; int64(len(b)) != want {
				return fmt.Errorf("got %d bytes, want %d", len(b), want)
			}
			o.have = append(o.have[:0], b...)
			return nil
		})
		if err != nil {
			return 0, err
		}
		o.offset = last + 1
	}
	n := copy(p, o.have)
	o.have = o.have[n:]
	return n, nil
}
