package peopledomain

import (
	"maps"
	"slices"
	"strings"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/personal"
	"daybook/process"
	"daybook/view"
)

// App is the application.
func App() daybook.App {
	return daybook.App{
		Name: "people", Aggregates: []aggregate.Aggregate{Person, KeptLetter}, Views: []view.View{People, Towns},
		Processes: []process.Reactor{Greetings, Outbox},
	}
}

// Text is a personal text.
type Text = personal.Value[string]

// Person is the aggregate of one person, who holds a unique address. Its commands are kept,
// so that personal values are there too.
var Person = aggregate.New[State]("person").KeepCommands().
	Event(func(s State, e Registered) State {
		return State{Exists: true, Name: e.Name, Email: e.Email, Home: e.Home}
	}).
	Event(func(s State, e Renamed) State { s.Name = e.Name; return s }).
	Event(func(s State, e Forgotten) State { s.Forgotten = true; return s }).
	Command(register, aggregate.Creates()).
	Command(func(s State, c Rename) aggregate.Decision {
		if !s.Exists {
			return aggregate.Reject("person-not-found", "there is no such person")
		}
		if s.Name.Reveal() == c.Name.Reveal() {
			return aggregate.Nothing()
		}
		return aggregate.Emit(Renamed(c))
	}).
	Command(forget, aggregate.Internal(), aggregate.Erases())

// EmailClaim is the name under which a person holds an address.
const EmailClaim = "person-email"

// State is what deciding about a person needs.
type State struct {
	Exists    bool                     `json:"exists,omitzero"`
	Forgotten bool                     `json:"forgotten,omitzero"`
	Name      Text                     `json:"name,omitzero"`
	Email     Text                     `json:"email,omitzero"`
	Home      *personal.Value[Address] `json:"home,omitzero"`
}

// Address is where a person lives.
type Address struct {
	Street string `json:"street" rule:"min=1"`
	Town   string `json:"town" rule:"min=1"`
}

// Events of persons.
type (
	Registered struct {
		Name  Text                     `json:"name"`
		Email Text                     `json:"email"`
		Home  *personal.Value[Address] `json:"home,omitzero"`
	}
	Renamed   Rename
	Forgotten struct{}
)

func (Registered) EventName() string { return "person-registered" }
func (Renamed) EventName() string    { return "person-renamed" }
func (Forgotten) EventName() string  { return "person-forgotten" }

// Commands to persons.
type (
	Register struct {
		Name  Text                     `json:"name" rule:"min=1,max=100,notblank"`
		Email Text                     `json:"email" rule:"max=254,format=email"`
		Home  *personal.Value[Address] `json:"home,omitzero"`
	}
	Rename struct {
		Name Text `json:"name" rule:"min=1,max=100,notblank"`
	}
	Forget struct{}
)

func (Register) CommandName() string { return "register-person" }
func (Rename) CommandName() string   { return "rename-person" }
func (Forget) CommandName() string   { return "forget-person" }

func register(s State, c Register) aggregate.Decision {
	if s.Exists {
		return aggregate.Reject("person-exists", "this person exists already")
	}
	return aggregate.Emit(Registered(c)).ClaimPersonal(EmailClaim, strings.ToLower(c.Email.Reveal()), "/payload/email")
}

func forget(s State, _ Forget) aggregate.Decision {
	if !s.Exists || s.Forgotten {
		return aggregate.Nothing()
	}
	return aggregate.Emit(Forgotten{}).ReleasePersonal(EmailClaim, strings.ToLower(s.Email.Reveal()))
}

// Letter is the aggregate of one letter, which is about the person who gets it.
var Letter = letters()

// KeptLetter is a Letter whose commands are kept: those name a person other than their
// stream.
var KeptLetter = letters().KeepCommands()

func letters() *aggregate.Definition[LetterState] {
	return aggregate.New[LetterState]("letter").
		Event(func(s LetterState, e Written) LetterState { return LetterState{To: e.To, Text: e.Text} }).
		Command(func(s LetterState, c Write) aggregate.Decision {
			if s.To != "" {
				return aggregate.Nothing()
			}
			return aggregate.Emit(Written(c))
		}, aggregate.Creates())
}

// LetterState is what deciding about a letter needs.
type LetterState struct {
	To   string `json:"to"`
	Text Text   `json:"text"`
}

