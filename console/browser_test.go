//go:build browser

package console_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"daybook/console"
	"daybook/events"
)

// Tests in a real browser, with `make console-browser`. Screenshots of every page, in
// both themes and widths, are left in build/screenshots.

const (
	wide, narrow = 1200, 360
	patience     = 15 * time.Second // for a page: CI's machine is slow
	screenshots  = "../build/screenshots"
	axeFile      = "testdata/axe/node_modules/axe-core/axe.min.js"
)

// browser is one tab.
type browser struct {
	t   *testing.T
	ctx context.Context
	axe string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		t.Fatalf("axe is missing; make console-browser installs it: %v", err)
	}
	flag := chromedp.Flag
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), flag("disable-quic", true), flag("disable-background-networking", true),
		flag("disable-component-update", true), flag("disable-sync", true), flag("hide-scrollbars", true))
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, axe: string(axe)}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // it begins the browser, which ends with its context
		t.Fatal(err)
	}
	_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.faults = []
		addEventListener('securitypolicyviolation', e => faults.push('policy: ' + e.violatedDirective + ' ' + e.blockedURI))
		addEventListener('error', e => faults.push(String(e.message)), true)
		addEventListener('unhandledrejection', e => faults.push(String(e.reason)))
		const log = console.error; console.error = (...all) => { faults.push(all.join(' ')); log(...all) }`})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval evaluates JavaScript.
func eval[T any](b *browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// wait waits until a JavaScript expression is true.
func (b *browser) wait(expression string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(30*time.Millisecond)))
	if err != nil {
		b.shoot("failed")
		b.t.Fatalf("not so: %s: %v\npage: %.2000s", expression, err, eval[string](b, "document.body.innerText"))
	}
}

// sees waits until the page shows a text.
func (b *browser) sees(text string) {
	b.t.Helper()
	b.wait(fmt.Sprintf("document.querySelector('main')?.innerText.includes(%q)", text))
}

// open opens an address of the console, and waits for what it loads.
func (b *browser) open(url string) {
	b.t.Helper()
	b.visit(url)
	b.loaded()
}

func (b *browser) loaded() {
	b.t.Helper()
	b.wait("document.querySelector('main h1') && !document.querySelector('.skeleton, .boot')")
}

// look sets the width of the window and the theme of the system.
func (b *browser) look(width int64, theme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) shoot(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(screenshots, 0o777)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(screenshots, name+".png"), png, 0o666)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// fits checks that nothing but what scrolls on its own is wider than the window, and no
// label of a figure than its place.
func (b *browser) fits(name string) {
	b.t.Helper()
	if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		b.t.Errorf("%s is %d pixels too wide: %s", name, over, eval[string](b, `[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, pre, .tabs')).slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join('\n')`))
	}
	if long := eval[string](b, `[...document.querySelectorAll('.fact dt')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent).join(', ')`); long != "" {
		b.t.Errorf("%s has labels that reach into the next: %s", name, long)
	}
}

// accessible runs axe: nothing serious or critical may be found.
func (b *browser) accessible(name string) {
	b.t.Helper()
	if !eval[bool](b, "typeof axe === 'object'") {
		eval[any](b, b.axe+"; null")
	}
	found := eval[string](b, `axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.filter(v => v.impact === 'serious' || v.impact === 'critical').map(v => v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? '')).join(' | '))))`)
	var all []string
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		b.t.Fatal(err)
	}
	for _, violation := range all {
		b.t.Errorf("%s: %s", name, violation)
	}
}

// clean checks that the page broke nothing, its own policy included.
func (b *browser) clean(name string) {
	b.t.Helper()
	if faults := eval[string](b, "faults.join('; ')"); faults != "" {
		b.t.Errorf("%s: %s", name, faults)
	}
}

