package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/process"
)

func importCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "store the commits of an export",
		ArgsUsage: "FILE",
		Description: "Stores every commit as it was, ids, times and snapshots included. A commit that is stored\n" +
			"already is left as it is, so importing again changes nothing; one whose place another commit\n" +
			"holds ends the import. Commits of a stream come in order; streams may be mixed. Process\n" +
			"managers and outboxes take them for history, unless -react says that they are to react.\n" +
			"With -tenant, streams without a tenant become that tenant's; those of others are left out.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "yes", Usage: "don't ask"},
			&cli.StringSliceFlag{Name: "aggregate", Usage: "only streams of aggregate `NAME`; may be repeated"},
			&cli.StringFlag{Name: "state", Usage: "keep the progress in `FILE`, from which the same command resumes"},
			&cli.BoolFlag{Name: "allow-unknown", Usage: "import events that this program does not declare, and report them"},
			&cli.BoolFlag{Name: "react", Usage: "let process managers and outboxes react to what is imported"},
			&cli.IntFlag{Name: "parallel", Value: 16, Usage: "store `N` streams at the same time"},
		},
		Action: a.importFile,
	}
}

func (a *app) importFile(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("import takes one file, - for standard input")
	}
	if err := checkParallel(c.Int("parallel")); err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	i := &importer{session: s, parallel: c.Int("parallel"), aggregates: c.StringSlice("aggregate"), state: c.String("state"), allowUnknown: c.Bool("allow-unknown"), unknown: s.undeclared()}
	i.at.Table = s.eventsTable()
	if len(s.of.Processes) > 0 && !c.Bool("react") {
		if i.runner, err = s.runner(process.Effects{}); err != nil {
			return err
		}
	}
	size, file := int64(0), (*os.File)(nil)
	if path := c.Args().First(); path == "-" {
		if i.state != "" {
			return usage("-state: an import from standard input can't be resumed")
		}
		i.in = bufio.NewReaderSize(a.stdin, 1<<20)
	} else {
		f, err := os.Open(path)
		if err != nil {
			return usage("%w", err)
		}
		defer f.Close()
		file = f
		if size, err = i.open(f); err != nil {
			return err
		}
	}
	if err := i.tablesExist(ctx); err != nil {
		return err
	}
	if file != nil {
		if err := i.inspect(ctx, file); err != nil {
			return err
		}
	}
	if err := a.confirm(c, fmt.Sprintf("Import into table %s?", s.eventsTable())); err != nil {
		return err
	}
	return i.all(ctx, size)
}

