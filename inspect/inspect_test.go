package inspect_test

import (
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"daybook/aggregate/async"
	"daybook/events"
	"daybook/inspect"
	"daybook/process"
	"daybook/view/driver"
)

// TestDescribe: what the application declares, with what feeds what, as JSON.
func TestDescribe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := must[inspect.Application](t)(b.Describe(t.Context()))
	if len(a.Aggregates) != 1 || len(a.Aggregates[0].Commands) != 4 || len(a.Aggregates[0].Events) != 4 || len(a.Views) != 2 || len(a.Processes) != 1 {
		t.Fatalf("got %+v", a)
	}
	c := a.Aggregates[0].Commands[0]
	if c.Command != "book" || !c.Creates || c.Summary == "" || !strings.Contains(string(c.Schema), "town") || a.Aggregates[0].Commands[2].Internal != true {
		t.Errorf("got command %+v", c)
	}
	if v := a.Views[0]; v.Kind != "rows" || len(v.Indexes) != 1 || v.Indexes[0].Partition != "town" || len(v.Fields) != 5 {
		t.Errorf("got view %+v", v)
	}
	want := inspect.Flow{From: "parcel", To: "desk", Kind: "manager", Events: []string{"booked"}}
	if !slices.ContainsFunc(a.Flows, func(f inspect.Flow) bool { return fmt.Sprint(f) == fmt.Sprint(want) }) || len(a.Flows) != 3 {
		t.Errorf("got flows %+v", a.Flows)
	}
	if got := a.Processes[0].Sends; !slices.Equal(got, []string{"burn", "accept"}) {
		t.Errorf("desk sends %q", got)
	}
	text, err := json.Marshal(a)
	var back inspect.Application
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Errorf("as JSON: %v", err)
	}
}

// TestStreams: newest first, by aggregate and prefix, paged, and within a budget.
func TestStreams(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 12 {
		b.Send("book", fmt.Sprint("p", i), fmt.Sprintf(`{"town":"t%d"}`, i))
	}
	b.Send("weigh", "p3", `{"grams":5}`)
	names := func(p inspect.StreamsPage) (all []string) {
		for _, s := range p.Streams {
			all = append(all, s.Stream.ID())
		}
		return all
	}
	q := inspect.StreamsQuery{Aggregate: "parcel", Prefix: "p", Limit: 5}
	var got []string
	for pages := 0; pages < 4; pages++ {
		page := must[inspect.StreamsPage](t)(b.Streams(t.Context(), q))
		got = append(got, names(page)...)
		if q.Before = page.Next; q.Before == nil {
			break
		}
	}
	if want := "[p3 p11 p10 p9 p8 p7 p6 p5 p4 p2 p1 p0]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	page := must[inspect.StreamsPage](t)(b.Streams(t.Context(), inspect.StreamsQuery{Aggregate: "parcel", Prefix: "p1"}))
	if want := "[p11 p10 p1]"; fmt.Sprint(names(page)) != want || page.Partial {
		t.Errorf("got %v, want %s", names(page), want)
	}
	if s := page.Streams[0]; s.Version != 1 || s.Commits != 1 || s.Event != "booked" || s.Actor != "ann" {
		t.Errorf("got %+v", s)
	}
	page = must[inspect.StreamsPage](t)(b.Streams(t.Context(), inspect.StreamsQuery{Aggregate: "parcel", Prefix: "p11", Budget: 1, Parallel: 1}))
	if fmt.Sprint(names(page)) != "[p11]" {
		t.Errorf("a whole name within a budget: got %+v", page)
	}
	for _, q := range []inspect.StreamsQuery{{Aggregate: "planet"}, {Limit: 100_001}, {Limit: -1}} {
		if _, err := b.Streams(t.Context(), q); err == nil {
			t.Errorf("%+v is accepted", q)
		}
	}
}

