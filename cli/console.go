package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/console"
	"daybook/console/reach"
	"daybook/process"
)

func consoleCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:  "console",
		Usage: "serve pages that show the installation, on this machine",
		Description: "Prints an address to open in a browser, and serves until Ctrl-C. The pages read with the\n" +
			"rights of your AWS credentials; nothing is deployed. Without -write they change nothing. The\n" +
			"address holds a token: anybody who has it may use the console.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8070", Usage: "`ADDRESS` of this machine to listen on; port 0 takes a free one"},
			&cli.BoolFlag{Name: "write", Usage: "let the pages send commands, redrive, drop dead letters, rebuild and switch"},
			&cli.StringFlag{Name: "actor", Value: "console", Usage: "`NAME` to store as the actor of commands that are sent"},
			&cli.StringFlag{Name: "rehearsal", Usage: "show the report that rehearse -json wrote to `FILE`"},
			&cli.IntFlag{Name: "scan", Value: 20_000, Usage: "read up to `N` commits to list streams; 0 for all. Others are found by their whole id"},
		},
		Action: a.console,
	}
}

// servedLine says where the console is.
type servedLine struct {
	URL   string `json:"url"`
	Write bool   `json:"write"`
}

func (a *app) console(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("console takes no argument; see -help")
	}
	if c.Int("scan") < 0 {
		return usage("-scan is 0 or more")
	}
	if err := checkLoopback(c.String("addr")); err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	o := s.consoleOptions(c)
	o.Write, o.Actor, o.Scan = c.Bool("write"), c.String("actor"), c.Int("scan")
	_, away := s.reachable(ctx)
	if path := c.String("rehearsal"); path != "" {
		if o.Rehearsal, err = keptRehearsal(path, a.of.Name); err != nil {
			return err
		}
		if away != nil && ctx.Err() == nil { // the page of a rehearsal needs no installation
			s.note("only the page Rehearsal works: %s", line(withHint(away)))
			away = nil
		}
	}
	if away != nil {
		return away
	}
	pages, err := console.New(o)
	if err != nil {
		return err
	}
	defer pages.Close()
	listener, err := listen(c.String("addr"))
	if err != nil {
		return err
	}
	url := consoleURL(listener, o)
	if o.Rehearsal != nil {
		url += "/rehearsal"
	}
	if s.out.json {
		s.out.value(servedLine{url, o.Write})
	} else {
		how := "read only"
		if o.Write {
			how = "read and write"
		}
		s.out.printf("The console of %s (%s): %s\nCtrl-C stops it.\n", o.Prefix, how, url)
	}
	if err := serve(ctx, listener, pages); err != nil {
		return err
	}
	return s.out.err
}

// consoleOptions are those of a console that only reads, with a token of its own.
func (s *session) consoleOptions(c *cli.Command) console.Options {
	o := console.Options{
		App: s.of, Stage: c.String("stage"), Prefix: s.prefix, Token: rand.Text(),
		Effects: func(ctx context.Context, _ *aggregate.Handler) (process.Effects, error) { return s.effects(ctx) },
	}
	reach.Installation(&o, s.client, s.streamsClient(), s.sqsOptions(), s.sealing)
	return o
}

// checkLoopback refuses addresses that other machines can reach.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usage("-addr %s: write ADDRESS:PORT, such as 127.0.0.1:8070", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usage("-addr %s: the console is for this machine only: use 127.0.0.1 or localhost", addr)
	}
	return nil
}

// Limits of the server: a redrive of all parked streams may take 45 s.
const (
	headerTimeout = 10 * time.Second
	answerTimeout = time.Minute
	endTimeout    = 2 * time.Second
)

func listen(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the console can't listen on %s: %w (choose another address with -addr)", addr, err)
	}
	return listener, nil
}

// consoleURL is the address to open, with the token.
func consoleURL(listener net.Listener, o console.Options) string {
	return "http://" + listener.Addr().String() + "/console/#token=" + o.Token
}

// serve serves until ctx ends, which is a good end.
func serve(ctx context.Context, listener net.Listener, pages http.Handler) error {
	server := &http.Server{Handler: pages, ReadHeaderTimeout: headerTimeout, ReadTimeout: answerTimeout, WriteTimeout: answerTimeout}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		if server.Shutdown(ending) != nil {
			_ = server.Close() // a request that takes longer is cut off
		}
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended // Serve returns before the last answer is written
	return nil
}
