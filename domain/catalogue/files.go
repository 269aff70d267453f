package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// command is one element of a batch.
type command struct {
	Command   string `json:"command"`
	ID        string `json:"id"`
	CommandID string `json:"commandId"`
	Payload   any    `json:"payload"`
}

// file says how the rows of a CSV file become commands.
type file struct {
	name    string
	command string
	columns []string
	add     func(commands []command, row []string) ([]command, error)
}

// files are the files in the order in which they are read: orders name the
// categories of the products before them.
func files() []file {
	c := catalogue{}
	return []file{
		{"customers.csv", "create-user", []string{"customer_id", "city"}, customer},
		{"products.csv", "add-product", []string{"product_id", "category", "price_cents"}, c.product},
		{"orders.csv", "place-order", []string{"order_id", "customer_id", "product_id", "quantity", "price_cents"}, c.orderLine},
	}
}

// catalogue is the category of each product that was read.
type catalogue map[string]string

type userPayload struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type productPayload struct {
	Name     string `json:"name"`
	Category string `json:"category"`
	Price    int64  `json:"price"`
	Currency string `json:"currency"`
	Stock    int64  `json:"stock"`
}

type orderPayload struct {
	Customer string `json:"customer"`
	Currency string `json:"currency"`
	Lines    []line `json:"lines"`
}

type line struct {
	Product  string `json:"product"`
	Quantity int64  `json:"quantity"`
	Price    int64  `json:"price"`
	Category string `json:"category,omitzero"`
}

// read turns the whole file into commands.
func (f file) read(in io.Reader) ([]command, error) {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	at := map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	var commands []command
	row := make([]string, len(f.columns))
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return commands, nil
		}
		if err != nil {
			return nil, err
		}
		for i, name := range f.columns {
			column, ok := at[name]
			if !ok {
				return nil, fmt.Errorf("there is no column %s", name)
			}
			row[i] = record[column]
		}
		if commands, err = f.add(commands, row); err != nil {
			number, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
}

func customer(commands []command, row []string) ([]command, error) {
	id, city := row[0], row[1]
	return append(commands, command{"create-user", id, "load-user-" + id, userPayload{city, id + "@example.com"}}), nil
}

func (c catalogue) product(commands []command, row []string) ([]command, error) {
	id, category := strings.Clone(row[0]), strings.Clone(row[1])
	c[id] = category
	price, err := cents(row[2])
	if err != nil {
		return nil, err
	}
	return append(commands, command{"add-product", id, "load-product-" + id, productPayload{
		Name: category + " " + id[:min(8, len(id))], Category: category, Price: price, Currency: "BRL", Stock: 100,
	}}), nil
}

// orderLine adds a line to the order of the row before, or begins the next.
func (c catalogue) orderLine(commands []command, row []string) ([]command, error) {
	id := row[0]
	quantity, err := strconv.ParseInt(row[3], 10, 64)
	if err != nil {
		return nil, err
	}
	price, err := cents(row[4])
	if err != nil {
		return nil, err
	}
	if n := len(commands); n == 0 || commands[n-1].ID != id {
		commands = append(commands, command{"place-order", id, "load-order-" + id, orderPayload{Customer: row[1], Currency: "BRL"}})
	}
	last := &commands[len(commands)-1]
	payload := last.Payload.(orderPayload)
	payload.Lines = append(payload.Lines, line{row[2], quantity, price, c[row[2]]})
	last.Payload = payload
	return commands, nil
}

func cents(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseInt(s, 10, 64)
}
