package main

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// batchSize is the most commands the API takes in one request.
const batchSize = 100

// tally counts the outcomes of commands.
type tally struct {
	accepted, repeated, refused int
	first                       string // the first refusal
}

type sender struct {
	api      string
	client   *http.Client
	parallel int
	patience time.Duration
}

func newSender(api string, parallel int, patience time.Duration) *sender {
	return &sender{
		api: strings.TrimRight(api, "/"),
		client: &http.Client{
			Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: parallel},
			// A redirected POST may become a GET without its commands.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		parallel: parallel,
		patience: patience,
	}
}

// send sends all commands in batches, several at once, and calls progress after
// each. It stops at the first batch that can't be sent.
func (s *sender) send(ctx context.Context, commands []command, progress func(n int)) (tally, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var total tally
	var wg sync.WaitGroup
	slots := make(chan struct{}, s.parallel)
	for len(commands) > 0 && ctx.Err() == nil {
		batch := commands[:min(batchSize, len(commands))]
		commands = commands[len(batch):]
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results, err := s.batch(ctx, batch)
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			total.count(results)
			progress(len(batch))
		})
	}
	wg.Wait()
	return total, context.Cause(ctx)
}

// result is one element of the answer to a batch.
type result struct {
	Status   int  `json:"status"`
	Replayed bool `json:"replayed"`
	Problem  struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"problem"`
}

func (t *tally) count(results []result) {
	for _, r := range results {
		switch {
		case r.Status >= 300:
			t.refused++
			if t.first == "" {
				t.first = fmt.Sprintf("%d %s %s", r.Status, r.Problem.Code, r.Problem.Detail)
			}
		case r.Replayed:
			t.repeated++
		default:
			t.accepted++
		}
	}
}

// batch sends one batch, again and again while the API does not answer or is
// busy: the command ids make that harmless.
func (s *sender) batch(ctx context.Context, batch []command) ([]result, error) {
	body, err := json.Marshal(batch)
	if err != nil {
		return nil, err
	}
	give := time.Now().Add(s.patience)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		results, again, err := s.post(ctx, body, len(batch))
		if err == nil || !again || time.Now().After(give) {
			return results, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// post sends one request; again says that the same may succeed later.
func (s *sender) post(ctx context.Context, body []byte, want int) (results []result, again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.api+"/commands", bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, ctx.Err() == nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, true, err
	}
	if response.StatusCode != http.StatusMultiStatus {
		return nil, response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests,
			fmt.Errorf("the API answered %s: %.200s", response.Status, answer)
	}
	if err := json.Unmarshal(answer, &results); err != nil {
		return nil, false, fmt.Errorf("the API's answer can't be read: %w", err)
	}
	if len(results) != want {
		return nil, false, fmt.Errorf("the API answered %d of %d commands", len(results), want)
	}
	for _, r := range results {
		if r.Status >= 500 {
			return nil, true, fmt.Errorf("a command was answered %d %s", r.Status, r.Problem.Code)
		}
	}
	return results, false, nil
}
