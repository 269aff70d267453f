package product

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"strconv"
	"strings"
)

// priceInMinorUnits brings product-added from schema version 1 to 2. Version 1
// had the price as a decimal text ("19.9"), always in euros; version 2 has it in
// minor units with a currency.
func priceInMinorUnits(old jsontext.Value) (jsontext.Value, error) {
	var v1 struct {
		Name     string `json:"name"`
		Category string `json:"category"`
		Price    string `json:"price"`
		Stock    int64  `json:"stock"`
	}
	if err := json.Unmarshal(old, &v1); err != nil {
		return nil, err
	}
	price, err := cents(v1.Price)
	if err != nil {
		return nil, err
	}
	return json.Marshal(Added{v1.Name, v1.Category, price, "EUR", v1.Stock})
}

// cents reads a decimal text with up to two decimals, exactly.
func cents(s string) (int64, error) {
	whole, decimals, _ := strings.Cut(s, ".")
	if whole == "" || len(decimals) > 2 || strings.ContainsAny(s, "+-") {
		return 0, fmt.Errorf("%q is not a price", s)
	}
	n, err := strconv.ParseInt(whole+(decimals + "00")[:2], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a price: %w", s, err)
	}
	return n, nil
}

// withoutTime brings product-stock-released from schema version 1 to 2, which says
// when. An end of unknown time is forgotten with the next.
func withoutTime(old jsontext.Value) (jsontext.Value, error) { return old, nil }
