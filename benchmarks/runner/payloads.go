package runner

import (
	"bytes"
	"encoding/hex"
	"encoding/json/v2"
	"fmt"
	"math/rand/v2"
	"strings"

	"daybook/benchmarks/peer"
)

// payloadCount is the number of different entries of a run.
const payloadCount = 1000

// payloads are the entries of a run as JSON lines, the same in every run: lines of
// orders with ids, an address and a note, about half a kilobyte each.
func payloads() ([]byte, error) {
	random := rand.New(rand.NewPCG(11, 2026))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	id := func() string {
		var b [16]byte
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return hex.EncodeToString(b[:])
	}
	var out bytes.Buffer
	for i := range payloadCount {
		given, family := pick("Ann", "Bartholomew", "Chidi", "Dominika", "Eve", "Fatima", "Georg"), pick("Archer", "Higgins", "Okafor", "Kowalczyk", "Moreau", "Nasser")
		e := peer.Entry{
			Line: int64(i%7 + 1), Product: id(), Name: pick("Steel water bottle", "Oak reading lamp", "Wool blanket", "Ceramic teapot", "Canvas backpack") + pick(", blue", ", grey", ", large", ""),
			Category: pick("kitchen", "home", "outdoor", "office"), Quantity: random.Int64N(9) + 1, Price: random.Int64N(20_000) + 99, Currency: pick("EUR", "USD", "GBP"),
			Customer: peer.Customer{ID: id(), Name: given + " " + family, Email: strings.ToLower(given + "." + family + "@example.org")},
			Address: peer.Address{
				Street: fmt.Sprintf("%d %s", random.IntN(300)+1, pick("Mill Lane", "Harbour Street", "Rue de la Paix", "Lindenallee")), City: pick("Leeds", "Lyon", "Leipzig", "Porto"),
				Postcode: fmt.Sprintf("%05d", random.IntN(99_999)), Country: pick("GB", "FR", "DE", "PT"),
			},
			Note: pick("Please leave the parcel with the neighbour if nobody answers. ", "Gift: no invoice in the box, and a card with the name only. ",
				"Deliver after six in the evening; the bell is broken. ", "Second attempt after the first one came back damaged. ") +
				fmt.Sprintf("Agreed by telephone on %d %s with %s, who asks for a message before the driver leaves.", random.IntN(28)+1, pick("March", "June", "October"), given),
		}
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		out.Write(append(line, '\n'))
	}
	return out.Bytes(), nil
}
