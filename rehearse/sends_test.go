package rehearse

import (
	"fmt"
	"maps"
	"testing"

	"daybook/events"
	"daybook/process"
)

// TestSendsInPasses: the passes over shares of the ids find together what one finds,
// and one that takes too much memory says so.
func TestSendsInPasses(t *testing.T) {
	t.Parallel()
	const n = 400
	fill := func(s *sends) {
		for i := range n {
			id, event := fmt.Sprint("c", i), fmt.Sprintf("user/%d@1", i)
			if i%4 != 0 { // a command that no commit shows
				s.meet(id, &send{process: "p", event: event, digest: events.Digest{1}})
			}
			if i%5 != 0 { // one that would not be sent
				s.meet(id, &send{process: "p", event: event, command: "greet", digest: events.Digest{byte(1 + i%2)}, compared: true, expected: true, optional: i%3 == 0})
			}
		}
		if !s.overflow {
			s.end()
		}
	}
	for _, passes := range []uint64{1, 3, 8} {
		got := map[EffectChange]int64{}
		for pass := range passes {
			s := newSends(pass, passes, 1<<20, 2)
			fill(s)
			p := s.found.process("p")
			got = sum(got, p.Commands)
			if len(p.Samples) > 3*2 || s.overflow {
				t.Errorf("%d passes: %d samples, overflow %v", passes, len(p.Samples), s.overflow)
			}
		}
		want := map[EffectChange]int64{}
		for i := range n {
			switch shown, expected := i%4 != 0, i%5 != 0; {
			case shown && expected && i%2 == 0:
				want[EffectSame]++
			case shown && expected:
				want[EffectChanged]++
			case shown:
				want[EffectDropped]++
			case expected && i%3 != 0:
				want[EffectUnproven]++
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d passes: got %v, want %v", passes, got, want)
		}
	}
	s := newSends(0, 1, 1000, 2)
	if fill(s); !s.overflow || len(s.pending) > 0 {
		t.Errorf("overflow %v with %d entries", s.overflow, len(s.pending))
	}
}

// TestFaultsAreBounded: beyond so many kinds of faults the rest are counted together.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	var r Report
	for i := range maxFaults + 50 {
		for range 2 {
			r.addFault(EventFault{Event: fmt.Sprint("e", i), Count: 1, Samples: []string{"user/1@1"}}, 1)
		}
	}
	total := int64(0)
	for _, f := range r.Faults {
		if total += f.Count; len(f.Samples) > 1 {
			t.Errorf("got %+v", f)
		}
	}
	if len(r.Faults) != maxFaults || total != 2*(maxFaults+50) {
		t.Errorf("%d kinds, %d events", len(r.Faults), total)
	}
}

// TestSendsOfUnclearStreams: a command because of an event whose values are erased, or
// which can't be read, is not missed, and is compared by its id only. One that is sent to
// a damaged stream needs no commit that shows it.
func TestSendsOfUnclearStreams(t *testing.T) {
	t.Parallel()
	all := map[EffectChange]int64{EffectChanged: 1, EffectDropped: 1, EffectUnproven: 1}
	for name, test := range map[string]struct {
		stream  events.Stream
		erased  bool
		damaged []events.Damage
		want    map[EffectChange]int64
	}{
		"whole":           {stream: "person/7", want: all},
		"another damaged": {stream: "person/7", damaged: []events.Damage{{Stream: "person/8"}}, want: all},
		"erased":          {stream: "person/7", erased: true, want: map[EffectChange]int64{EffectSame: 1}},
		"of a tenant":     {stream: "acme:person/7", erased: true, want: map[EffectChange]int64{EffectSame: 1}},
		"source damaged":  {stream: "acme:person/7", damaged: []events.Damage{{Stream: "acme:person/7"}}, want: map[EffectChange]int64{EffectChanged: 1, EffectUnproven: 1}},
		"target damaged":  {stream: "acme:person/7", damaged: []events.Damage{{Stream: "acme:letter/1"}}, want: map[EffectChange]int64{EffectChanged: 1, EffectDropped: 1}},
	} {
		p := newPart(&rehearsal{opts: Options{Samples: 1}, takes: map[string]string{"write-letter": "letter"}, sends: newSends(0, 1, 1<<20, 1)})
		p.stream, p.erased = test.stream, test.erased
		event := events.Token{Stream: p.stream, Version: 1}
		for _, id := range []string{"other", "gone"} {
			p.sends.meet(id, &send{process: "p", event: event.String(), digest: events.Digest{1}, id: "letter/1@1"})
		}
		for _, id := range []string{"other", "new"} {
			p.expect("p", event, &process.Request{Tenant: p.stream.Tenant(), CommandID: id, ID: "1", Command: "write-letter", Payload: []byte(`{}`)}, false)
		}
		if test.erased {
			p.sends.unclear(p.stream)
		}
		p.lose(test.damaged)
		if r := p.sends.end(); !maps.Equal(r.process("p").Commands, test.want) {
			t.Errorf("%s: got %v, want %v", name, r.process("p").Commands, test.want)
		}
	}
}