// planted is a school with a parked stream, a rejected booking and a dead letter.
func planted(t *testing.T) *site {
	s := newSite(t)
	s.school(12)
	s.send("place-booking", "b2", object{"member": "m1", "currency": "EUR", "lines": []object{{"course": "chess", "quantity": 4, "fee": 1990}}})
	s.send("cancel-booking", "b1", object{"reason": "ill"})
	for i := range 9 {
		s.send("rename-member", "m1", object{"name": fmt.Sprint("Ann the ", i)})
	}
	s.raw("member/m2", events.Event{Name: "member-renamed", Schema: 9, Data: []byte(`{}`)})
	client := sqs.New(s.sqs())
	name, group, body := s.stack.Prefix()+"-commands.fifo", "member/7", "no command"
	queue, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err == nil {
		_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: &body, MessageGroupId: &group})
	}
	if err != nil {
		t.Fatal(err)
	}
	type health struct {
		Followers []struct {
			Name   string
			Parked int
		}
		Queue struct{ Dead int }
	}
	eventually(t, "a stream is parked and a letter dead", func() bool {
		h := get[health](s, "health")
		return h.Followers[0].Parked == 1 && h.Queue.Dead == 1
	})
	return s
}

// TestPages looks at every page, in both themes and widths.
func TestPagesInABrowser(t *testing.T) {
	s := planted(t)
	b := newBrowser(t)
	home := s.stack.ConsoleURL() + "/"
	pages := []struct{ name, path, sees string }{
		{"home", "#/", "member-renamed"},
		{"streams", "#/streams", "member/m1"},
		{"stream", "#/streams/member%2Fm1?at=5", "Ann the 3"},
		{"stream-fault", "#/streams/member%2Fm2", "member-renamed"},
		{"explain", "#/explain/booking%2Fb2", "fully-booked"},
		{"views", "#/views", "v1 answers"},
		{"rows", "#/views/members?index=by-name&row=m1", "ann1@example.com"},
		{"parked", "#/views/members?tab=parked", "Redrive"},
		{"tables", "#/views/members?tab=tables", "answers queries"},
		{"shape", "#/views/courses?tab=shape", "by-fee"},
		{"processes", "#/processes", "enrolment"},
		{"instances", "#/processes/enrolment", "booking/b2"},
		{"instance", "#/processes/enrolment?stream=booking%2Fb2", "booking/b2"},
		{"messages", "#/processes/notices?tab=messages", "booking-confirmed"},
		{"commands", "#/commands", "place-booking"},
		{"command", "#/commands/place-booking", "Dry run"},
		{"queue", "#/queue", "member/7"},
		{"rehearsal", "#/rehearsal", "rehearse -console"},
		{"nowhere", "#/planets", "No such page"},
	}
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{wide, narrow} {
			b.look(width, theme)
			b.open(home)
			for _, p := range pages {
				name := fmt.Sprintf("%s-%s-%d", p.name, theme, width)
				eval[any](b, fmt.Sprintf("location.hash = %q", p.path))
				b.sees(p.sees)
				b.loaded()
				b.fits(name)
				if (theme == "light") == (width == wide) {
					b.accessible(name)
				}
				b.shoot(name)
			}
			b.clean(fmt.Sprintf("%s %d", theme, width))
		}
	}
}

// fill writes into the field of a label.
func (b *browser) fill(label, text string) {
	b.t.Helper()
	id := eval[string](b, fmt.Sprintf(`[...document.querySelectorAll('main label.field')].find(l => l.querySelector('.label').innerText.replace('*', '').trim() === %q).htmlFor`, label))
	b.do(chromedp.SendKeys(chromedp.CSS("#"+id), text))
}

