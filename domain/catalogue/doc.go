// Command catalogue loads a shop's catalogue from CSV files through the HTTP API,
// in batches of commands, with a progress bar:
//
//	go run ./domain/catalogue -api http://127.0.0.1:8080 -dir FOLDER
//
// The folder holds customers.csv (customer_id, city, state), products.csv
// (product_id, category, weight_g, price_cents) and orders.csv (order_id,
// customer_id, product_id, quantity, price_cents; one row per line). Every command
// has an id made from its row, so a load that was cut off is simply run again:
// what was accepted before is answered from memory and changes nothing.
//
// With -compare http://127.0.0.1:8000 it also measures a bare loop of PutItem on
// the same store in the same run, and says how the load compares.
//
// The load itself speaks HTTP only. It imports package dynamo for the comparison
// and a progress bar.
package main