// tablesExist finds out early that a table is missing that the import writes.
func (i *importer) tablesExist(ctx context.Context) error {
	tables := []string{i.eventsTable(), i.claimsTable()}
	if i.runner != nil {
		tables = append(tables, i.processesTable())
	}
	for _, table := range tables {
		if _, err := i.describe(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// confirm asks, unless -yes was given. Without a person to ask it is refused.
func (a *app) confirm(c *cli.Command, question string) error {
	if c.Bool("yes") {
		return nil
	}
	if !isTerminal(a.stdin) {
		return usage("%s Standard input is not a terminal, so nobody can answer: pass -yes", question)
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if first := bytes.TrimSpace([]byte(answer)); len(first) == 0 || first[0]|0x20 != 'y' {
		return usage("nothing was done")
	}
	return nil
}

// importer imports a file block by block: the streams of a block side by side,
// the commits of a stream in order.
type importer struct {
	*session
	parallel   int
	runner     *process.Runner // nil: nobody is kept from reacting
	aggregates []string
	state      string // file; "" for none
	unknown    *undeclared
	// allowUnknown stores what unknown counts.
	allowUnknown bool
	in           *bufio.Reader
	at           importState

	last events.Position // behind the last commit of the block before
	bar  *progress
}

// importState is how far an import is.
type importState struct {
	Table   string `json:"table"`
	File    string `json:"file"`
	Offset  int64  `json:"offset"` // bytes; all before is stored
	Lines   int64  `json:"lines"`
	Commits int64  `json:"commits"`
	Events  int64  `json:"events"`
	Skipped int64  `json:"skipped,omitzero"` // lines of other tenants and aggregates
	Claims  bool   `json:"claims"`           // a commit claims a value or spends a command id
}

// open goes to where an earlier import was, and returns what is left in bytes.
func (i *importer) open(f *os.File) (left int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if i.at.File, err = filepath.Abs(f.Name()); err != nil {
		return 0, err
	}
	if i.state != "" {
		text, err := os.ReadFile(i.state)
		if err == nil {
			var old importState
			if err := json.Unmarshal(text, &old); err != nil || old.Table != i.at.Table || old.File != i.at.File || old.Offset > info.Size() {
				return 0, usage("-state %s belongs to another import", i.state)
			}
			i.at = old
		} else if !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	if _, err := f.Seek(i.at.Offset, io.SeekStart); err != nil {
		return 0, err
	}
	i.in = bufio.NewReaderSize(f, 1<<20)
	return info.Size() - i.at.Offset, nil
}

func (i *importer) all(ctx context.Context, size int64) error {
	begin, before := time.Now(), i.at.Events
	i.bar = i.progress("importing", "KB", size>>10)
	defer i.bar.end()
	for {
		block, done, err := i.block()
		if err == nil && !i.allowUnknown && len(i.unknown.lines) > 0 { // of standard input: a file was read before
			err = i.refuse(fmt.Sprintf("the import stopped within %d lines before line %d", blockLines, i.at.Lines))
		}
		if err == nil {
			err = i.store(ctx, block)
		}
		if err == nil && i.state != "" {
			err = writeState(i.state, i.at)
		}
		if err != nil {
			i.bar.end()
			return err
		}
		if done {
			break
		}
	}
	i.bar.end()
	var damaged events.Damages
	if i.at.Claims {
		var err error
		if damaged, err = i.restoreClaims(ctx, i.parallel); err != nil {
			return fmt.Errorf("all commits are imported, but not the values that they claim; run the same command again to resume: %w", err)
		}
	}
	took := time.Since(begin)
	i.noteDamaged(damaged, "the values that they claim were not stored")
	text := fmt.Sprintf("imported %s in %d commits", rate(i.at.Events-before, "events", took), i.at.Commits)
	if i.at.Skipped > 0 {
		text += fmt.Sprintf("; %d commits of other tenants or aggregates were left out", i.at.Skipped)
	}
	i.summary(copySummary{
		Commits: i.at.Commits, Events: i.at.Events - before, Seconds: took.Seconds(), Skipped: i.at.Skipped, Unknown: i.unknown.list(), Damaged: damaged,
	}, text)
	if !i.out.json {
		i.unknown.write(i.out)
	}
	return removeState(i.state)
}

// The bounds of a block and of a line. A commit has at most 4 MB before it is
// compressed to be stored.
const (
	blockLines = 1000
	blockBytes = 8 << 20
	maxLine    = 8 << 20
)

// importLine is a line of a block.
type importLine struct {
	number int64 // in the file, from 1
	text   []byte
}

// block reads lines, by stream.
func (i *importer) block() (block map[events.Stream][]importLine, done bool, err error) {
	block = map[events.Stream][]importLine{}
	for lines, size := 0, 0; lines < blockLines && size < blockBytes; lines++ {
		text, err := readLine(i.in)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, fmt.Errorf("line %d: %w", i.at.Lines+1, err)
		}
		done = err != nil
		i.at.Offset += int64(len(text))
		size += len(text)
		i.at.Lines++
		if len(bytes.TrimSpace(text)) > 0 {
			stream, err := streamOfLine(text)
			switch {
			case err != nil:
			case !i.takes(stream):
				i.at.Skipped++
				i.bar.add(int64(len(text)) >> 10)
			default:
				i.unknown.look(i.at.Lines, text)
				stream, err = i.place(stream)
				block[stream] = append(block[stream], importLine{i.at.Lines, text})
			}
			if err != nil {
				return nil, false, fmt.Errorf("line %d: %w", i.at.Lines, err)
			}
		}
		if done {
			break
		}
	}
	return block, done, nil
}

// place is where a stream of the file is stored: a stream without a tenant becomes one of
// the tenant of -tenant.
func (i *importer) place(stream events.Stream) (events.Stream, error) {
	switch tenants := i.of.Tenancy.On(); {
	case tenants == (stream.Tenant() != ""):
		return stream, nil
	case !tenants:
		return "", fmt.Errorf("%s is a stream of a tenant, and %s has none", stream, i.of.Name)
	case i.tenant == "":
		return "", fmt.Errorf("%s has no tenant: say with -tenant whose it becomes", stream)
	case i.of.Personal():
		return "", fmt.Errorf("%s can't become a stream of tenant %s: its personal values are encrypted for the stream that it is", stream, i.tenant)
	}
	return stream.In(i.tenant), nil
}

// moved is a commit as one of another tenant's stream: what caused it has moved too.
func moved(c events.Commit, to events.Stream) events.Commit {
	if c.Stream == to {
		return c
	}
	if cause, err := events.ParseStoredToken(c.Causation); err == nil {
		cause.Stream = cause.Stream.In(to.Tenant())
		c.Causation = cause.String()
	}
	c.Stream = to
	return c
}

// readLine reads a line with its end.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > maxLine {
			return nil, fmt.Errorf("it is longer than %d bytes", maxLine)
		}
	}
}

// streamOfLine reads the stream only: exports have it first.
func streamOfLine(text []byte) (events.Stream, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if t, err := d.ReadToken(); err != nil || t.Kind() != jsontext.KindBeginObject {
		return "", errors.New("not a JSON object")
	}
	for d.PeekKind() == jsontext.KindString {
		name, err := d.ReadToken()
		if err != nil {
			return "", err
		}
		if name.String() != "stream" {
			if err := d.SkipValue(); err != nil {
				return "", err
			}
			continue
		}
		value, err := d.ReadToken()
		if err != nil || value.Kind() != jsontext.KindString {
			return "", errors.New("stream is not a string")
		}
		return events.Stream(value.String()), nil
	}
	return "", errors.New("it has no stream")
}
