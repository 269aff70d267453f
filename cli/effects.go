package cli

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"daybook/functions"
	"daybook/functions/names"
	awsendpoint "daybook/messaging/endpoint"
	"daybook/process"
)

// effects are what process managers and outboxes are redriven with. Their commands
// are decided in this program; timers and integration events go where the deployed
// process function sends them, which its environment says: a role's name is the
// CDK's, and an event bus may be anybody's.
func (s *session) effects(ctx context.Context) (process.Effects, error) {
	handler, err := s.handler()
	if err != nil {
		return process.Effects{}, err
	}
	config := functions.Config{Timers: s.timers, Publisher: s.publisher}
	if effects := config.Effects(handler, s.sealing); functions.Enough(effects, s.of.Processes) == nil {
		return effects, nil
	}
	name := names.Join(s.prefix, names.Process)
	environment, err := s.environment(ctx, name)
	if err != nil {
		return process.Effects{}, fmt.Errorf("can't find out where timers and integration events go; is the process function deployed? %w", err)
	}
	environment[names.EnvRegion] = s.aws.Region
	if config, err = functions.FromEnv(func(name string) string { return environment[name] }); err != nil {
		return process.Effects{}, fmt.Errorf("function %s: %w", name, err)
	}
	config.Credentials = s.aws.Credentials
	config.SchedulerEndpoint, config.BusEndpoint = s.endpoint, s.endpoint
	effects := config.Effects(handler, s.sealing)
	return effects, functions.Enough(effects, s.of.Processes)
}

// environment asks Lambda for Daybook's own part of a function's environment.
func (s *session) environment(ctx context.Context, function string) (map[string]string, error) {
	endpoint := strings.TrimSuffix(s.endpoint, "/")
	if endpoint == "" {
		endpoint = awsendpoint.Of("lambda", s.aws.Region)
	}
	path := "/2015-03-31/functions/" + url.PathEscape(function) + "/configuration"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+path, http.NoBody)
	if err != nil {
		return nil, usage("-endpoint: %w", err)
	}
	if err := s.sign(ctx, "lambda", request, nil); err != nil {
		return nil, err
	}
	response, err := direct(20 * time.Second).Do(request)
	if err != nil {
		return nil, fmt.Errorf("no answer from Lambda: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("the answer from Lambda broke off: %w", err)
	}
	var answer struct {
		Environment struct {
			Variables map[string]string
			Error     struct{ Message string } // a key that may not be used
		}
	}
	err = json.Unmarshal(text, &answer)
	if message := answer.Environment.Error.Message; err == nil && message != "" {
		return nil, fmt.Errorf("function %s: its environment can't be read: %s", function, message)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("function %s at %s: Lambda answered %s: %.200s", function, endpoint, response.Status, text)
	}
	own := map[string]string{}
	for name, value := range answer.Environment.Variables {
		if strings.HasPrefix(name, names.EnvPrefix) {
			own[name] = value
		}
	}
	return own, nil
}
