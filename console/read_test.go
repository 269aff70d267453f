package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/explain"
	"daybook/inspect"
)

type streamsAnswer struct {
	Streams  []inspect.StreamInfo
	Next     string
	Known    int
	Complete bool
}

// TestStreams: newest first, by aggregate and prefix, paged, and a whole id.
func TestStreams(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 60 {
		s.send("create-member", fmt.Sprintf("m%02d", i), object{"name": "Ann", "email": fmt.Sprintf("a%d@example.com", i)})
	}
	s.send("rename-member", "m07", object{"name": "Eve"})
	var page streamsAnswer
	eventually(t, "all streams are known", func() bool {
		page = get[streamsAnswer](s, "streams?aggregate=member")
		return page.Complete && page.Known == 60 && page.Streams[0].Version == 2
	})
	if first := page.Streams[0]; first.Stream != "member/m07" || first.Event != "member-renamed" || first.Actor != "console" || len(page.Streams) != 50 || page.Next == "" {
		t.Errorf("got %d streams, the first %+v", len(page.Streams), first)
	}
	last := page.Streams[49]
	next := get[streamsAnswer](s, "streams?aggregate=member&cursor="+page.Next)
	if len(next.Streams) != 10 || next.Next != "" || next.Streams[0].Time.After(last.Time) {
		t.Errorf("the second page has %d streams", len(next.Streams))
	}
	for _, a := range page.Streams {
		for _, b := range next.Streams {
			if a.Stream == b.Stream {
				t.Errorf("%s is on both pages", a.Stream)
			}
		}
	}
	if found := get[streamsAnswer](s, "streams?aggregate=member&prefix=m1"); len(found.Streams) != 10 {
		t.Errorf("%d streams begin with m1", len(found.Streams))
	}
	if found := get[streamsAnswer](s, "streams?aggregate=course"); len(found.Streams) != 0 {
		t.Errorf("courses: %+v", found)
	}
}

// TestStream: a part of a stream with states, at a version, and at a time.
func TestStream(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send("create-member", "7", object{"name": "n0", "email": "a@example.com"})
	for i := range 120 {
		s.send("rename-member", "7", object{"name": fmt.Sprint("n", i+1)})
	}
	page := get[inspect.StreamPage](s, "stream?stream=member/7")
	if page.Version != 121 || len(page.Commits) != 50 || page.Older != 72 || page.Newer != 0 {
		t.Fatalf("got version %d, %d commits, older %d", page.Version, len(page.Commits), page.Older)
	}
	last := page.Commits[49]
	if !strings.Contains(string(last.Before), `"name":"n119"`) || !strings.Contains(string(last.Events[0].After), `"name":"n120"`) || last.WriteUnits != 1 || last.Actor != "console" {
		t.Errorf("got %+v", last)
	}
	older := get[inspect.StreamPage](s, "stream?stream=member/7&before=72")
	if len(older.Commits) != 50 || older.Commits[49].Version != 71 {
		t.Errorf("in front of 72: %d commits", len(older.Commits))
	}
	has := func(page inspect.StreamPage, version int64) bool {
		return page.Commits[0].Version <= version && version <= page.Commits[len(page.Commits)-1].Version
	}
	for _, version := range []int64{1, 60, 121} {
		if page := get[inspect.StreamPage](s, fmt.Sprintf("stream?stream=member/7&at=%d", version)); !has(page, version) {
			t.Errorf("the page of version %d has %d to %d", version, page.Commits[0].Version, page.Commits[len(page.Commits)-1].Version)
		}
	}
	early := older.Commits[10]
	if page := get[inspect.StreamPage](s, "stream?stream=member/7&time="+url.QueryEscape(early.Time.Format(time.RFC3339Nano))); !has(page, early.Version) {
		t.Errorf("the page of %v does not have version %d", early.Time, early.Version)
	}
	m := get[inspect.Moment](s, "moment?stream=member/7&version=3")
	if m.Version != 3 || !strings.Contains(string(m.Rows["members"]), `"name":"n2"`) || !strings.Contains(string(m.State), `"name":"n2"`) {
		t.Errorf("at 3: %s, %s", m.State, m.Rows)
	}
}

