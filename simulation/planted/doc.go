// Command planted shows that the instruments that look for faults in Daybook see them:
// each file of the folder bugs plants one fault, by go's -overlay, into the product or
// into the sample shop, and the instruments that the file names must find it. Nothing
// of the product knows of it.
//
//	go run ./simulation/planted                        # all of them
//	go run ./simulation/planted -write                 # and write the table of docs/testing.md
//	go run ./simulation/planted unconditional-put      # one
//
// A file says in its first paragraph what the fault is, then in lines with "find:" what
// finds it, and then for each file that it changes the old and the new text. An old
// text that does not occur exactly once in its file is an error, so that no fault goes
// unplanted when the product changes:
//
//	Commits are appended without a condition.
//	find: simulate
//	find: test ./localstack/linearizability TestTwoStacks
//	-- dynamo/event_store.go
//	<<<<
//	old lines
//	====
//	new lines
//	>>>>
//
// "find: simulate" simulates the sample shop; a package and a pattern of tests behind it
// simulate another application.
package main
