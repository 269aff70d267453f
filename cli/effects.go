package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"daybook/connect"
	"daybook/functions"
	"daybook/functions/names"
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
	all, err := connect.NewServices(s.access(), s.prefix).Environment(ctx, function)
	if err != nil {
		return nil, fmt.Errorf("function %s at %s: %w", function, cmp.Or(s.endpoint, "AWS, region "+s.aws.Region), err)
	}
	own := map[string]string{}
	for name, value := range all {
		if strings.HasPrefix(name, names.EnvPrefix) {
			own[name] = value
		}
	}
	return own, nil
}
