package product_test

import (
	"encoding/json/jsontext"
	"testing"

	"daybook/aggregate"
	"daybook/domain/product"
	"daybook/events"
)

func TestPriceInMinorUnits(t *testing.T) {
	t.Parallel()
	codec, err := aggregate.Codec([]aggregate.Aggregate{product.Product})
	if err != nil {
		t.Fatal(err)
	}
	for price, want := range map[string]int64{"19.9": 1990, "19.90": 1990, "19": 1900, "0.05": 5, "0": 0, "92233720368547758.07": 9223372036854775807, "19.999": -1, "-1": -1, "+1": -1, "x": -1, "": -1, "92233720368547758.08": -1, "1.2.3": -1} {
		e, err := codec.Upgrade(events.Event{Name: "product-added", Schema: 1, Data: jsontext.Value(`{"name":"L","category":"c","price":"` + price + `","stock":1}`)})
		if want < 0 {
			if err == nil {
				t.Errorf("%q was read as %s", price, e.Data)
			}
			continue
		}
		added, decodeErr := events.Decode[product.Added](e)
		if err != nil || decodeErr != nil || added.Price != want || added.Currency != "EUR" || added.Stock != 1 {
			t.Errorf("%q became %+v (%v, %v)", price, added, err, decodeErr)
		}
	}
}
