package images

// Drawings returns the drawings of docs/concepts.md by the names of their files.
func Drawings() map[string]Drawing {
	return map[string]Drawing{"flow.svg": flow(), "stream.svg": stream(), "process.svg": process()}
}

func flow() Drawing {
	return Drawing{
		Title: "A client sends a command; the aggregate decides it; the commit is stored in the events table; the change stream feeds the projector, which writes the view's table, and the process managers and outboxes; queries read the view's table only.",
		Width: 820, Height: 330,
		Boxes: []Box{
			{"client", Actor, 20, 30, 110, 160, []string{"Client"}},
			{"aggregate", Code, 220, 30, 160, 60, []string{"Aggregate", "decides on its state"}},
			{"events", Stored, 450, 30, 170, 60, []string{"Events table", "one item per commit"}},
			{"changes", Stored, 690, 30, 110, 270, []string{"Change", "stream"}},
			{"view", Code, 450, 130, 170, 60, []string{"View", "projects events"}},
			{"rows", Stored, 220, 130, 160, 60, []string{"View's table", "rows, indexes"}},
			{"process", Code, 450, 240, 170, 60, []string{"Process manager", "or outbox"}},
			{"other", Actor, 220, 240, 160, 60, []string{"Other streams,", "other systems"}},
		},
		Arrows: []Arrow{
			{"client", "aggregate", "command"},
			{"aggregate", "events", "commit"},
			{"events", "changes", ""},
			{"changes", "view", "commits"},
			{"changes", "process", "commits"},
			{"view", "rows", "writes"},
			{"rows", "client", "query"},
			{"process", "other", "sends"},
		},
	}
}

func stream() Drawing {
	return Drawing{
		Title: "The stream account/7 has two commits: commit 1 with event version 1, commit 2 with versions 2 and 3. Folding the events gives the state at version 3. The consistency token account/7@3 names commit 2's last version; a claim made by commit 1 belongs to the stream.",
		Width: 820, Height: 290,
		Boxes: []Box{
			{"c1", Stored, 20, 30, 220, 80, []string{"Commit 1", "version 1: account-opened"}},
			{"c2", Stored, 300, 30, 240, 80, []string{"Commit 2", "version 2: account-deposited", "version 3: account-renamed"}},
			{"token", Actor, 640, 40, 160, 60, []string{"Token", "account/7@3"}},
			{"claim", Stored, 20, 190, 220, 70, []string{"Claim", "account-email: ann@…"}},
			{"state", Code, 300, 190, 240, 70, []string{"State at version 3", "name, balance, open"}},
		},
		Arrows: []Arrow{
			{"c1", "c2", "next"},
			{"c2", "token", "names"},
			{"c1", "claim", "same transaction"},
			{"c2", "state", "fold"},
		},
	}
}

func process() Drawing {
	return Drawing{
		Title: "The event order-placed reaches a process manager. It sends a command to another stream, and it sets a timer. Either the payment marks the order as paid, or the timer, due after three days, cancels it. The order decides once, by whichever comes first.",
		Width: 820, Height: 320,
		Boxes: []Box{
			{"placed", Stored, 20, 130, 150, 60, []string{"Event", "order-placed"}},
			{"manager", Code, 240, 30, 130, 260, []string{"Process", "manager"}},
			{"command", Code, 450, 30, 150, 60, []string{"Command", "request-payment"}},
			{"timer", Stored, 450, 230, 150, 60, []string{"Timer", "due in 3 days"}},
			{"order", Code, 690, 30, 110, 260, []string{"Order", "decides once"}},
		},
		Arrows: []Arrow{
			{"placed", "manager", "reacts"},
			{"manager", "command", "Send"},
			{"manager", "timer", "After"},
			{"command", "order", "paid"},
			{"timer", "order", "cancel"},
		},
	}
}
