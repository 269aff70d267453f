package start

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"daybook"
	"daybook/functions"
	"daybook/functions/names"
)

// Command runs the command function. Like the others it does not return: it ends
// the process with one line on standard error when the environment or the
// declarations can't be used.
func Command(app daybook.App) {
	start(app, functions.NewCommand, names.EnvEventsTable, names.EnvClaimsTable, names.EnvViewPrefix)
}

// Query runs the query function.
func Query(app daybook.App) {
	start(app, functions.NewQuery, names.EnvEventsTable, names.EnvViewPrefix)
}

// Projector runs the projector function.
func Projector(app daybook.App) {
	start(app, functions.NewProjector, names.EnvEventsTable, names.EnvViewPrefix)
}

// Process runs the process function.
func Process(app daybook.App) {
	start(app, functions.NewProcess, names.EnvEventsTable, names.EnvClaimsTable, names.EnvProcessesTable,
		names.EnvViewPrefix)
}

// start reads the environment, of which needs must be set, constructs the handler
// and hands it to Lambda's runtime.
func start(app daybook.App, construct func(daybook.App, functions.Config) (functions.Handler, error), needs ...string) {
	log.SetFlags(0)
	config, err := functions.FromEnv(os.Getenv, needs...)
	if err != nil {
		log.Fatal(err)
	}
	wrap, err := export(app, &config)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := construct(app, config)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(wrap(handler))
}