// TestFollowers: what reads and reacts has followed, and a chain explains it.
func TestFollowers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.school(2)
	type follower struct {
		Name    string
		Kind    string
		Behind  int64
		Applied bool
		Parked  int
	}
	type followers struct {
		Looked    int
		Followers []follower
		Queue     *inspect.Depth
	}
	eventually(t, "all have "+token, func() bool {
		all := get[followers](s, "followed?token="+token).Followers
		for _, f := range all {
			if !f.Applied {
				return false
			}
		}
		return len(all) == 5 // bookings, earnings, tallies, enrolment, notices
	})
	eventually(t, "the booking is confirmed", func() bool {
		return strings.Contains(string(get[inspect.Moment](s, "moment?stream=booking/b1").State), "confirmed")
	})
	eventually(t, "nobody is behind", func() bool {
		h := get[followers](s, "health")
		for _, f := range h.Followers {
			if f.Behind > 0 || f.Parked > 0 {
				return false
			}
		}
		return h.Looked == 5 && len(h.Followers) == 8 && h.Queue != nil && h.Queue.Dead == 0
	})
	x := get[explain.Explanation](s, "explain?of=booking/b1")
	if len(x.Roots) == 0 || len(x.Causes) != 0 || x.Roots[0].Kind != explain.KindCommand {
		t.Errorf("got %+v", x)
	}
	if all := get[inspect.ProcessesPage](s, "instances?process=enrolment"); len(all.Instances) != 1 || all.Instances[0].Stream != "booking/b1" || all.Instances[0].Time.IsZero() {
		t.Errorf("got %+v", all)
	}
	type beat struct {
		Seq     int64
		Commits []struct {
			Stream events.Stream
			Events []string
		}
		Minutes []struct{ Commits int }
	}
	var p beat
	eventually(t, "the commits were seen", func() bool {
		p = get[beat](s, "pulse")
		return len(p.Commits) >= 7
	})
	total := 0
	for _, m := range p.Minutes {
		total += m.Commits
	}
	if len(p.Minutes) != 60 || total != len(p.Commits) {
		t.Errorf("got %+v", p)
	}
	if again := get[beat](s, fmt.Sprint("pulse?after=", p.Seq)); len(again.Commits) != 0 {
		t.Errorf("nothing happened, and %d commits are new", len(again.Commits))
	}
}

// TestViews: rows by an index, one row, what it should be, and the tables.
func TestViews(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(3)
	after := s.send("create-member", "m9", object{"name": "Zoe", "email": "zoe@example.com"})
	page := get[inspect.RowsPage](s, "rows/members?sort=-name&limit=2&after="+after)
	if len(page.Items) != 2 || !strings.Contains(string(page.Items[0]), "Zoe") || page.Next == "" {
		t.Fatalf("got %s", page.Items)
	}
	if row := get[inspect.Row](s, "row?view=members&key=m9"); row.Version != 1 || !strings.Contains(string(row.Row), "zoe@example.com") {
		t.Errorf("got %+v", row)
	}
	for _, of := range []string{"view=members&key=m9", "view=areas&key=games", "view=members&key=nobody"} {
		eventually(t, of+" is right", func() bool { return get[inspect.RowReport](s, "verify?"+of).Right })
	}
	type views struct {
		Views []struct {
			View, Table string
			Items       int64
			Tables      []inspect.Table
		}
	}
	all := get[views](s, "views").Views
	if len(all) != 6 || all[0].View != "members" || all[0].Items != 4 || !all[0].Tables[0].Answers {
		t.Fatalf("got %+v", all)
	}
	made := post[struct{ Table string }](s, "rebuild", object{"view": "members"}).Table
	eventually(t, made+" is filled", func() bool {
		for _, table := range get[views](s, "views?view=members").Views[0].Tables {
			if table.Table == made {
				return table.State == inspect.TableRight
			}
		}
		return false
	})
	if at := post[struct{ At time.Time }](s, "switch", object{"view": "members", "table": made}).At; time.Until(at) < time.Second {
		t.Errorf("the switch is at %v", at)
	}
	report := post[struct{ Views []struct{ Name string } }](s, "sample", object{"view": "courses"})
	if len(report.Views) != 1 || report.Views[0].Name != "courses" {
		t.Errorf("got %+v", report)
	}
	if f := s.fails("rebuild", object{"view": "planets"}); f.Code != events.CodeUnknownView {
		t.Errorf("got %+v", f)
	}
}
