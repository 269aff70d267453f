// Command client creates a user and reads it back at once.
package main

import (
	"context"
	"log"
	"os"

	"client/daybook"
)

func main() {
	ctx := context.Background()
	client, err := daybook.NewClientWithResponses(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	id, key := "oapi-codegen", "oapi-codegen-1"
	created, err := client.CreateUserWithResponse(ctx, &daybook.CreateUserParams{IdempotencyKey: &key},
		daybook.CreateUserJSONRequestBody{Id: &id, Payload: daybook.CommandCreateUser{Name: "Ada", Email: "oapi-codegen@example.com"}})
	if err != nil || created.JSON201 == nil {
		log.Fatalf("create-user: %v %s", err, created.Body)
	}
	row, err := client.GetUsersWithResponse(ctx, id, &daybook.GetUsersParams{After: created.JSON201.Token})
	if err != nil || row.JSON200 == nil {
		log.Fatalf("get-users: %v %s", err, row.Body)
	}
	log.Print(row.JSON200.Name, " ", row.JSON200.Version)

	// A problem, and a row of the past.
	refused, err := client.RenameUserWithResponse(ctx, nil, daybook.RenameUserJSONRequestBody{Id: "nobody", Payload: daybook.CommandRenameUser{Name: "Bob"}})
	if err != nil || refused.ApplicationproblemJSON422 == nil {
		log.Fatalf("rename-user of nobody: %v %s", err, refused.Body)
	}
	log.Print(refused.ApplicationproblemJSON422.Code)
	at := "1"
	past, err := client.GetUsersWithResponse(ctx, id, &daybook.GetUsersParams{At: &at})
	if err != nil || past.JSON200 == nil || past.JSON200.Name != "Ada" {
		log.Fatalf("get-users at 1: %v %s", err, past.Body)
	}
}