// TestStream: parts of a stream with the states before and after each event, from
// either end, also behind a snapshot.
func TestStream(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Send("book", "1", `{"town":"`+strings.Repeat("x", 5000)+`"}`) // so that the next commit has a snapshot
	for i := range 130 {
		b.Send("weigh", "1", fmt.Sprintf(`{"grams":%d}`, 10*i))
	}
	page := must[inspect.StreamPage](t)(b.Stream(t.Context(), "parcel/1", inspect.StreamQuery{Limit: 3, States: true}))
	if page.Version != 261 || len(page.Commits) != 3 || page.Newer != 0 || page.Older != 256 {
		t.Fatalf("got %d commits, %+v", len(page.Commits), page)
	}
	last := page.Commits[2]
	if last.Version != 261 || !strings.HasSuffix(string(last.Before), `"grams":1281,"accepted":false}`) || last.Commands[0] != "c-131" || last.WriteUnits < 1 || last.Bytes == 0 {
		t.Errorf("got %+v", last)
	}
	for i, want := range []string{"1290", "1291"} {
		if e := last.Events[i]; !strings.Contains(string(e.After), `"grams":`+want+`,`) || e.CommandID != "c-131" || e.Version != int64(260+i) {
			t.Errorf("got %+v", e)
		}
	}
	seen := 0
	for q := (inspect.StreamQuery{From: 1, Limit: 50, States: true}); ; {
		page := must[inspect.StreamPage](t)(b.Stream(t.Context(), "parcel/1", q))
		for _, c := range page.Commits {
			seen++
			if c.Fault != "" || c.Before == nil || c.Events[0].After == nil {
				t.Fatalf("got %+v", c)
			}
		}
		if q.From = page.Newer; q.From == 0 {
			break
		}
	}
	back := 0
	for q := (inspect.StreamQuery{Limit: 50}); ; {
		page := must[inspect.StreamPage](t)(b.Stream(t.Context(), "parcel/1", q))
		back += len(page.Commits)
		if q.Before = page.Older; q.Before == 0 {
			break
		}
	}
	if seen != 131 || back != 131 {
		t.Errorf("%d commits forwards and %d backwards", seen, back)
	}
	if page := must[inspect.StreamPage](t)(b.Stream(t.Context(), "parcel/1", inspect.StreamQuery{From: 5, Limit: 1})); page.Commits[0].Number != 3 {
		t.Errorf("version 5 is in commit %d", page.Commits[0].Number)
	}
	if page := must[inspect.StreamPage](t)(b.Stream(t.Context(), "parcel/1", inspect.StreamQuery{From: 999})); len(page.Commits) != 0 {
		t.Errorf("behind the end: %+v", page)
	}
	if _, err := b.Stream(t.Context(), "parcel/2", inspect.StreamQuery{}); code(err) != events.CodeNotFound {
		t.Errorf("a stream that is not there: %v", err)
	}
}

// TestMoments: the state and the rows at a version or a time, and what changed.
func TestMoments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Send("book", "1", `{"town":"Ulm"}`)
	at := b.Now
	b.Send("weigh", "1", `{"grams":7}`)
	m := must[inspect.Moment](t)(b.Moment(t.Context(), "parcel/1", inspect.At{Time: at}))
	if m.Version != 1 || !strings.Contains(string(m.State), `"grams":0`) || !strings.Contains(string(m.Rows["parcels"]), `"grams":0`) {
		t.Errorf("got %+v", m)
	}
	all, reached, err := b.Diff(t.Context(), "parcel/1", 1, 2)
	if err != nil || reached != 2 || fmt.Sprint(all) != `[{state grams 0 7} {parcels grams 0 7} {parcels version 1 2}]` {
		t.Errorf("got %v, %d, %v", all, reached, err)
	}
}

// TestRows: rows as queries answer them, and one compared with the events.
func TestRows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 3 {
		b.Send("book", fmt.Sprint(i), fmt.Sprintf(`{"town":"t%d"}`, i))
	}
	b.Send("weigh", "1", `{"grams":7}`)
	b.follow()
	page := must[inspect.RowsPage](t)(b.Rows(t.Context(), "", "parcels", map[string][]string{"town": {"t1"}}))
	if len(page.Items) != 1 || !strings.Contains(string(page.Items[0]), `"grams":8`) {
		t.Errorf("got %+v", page)
	}
	for _, name := range []string{"parcels/1", "towns/t1", "parcels/none", "towns/none"} {
		name, key, _ := strings.Cut(name, "/")
		if r := must[inspect.RowReport](t)(b.VerifyRow(t.Context(), "", name, key, 1000)); !r.Right || (key != "none") != (r.Stored != nil) {
			t.Errorf("got %+v", r)
		}
	}
	table := b.Tables.Table("towns", 1)
	item := b.Tables.Items("towns", 1)
	at := slices.IndexFunc(item, func(i driver.Item) bool { return i.Row != nil && strings.Contains(string(i.Row), `"grams":8`) })
	wrong := item[at]
	wrong.Row, wrong.Version = []byte(`{"parcels":1,"grams":9}`), wrong.Version+1
	if err := table.Put(t.Context(), driver.Write{Item: wrong, Expect: item[at].Version}); err != nil {
		t.Fatal(err)
	}
	r := must[inspect.RowReport](t)(b.VerifyRow(t.Context(), "", "towns", "t1", 1000))
	if r.Right || fmt.Sprint(r.Differs) != `[{row grams 9 8}]` {
		t.Errorf("a damaged row: %+v", r)
	}
	if _, err := b.VerifyRow(t.Context(), "", "towns", "t1", 8); code(err) != events.CodeTooLarge && err != nil {
		t.Errorf("a small budget: %v", err)
	}
	if _, err := b.VerifyRow(t.Context(), "", "planets", "t1", 1); code(err) != events.CodeUnknownView {
		t.Errorf("an unknown view: %v", err)
	}
}

