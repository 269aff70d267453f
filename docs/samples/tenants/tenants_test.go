package tenants_test

import (
	"testing"

	"daybook/docs/samples/tenants"
)

func TestApp(t *testing.T) {
	t.Parallel()
	app := tenants.App()
	if err := app.Check(); err != nil || !app.Tenancy.On() {
		t.Errorf("%v, tenancy %+v", err, app.Tenancy)
	}
}
