package dynamo_test

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"log"
	"time"

	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/embedded"
	"daybook/view"
	"daybook/view/driver"
)

// local returns a client of a database in this process. On AWS it is
// dynamo.New(dynamo.Options{}).
func local(ctx context.Context) (client *dynamo.Client, closeDB func() error) {
	db, err := embedded.Open(ctx, embedded.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return dynamo.New(dynamo.Options{
		Region: "us-east-1", Endpoint: "http://localhost", Credentials: dynamo.StaticCredentials("local", "local"),
		Transport: db.RoundTripper(),
	}), db.Close
}

func ExampleEventStore() {
	ctx := context.Background()
	client, closeDB := local(ctx)
	defer closeDB()
	if err := dynamo.Create(ctx, client, "shop-dev", dynamo.EventsTable()); err != nil {
		log.Fatal(err)
	}
	store := dynamo.NewEventStore(client, dynamo.TableName("shop-dev", dynamo.EventsTable()))

	ctx, meter := dynamo.WithMeter(ctx)
	_, err := store.Append(ctx, events.Start("user/7"), events.Commit{
		ID: "commit-1", Time: time.UnixMilli(1793697342137), Actor: "ann",
		Commands: []events.Command{{ID: "command-1", Version: 1}},
		Events:   []events.Event{{Name: "user-created", Schema: 1, Data: jsontext.Value(`{"name":"Ann"}`)}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", meter.Usage())

	_, err = store.Append(ctx, events.Start("user/7"), events.Commit{
		ID: "commit-2", Commands: []events.Command{{ID: "command-2"}},
		Events: []events.Event{{Name: "user-created", Schema: 1, Data: jsontext.Value(`{"name":"Bob"}`)}},
	})
	if winner, ok := events.WinnerOf(err); ok {
		fmt.Printf("%s was first: %s\n", winner.Actor, winner.Events[0].Data)
	}
	// Output:
	// {Requests:1 ReadUnits:0 WriteUnits:1 LostAnswers:0}
	// ann was first: {"name":"Ann"}
}

func ExampleTables() {
	ctx := context.Background()
	client, closeDB := local(ctx)
	defer closeDB()
	users := view.Description{Name: "users", Version: 1, Indexes: []driver.IndexDescription{{Name: "by-name", SortKind: driver.SortString}}}
	if err := dynamo.Create(ctx, client, "shop-dev", dynamo.ViewTable(users)); err != nil {
		log.Fatal(err)
	}
	table := dynamo.NewTables(client, "shop-dev").Table("users", 1)
	for key, name := range map[string]string{"7": "Ann", "8": "Bob"} {
		item := driver.Item{Key: key, Row: jsontext.Value(`{"name":"` + name + `"}`), Commit: 1, Version: 1, Index: map[string]driver.IndexKey{
			"by-name": {Partition: "all", Sort: driver.Sort{Kind: driver.SortString, Text: name}},
		}}
		if err := table.Put(ctx, driver.Write{Item: item}); err != nil {
			log.Fatal(err)
		}
	}
	items, end, err := table.Range(ctx, driver.Range{Index: "by-name", Partition: "all", Limit: 10})
	if err != nil {
		log.Fatal(err)
	}
	for _, it := range items {
		fmt.Println(it.Key, string(it.Row))
	}
	fmt.Println("end:", end)
	// Output:
	// 7 {"name":"Ann"}
	// 8 {"name":"Bob"}
	// end: true
}

func ExampleDecodeStreamEvent() {
	records, err := dynamo.DecodeStreamEvent([]byte(`{"Records":[{"eventID":"1","eventName":"INSERT","dynamodb":{
		"ApproximateCreationDateTime":1793697342,"SequenceNumber":"100","Keys":{"stream":{"S":"user/7"},"commit":{"N":"1"}},
		"NewImage":{"stream":{"S":"user/7"},"commit":{"N":"1"},"v":{"N":"1"},"t":{"N":"1793697342137"},"i":{"S":"commit-1"},
			"q":{"B":"EmNvbW1hbmQtMQAAAAAAAAAAAA=="},"e":{"S":"[[\"user-created\",1,{\"name\":\"Ann\"}]]"}}}}]}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records {
		if r.Err != nil {
			log.Fatal(r.Err)
		}
		fmt.Println(r.Sequence, r.Stream, r.Number, r.Commit.Commands[0].ID, string(r.Commit.Events[0].Data))
	}
	// Output:
	// 100 user/7 1 command-1 {"name":"Ann"}
}

func ExampleViewTable() {
	spec := dynamo.ViewTable(view.Description{Name: "products", Version: 2, Indexes: []driver.IndexDescription{{Name: "by-price", SortKind: driver.SortNumber}}})
	fmt.Println(dynamo.TableName("shop-dev", spec), spec.Partition)
	for _, x := range spec.Indexes {
		fmt.Println(x.Name, x.Partition, *x.Sort)
	}
	// Output:
	// shop-dev-products-v2 {key S}
	// by-price {_p-by-price S} {_s-by-price N}
	// _parked {_p-_parked S} {_s-_parked S}
}