// Write asks for a letter.
type Write struct {
	To   string `json:"to" rule:"format=id"`
	Text Text   `json:"text" rule:"min=1"`
}

// Written: a letter was written.
type Written Write

func (Write) CommandName() string         { return "write-letter" }
func (w Write) PersonalSubject() string   { return "person/" + w.To }
func (Written) EventName() string         { return "letter-written" }
func (w Written) PersonalSubject() string { return "person/" + w.To }

// People is the view "people": one row per person.
var People = view.New[Row]("people", "person").
	On(func(_ Row, e Registered, _ view.Meta) Row {
		r := Row{Name: e.Name, Email: e.Email, Initial: Initial(e.Name)}
		if e.Home != nil {
			r.Town = e.Home.Reveal().Town
		}
		return r
	}).
	On(func(r Row, e Renamed, _ view.Meta) Row { r.Name, r.Initial = e.Name, Initial(e.Name); return r }).
	Index("by-town", view.By("town"))

// Row is one person. Town and Initial are copies that are not marked: they are found
// after the person was erased unless the row is made again.
type Row struct {
	Name    Text   `json:"name"`
	Email   Text   `json:"email"`
	Town    string `json:"town,omitzero"`
	Initial string `json:"initial,omitzero"`
}

// Initial is the first letter of a name.
func Initial(name Text) string {
	for _, c := range name.Reveal() {
		return string(c)
	}
	return ""
}

// Towns is the keyed view "towns": one row, of everybody.
var Towns = view.NewKeyed[Town, Resident]("towns", "person").
	On(func(m Resident, e Registered, meta view.Meta) Resident {
		m.ID, m.Name = meta.Stream.ID(), e.Name
		if e.Home != nil {
			m.Town = e.Home.Reveal().Town
		}
		return m
	}).
	Keys(func(Resident) []string { return []string{"all"} }).
	Put(func(r Town, _ string, m Resident) Town {
		r.Names = maps.Clone(r.Names)
		if r.Names == nil {
			r.Names = map[string]Text{}
		}
		r.Names[m.ID], r.Towns = m.Name, joined(append(words(r.Towns), words(m.Town+" ")...))
		return r
	}).
	Take(func(r Town, _ string, m Resident) Town {
		r.Names = maps.Clone(r.Names)
		delete(r.Names, m.ID)
		left := words(r.Towns)
		for _, word := range words(m.Town + " ") {
			if at := slices.Index(left, word); at >= 0 {
				left = slices.Delete(left, at, at+1)
			}
		}
		r.Towns = joined(left)
		return r
	})

// words are the words of a text, each with the space after it.
func words(text string) []string {
	all := strings.SplitAfter(text, " ")
	return all[:len(all)-1]
}

// joined is a text of words in an order that does not depend on who came first.
func joined(words []string) string {
	slices.Sort(words)
	return strings.Join(words, "")
}

// Town is everybody: who there is by id, and the words of the towns that they live in.
type Town struct {
	Names map[string]Text `json:"names"`
	Towns string          `json:"towns"`
}

// Resident is what Towns remembers of a person.
type Resident struct {
	ID   string `json:"id"`
	Name Text   `json:"name"`
	Town string `json:"town"`
}

// Greetings sends each new person a letter, some time later.
var Greetings = process.New[Memory]("greetings", "person").
	Sends(Write{}).
	On(func(m Memory, e Registered, meta process.Meta) (Memory, process.Reaction) {
		m.Name = e.Name
		letter := Write{To: meta.ID(), Text: personal.Of("Dear " + e.Name.Reveal())}
		return m, process.Do(process.After("greeting", Delay, process.Send("greeting-"+meta.ID(), letter)))
	})

// Memory is what Greetings remembers of a person.
type Memory struct {
	Name Text `json:"name"`
}

// Delay is how long Greetings waits.
const Delay = 24 * time.Hour

// Outbox tells others of new people: in the clear, since an event bus has no keys.
var Outbox = process.NewOutbox[struct{}]("people-news", "person").
	Publish("com.example.people.registered", 1, func(_ struct{}, e Registered, m process.Meta) News {
		return News{Person: m.ID(), Name: e.Name.Reveal()}
	})

// News is the data of an integration event.
type News struct {
	Person string `json:"person"`
	Name   string `json:"name"`
}
