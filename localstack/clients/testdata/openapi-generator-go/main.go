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
	config := daybook.NewConfiguration()
	config.Servers = daybook.ServerConfigurations{{URL: os.Args[1]}}
	client := daybook.NewAPIClient(config)

	body := daybook.NewCreateUserRequest(*daybook.NewCommandCreateUser("Ada", "openapi-generator-go@example.com"))
	body.SetId("openapi-generator-go")
	accepted, answer, err := client.CommandsAPI.CreateUser(ctx).IdempotencyKey("openapi-generator-go-1").CreateUserRequest(*body).Execute()
	if err != nil {
		log.Fatal(answer.Status, " ", err, " ", string(err.(*daybook.GenericOpenAPIError).Body()))
	}
	user, _, err := client.ViewsAPI.GetUsers(ctx, accepted.Id).After(accepted.GetToken()).Execute()
	if err != nil {
		log.Fatal(err)
	}
	log.Print(user.Name, " ", user.Version)
}
