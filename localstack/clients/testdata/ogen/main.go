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
	client, err := daybook.NewClient(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	created, err := client.CreateUser(ctx,
		&daybook.CreateUserReq{ID: daybook.NewOptNilString("ogen"), Payload: daybook.CommandCreateUser{Name: "Ada", Email: "ogen@example.com"}},
		daybook.CreateUserParams{IdempotencyKey: daybook.NewOptString("ogen-1")})
	if err != nil {
		log.Fatal(err)
	}
	accepted, ok := created.(*daybook.AddProductCreatedHeaders) // the answer 201 of all commands
	if !ok {
		log.Fatalf("create-user: %+v", created)
	}
	row, err := client.GetUsers(ctx, daybook.GetUsersParams{Key: "ogen", After: accepted.Response.Token})
	if err != nil {
		log.Fatal(err)
	}
	user, ok := row.(*daybook.ViewUsersHeaders)
	if !ok {
		log.Fatalf("get-users: %+v", row)
	}
	log.Print(user.Response.Name, " ", user.Response.Version)

	// A batch: its elements are told apart by the command's name.
	batch, err := client.SendCommands(ctx, []daybook.SendCommandsReqItem{
		daybook.NewBatchRenameUserSendCommandsReqItem(daybook.BatchRenameUser{
			Command: daybook.BatchRenameUserCommandRenameUser, ID: "ogen", Payload: daybook.CommandRenameUser{Name: "Bob"}}),
	}, daybook.SendCommandsParams{})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%T", batch)
}