// press clicks the button, link or summary of a text.
func (b *browser) press(text string) {
	b.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll('main button, main a, main summary, aside button')].find(e => e.innerText.trim().startsWith(%q) && !e.disabled)`, text)
	b.wait(find)
	eval[any](b, find+".click()")
}

// TestFlows does what a person comes for.
func TestFlowsInABrowser(t *testing.T) {
	s := planted(t)
	b := newBrowser(t)
	home := s.stack.ConsoleURL() + "/"
	b.look(wide, "light")
	b.open(home)

	// Keys lead to pages, to the search, through a list.
	b.do(chromedp.KeyEvent("gs"))
	b.sees("The events of one aggregate each")
	b.sees("member/m11")
	b.do(chromedp.KeyEvent("/"))
	b.wait("document.activeElement.type === 'search'")
	eval[any](b, "document.activeElement.select()") // what is typed replaces the slash, which the protocol inserts
	b.do(chromedp.KeyEvent("member/m1"))
	b.wait("document.querySelectorAll('main tbody tr').length === 3")
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("jj"))
	b.wait("document.activeElement.closest('tbody tr')")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.wait("location.hash.startsWith('#/streams/member%2Fm1')")
	b.do(chromedp.KeyEvent("?"))
	b.wait("document.querySelector('dialog[open]')")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.wait("!document.querySelector('dialog')")

	// A version of a stream, with the state before and after.
	b.open(home + "#/streams/member%2Fm1")
	b.fillFirst("3")
	b.press("Jump")
	b.wait("document.querySelector('.entry.marked ins')?.innerText.includes('Ann the 1')")
	b.press("State and rows at version 3")
	b.sees("row of members")
	b.shoot("flow-moment")

	// A command: what is wrong is shown at its field; a dry run stores nothing; sending
	// is followed to the rows.
	b.open(home + "#/commands/create-member")
	b.fill("member id", "new")
	b.fill("name", "Zoe")
	b.fill("email", "nowhere")
	b.press("Dry run")
	b.wait("document.querySelector('[aria-invalid=true]')")
	b.shoot("flow-refused")
	b.fill("email", "@example.com")
	b.press("Dry run")
	b.sees("Dry run: accepted")
	b.sees("member-email=nowhere@example.com")
	b.accessible("a dry run")
	b.shoot("flow-dry-run")
	b.press("Send")
	b.sees("Accepted")
	b.wait("document.querySelectorAll('.trace .ok').length > 0 && !document.querySelector('.trace li:not(.ok)')")
	b.shoot("flow-sent")
	b.press("Explain: what follows")
	b.sees("member/new@1")
	b.open(home + "#/commands/rename-member?id=new")
	b.fill("name", "Zoe")
	b.press("Dry run")
	b.sees("Nothing to do")

	// A row, compared with its events.
	b.open(home + "#/views/members")
	b.sees("Ann 0")
	b.press("new")
	b.press("Compare with the events")
	b.sees("As its events say")

	// A part of a view is compared; a table is built beside the one that answers.
	b.open(home + "#/views/courses?tab=tables")
	b.press("Verify a sample")
	b.sees("A twentieth was compared")
	b.press("Rebuild")
	b.press("Rebuild courses from all events?")
	b.press("Switch to it")
	b.press("Let ")
	b.sees("answers from")
	b.shoot("flow-switch")
	b.sees("Switch back") // some seconds later, when the other table answers

	// What is parked stays so, with the reason; a letter is dropped after a question.
	b.open(home + "#/views/members?tab=parked")
	b.press("Redrive")
	b.press("Redrive all of members?")
	b.wait("document.querySelector('main table')?.innerText.includes('member/m2')")
	b.open(home + "#/queue")
	b.do(chromedp.Click(chromedp.CSS("main tbody input[type=checkbox]")))
	b.press("Drop 1")
	b.press("Delete 1 permanently?")
	b.sees("dropped")
	b.sees("No dead letters.")

	// The theme that was chosen stays.
	b.press("◐")
	b.press("◐")
	b.wait("document.documentElement.dataset.theme === 'dark'")
	b.open(home)
	b.wait("document.documentElement.dataset.theme === 'dark'")
	b.clean("flows")
}

// fillFirst writes into the first field of the page.
func (b *browser) fillFirst(text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS("main input"), text))
}

// TestTokenInABrowser: the printed address lets a page in, once and for a reload; one
// without it tells what to do.
func TestTokenInABrowser(t *testing.T) {
	s := newSite(t)
	s.send("create-member", "7", object{"name": "Ann", "email": "a@example.com"})
	server := s.another(func(o *console.Options) { o.Token = "secret-token" })
	b := newBrowser(t)
	b.visit(server.URL + "/console/")
	b.sees("open the whole address that was printed")
	b.visit(server.URL + "/console/#token=secret-token")
	b.loaded()
	b.wait("!location.href.includes('secret') && document.body.innerText.includes('read only')")
	b.visit(server.URL + "/console/#/commands/rename-member")
	b.sees("start the console with")
	if eval[bool](b, "[...document.querySelectorAll('main button')].some(b => b.innerText === 'Send')") {
		t.Error("a console that only reads has a button to send")
	}
	b.clean("read only")
	r, err := http.Get(server.URL + "/console/api/app")
	if err != nil || r.StatusCode != http.StatusForbidden {
		t.Errorf("%v, %v", r, err)
	}
	_ = r.Body.Close()
}

func (b *browser) visit(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(url))
}
