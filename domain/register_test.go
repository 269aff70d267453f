package domain_test

import (
	"flag"
	"testing"

	"daybook/aggregate"
	"daybook/daybooktest"
	"daybook/domain"
	"daybook/events/eventstest"
	"daybook/process"
)

var _ = flag.Bool("update", false, "write missing golden files")

// Stored events stay readable and views keep their shapes, whatever is declared.
func TestWhatIsStored(t *testing.T) {
	t.Parallel()
	daybooktest.Golden(t, domain.Aggregates(), domain.Views())
}

func TestApp(t *testing.T) {
	t.Parallel()
	app := domain.App()
	if err := app.Check(); err != nil {
		t.Error(err)
	}
	if _, err := aggregate.NewHandler(&eventstest.Memory{}, app.Aggregates, nil); err != nil {
		t.Error(err)
	}
	codec, err := aggregate.Codec(app.Aggregates)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.NewRunner(nil, codec, nil, app.Processes, process.Effects{}, nil); err != nil {
		t.Error(err)
	}
}
