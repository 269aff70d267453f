package tenants

import (
	"daybook"
	"daybook/aggregate"
	"daybook/docs/samples/person"
)

//sample:begin app
func App() daybook.App {
	return daybook.App{
		Name:       "shop",
		Aggregates: []aggregate.Aggregate{person.Person},
		Tenancy:    daybook.Tenancy{Claim: "org_id", RequestsPerSecond: 20, Burst: 50},
	}
}

//sample:end
