package functions

import (
	"fmt"

	"daybook"
	"daybook/dynamo"
	"daybook/functions/names"
	"daybook/messaging"
	"daybook/personal"
	"daybook/sealed"
)

// Sealing returns what encrypts the personal values of an application, the zero value for
// one that marks none, which then costs nothing. It is an error for the configuration to
// have no keys where the application has personal values. It sends nothing.
func (c Config) Sealing(app daybook.App, client dynamo.API) (sealed.With, error) {
	switch {
	case c.KeysTable == "" && c.WrappingKey == "" && !app.Personal():
		return sealed.With{}, nil
	case c.KeysTable == "" || c.WrappingKey == "":
		return sealed.With{}, fmt.Errorf("the application has personal values, which need %s and %s: not both are set", names.EnvKeysTable, names.EnvWrappingKey)
	}
	keys := dynamo.NewKeys(client, c.KeysTable)
	return sealed.With{Sealer: personal.NewSealer(personal.NewRing(keys, messaging.NewKMS(c.WrappingKey, c.messaging(c.KMSEndpoint)), c.Now))}, nil
}