// TestFollowers: lag, parked streams and running processes.
func TestFollowers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 4 {
		b.Send("book", fmt.Sprint(i), fmt.Sprintf(`{"town":"t%d"}`, i))
	}
	b.Send("burn", "2", "")
	b.Send("burn", "3", "")
	b.follow()
	b.Send("weigh", "1", `{"grams":7}`)
	b.Send("book", "9", `{"town":"t9"}`)
	report := must[inspect.LagReport](t)(b.Lag(t.Context(), inspect.LagQuery{}))
	got := fmt.Sprintf("%+v", report.Lags)
	want := "[{View:parcels Version:1 Process: Streams:5 Behind:2 Commits:2 Parked:2 Seconds:1} " +
		"{View:towns Version:1 Process: Streams:5 Behind:2 Commits:2 Parked:0 Seconds:1} " +
		"{View: Version:0 Process:desk Streams:5 Behind:1 Commits:1 Parked:0 Seconds:0}]"
	if got != want || report.Partial {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	q := inspect.ParkedQuery{Limit: 1}
	var parked []string
	for {
		page := must[inspect.ParkedPage](t)(b.Parked(t.Context(), q))
		for _, p := range page.Parked {
			parked = append(parked, fmt.Sprint(p.View, p.Process, " ", p.Stream, " ", p.Commit))
			if !strings.Contains(p.Text, "burnt") {
				t.Errorf("parked without a reason: %+v", p)
			}
		}
		if q.After = page.Next; q.After == nil {
			break
		}
	}
	if fmt.Sprint(parked) != "[parcels parcel/2 2 parcels parcel/3 2]" {
		t.Errorf("got %v", parked)
	}
	instances := must[inspect.ProcessesPage](t)(b.Processes(t.Context(), inspect.ProcessesQuery{Name: "desk", Limit: 3}))
	more := must[inspect.ProcessesPage](t)(b.Processes(t.Context(), inspect.ProcessesQuery{Limit: 3, Cursor: instances.Next}))
	if len(instances.Instances) != 3 || len(more.Instances) != 1 || more.Next != "" || instances.Instances[0].Timers[0].Name != "pickup" {
		t.Errorf("got %+v and %+v", instances, more)
	}
	one := must[inspect.ProcessesPage](t)(b.Processes(t.Context(), inspect.ProcessesQuery{Stream: "parcel/1"}))
	if len(one.Instances) != 1 || one.Instances[0].Commit != 1 {
		t.Errorf("got %+v", one)
	}
	for _, err := range []error{
		second(b.Parked(t.Context(), inspect.ParkedQuery{Names: []string{"desks"}})), second(b.Processes(t.Context(), inspect.ProcessesQuery{Name: "desks"})),
	} {
		if code(err) != events.CodeNotFound || !strings.Contains(err.Error(), "desk") {
			t.Errorf("an unknown name: %v", err)
		}
	}
}

// TestTimersAreDue: also of a timer that was set because a command was rejected.
func TestTimersAreDue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Outside.Answer = func(process.Request) error {
		return &events.Error{Code: "full", Message: "the desk is full", Rejected: true}
	}
	b.Send("book", "1", `{"town":"t1"}`)
	booked := b.Now
	b.Send("weigh", "1", `{"grams":5}`)
	b.follow()
	page := must[inspect.ProcessesPage](t)(b.Processes(t.Context(), inspect.ProcessesQuery{Stream: "parcel/1", Times: true}))
	if len(page.Instances) != 1 || len(page.Instances[0].Timers) != 2 {
		t.Fatalf("got %+v", page)
	}
	i := page.Instances[0]
	if again, pickup := i.Timers[0], i.Timers[1]; !again.Due.Equal(booked.Add(2*time.Hour)) || !pickup.Due.Equal(booked.Add(time.Hour)) || !i.Time.Equal(booked) {
		t.Errorf("got %+v, booked at %v", i, booked)
	}
}

func second[T any](_ T, err error) error { return err }

// TestLetters: dead letters are bounded, and an installation may have none.
func TestLetters(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.Sources()
	s.DeadLetters = nil
	without := must[*inspect.Installation](t)(inspect.Open(app(), s))
	if _, err := without.DeadLetters(t.Context(), 1); code(err) != events.CodeUnavailable {
		t.Errorf("without a queue: %v", err)
	}
	s.DeadLetters = letters{{ID: "a"}, {ID: "b"}}
	with := must[*inspect.Installation](t)(inspect.Open(app(), s))
	page := must[inspect.LettersPage](t)(with.DeadLetters(t.Context(), 1))
	if len(page.Letters) != 1 || !page.More {
		t.Errorf("got %+v", page)
	}
	if _, err := b.Status(t.Context(), "", "c-1"); code(err) != events.CodeNotFound {
		t.Errorf("an unknown command: %v", err)
	}
	status := async.Status{CommandID: "q", State: async.StateRejected, Since: b.Now, Stream: "parcel/1", Problem: events.Errorf("too-heavy", "no")}
	if err := s.Statuses.(async.Statuses).Record(t.Context(), status); err != nil {
		t.Fatal(err)
	}
	if got := must[inspect.Status](t)(b.Status(t.Context(), "", "q")); got.Status != "rejected" || got.Problem.Code != "too-heavy" {
		t.Errorf("got %+v", got)
	}
}
