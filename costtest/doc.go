// Package costtest tests what commands and rows cost on DynamoDB: the user's own
// application runs on the embedded engine in memory, which charges capacity units as
// DynamoDB does.
//
//	db := costtest.Open(t, bank.App())
//	db.Send("account/7", account.Open{Owner: "Ada"})
//	deposit := db.Send("account/7", account.Deposit{Amount: 100})
//	costtest.AtMost(t, deposit.Command, cost.Units{Write: 1})
//	costtest.AtMost(t, deposit.View("accounts"), cost.Units{Write: 2, Read: 1})
//
// A limit that a change exceeds fails the test with the units by table and index.
package costtest
