package product

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"time"

	"daybook/aggregate"
	"daybook/events"
)

// Product is the aggregate of one product and its stock.
var Product = aggregate.New[State]("product").
	StateSchema(4). // since only those that ended without a reservation are remembered, also by a product not added yet
	Event(added, priceInMinorUnits).
	Event(priceChanged).
	Event(categoryMoved).
	Event(restocked).
	Event(stockReserved).
	Event(stockReleased, withoutTime).
	Event(stockSettled).
	Event(stockMovedOut).
	Event(stockMovedIn).
	Event(retired).
	Command(add, aggregate.Creates(), aggregate.Summary("Add a product to the catalogue")).
	Command(changePrice, aggregate.Summary("Change a product's price")).
	Command(moveCategory, aggregate.Summary("Move a product to another category")).
	Command(restock, aggregate.Summary("Add units to a product's stock")).
	CommandWith(reserveStock, aggregate.Internal(), aggregate.Summary("Reserve units of a product for an order")).
	CommandWith(releaseStock, aggregate.Internal(), aggregate.Summary("Release the units reserved for an order")).
	CommandWith(settleStock, aggregate.Internal(), aggregate.Summary("Record that the units reserved for an order have left")).
	Across(moveStockStreams, moveStock, aggregate.Summary("Move units from one product to another")).
	Command(retire, aggregate.Summary("Take a product out of the catalogue"))

// State is what deciding about a product needs.
type State struct {
	Exists   bool             `json:"exists,omitzero"`
	Retired  bool             `json:"retired,omitzero"`
	Category string           `json:"category,omitzero"`
	Price    int64            `json:"price,omitzero"`    // minor units
	Currency string           `json:"currency,omitzero"` // ISO 4217
	Stock    int64            `json:"stock,omitzero"`    // units that can be reserved
	Reserved map[string]int64 `json:"reserved,omitzero"` // units by order

	// Ended is when orders ended that had reserved nothing: their reservation may
	// still be on its way, and is refused. A product that is not added yet has them,
	// too: orders may name it already. The keys are digests of the orders' ids, so
	// that a state stays small. An end more than EndedFor before the last is
	// forgotten, and beyond MaxEnded the oldest. An order that had a reservation is
	// not among them: a repeat of that command is recognised by its id.
	Ended map[string]time.Time `json:"ended,omitzero"`
	// Closed is when the last order ended that was forgotten because there was no room.
	// Orders placed until then reserve no more.
	Closed time.Time `json:"closed,omitzero"`
}

// ReservationTime is how long after an order was placed it may reserve stock. It is
// what Until of ReserveStock adds to that time.
const ReservationTime = 15 * time.Minute

// EndedFor is how long a product remembers orders that ended without a reservation,
// by its own events' times: ReservationTime, and the rest for clocks that differ.
const EndedFor = time.Hour

// MaxEnded bounds the orders that a product remembers to have ended. With it the
// marks add at most 16 KB to a state.
const MaxEnded = 256

// MaxStock is the largest stock of a product, in units. It keeps every sum of
// stocks far from the end of int64.
const MaxStock = 1_000_000_000

// Events. Prices are in minor units.
type (
	// Added: a product is on sale. Schema version 2; version 1 had the price as
	// a decimal text and no currency.
	Added struct {
		Name     string `json:"name"`
		Category string `json:"category"`
		Price    int64  `json:"price"`
		Currency string `json:"currency"`
		Stock    int64  `json:"stock"`
	}
	// PriceChanged: the product has another price, in its currency.
	PriceChanged struct {
		Price int64 `json:"price"`
	}
	// CategoryMoved: the product is in another category.
	CategoryMoved struct {
		Category string `json:"category"`
	}
	// Restocked: units came in.
	Restocked struct {
		Quantity int64 `json:"quantity"`
	}
	// StockReserved: units are kept for an order.
	StockReserved struct {
		Order    string `json:"order"`
		Quantity int64  `json:"quantity"`
	}
	// StockReleased: units kept for an order, or none, are free again. With none it
	// may precede Added. Schema version 2; version 1 had no time.
	StockReleased struct {
		Order    string    `json:"order"`
		Quantity int64     `json:"quantity"`
		At       time.Time `json:"at,omitzero"`
	}
	// StockSettled: units kept for an order, or none, have left the stock.
	StockSettled struct {
		Order    string    `json:"order"`
		Quantity int64     `json:"quantity"`
		At       time.Time `json:"at"`
	}
	// StockMovedOut: units went over to another product.
	StockMovedOut struct {
		To       string `json:"to"`
		Quantity int64  `json:"quantity"`
	}
	// StockMovedIn: units came over from another product.
	StockMovedIn struct {
		From     string `json:"from"`
		Quantity int64  `json:"quantity"`
	}
	// Retired: the product is not on sale any more.
	Retired struct{}
)

func (Added) EventName() string         { return "product-added" }
func (PriceChanged) EventName() string  { return "product-price-changed" }
func (CategoryMoved) EventName() string { return "product-category-moved" }
func (Restocked) EventName() string     { return "product-restocked" }
func (StockReserved) EventName() string { return "product-stock-reserved" }
func (StockReleased) EventName() string { return "product-stock-released" }
func (StockSettled) EventName() string  { return "product-stock-settled" }
func (StockMovedOut) EventName() string { return "product-stock-moved-out" }
func (StockMovedIn) EventName() string  { return "product-stock-moved-in" }
func (Retired) EventName() string       { return "product-retired" }

// Commands.
type (
	// Add asks for a new product.
	Add struct {
		Name     string `json:"name" rule:"min=1,max=200,notblank" example:"Desk lamp"`
		Category string `json:"category" rule:"min=1,max=100,notblank" example:"home"`
		Price    int64  `json:"price" rule:"min=0,max=1000000000000" example:"3990"`
		Currency string `json:"currency" rule:"format=iso4217" example:"EUR"`
		Stock    int64  `json:"stock" rule:"min=0,max=1000000000" example:"25"`
	}
	// ChangePrice asks for another price in the product's currency.
	ChangePrice struct {
		Price int64 `json:"price" rule:"min=0,max=1000000000000" example:"3990"`
	}
	// MoveCategory asks for another category.
	MoveCategory struct {
		Category string `json:"category" rule:"min=1,max=100,notblank" example:"home"`
	}
	// Restock adds units.
	Restock struct {
		Quantity int64 `json:"quantity" rule:"min=1,max=1000000000" example:"2"`
	}
	// ReserveStock keeps units for an order, if it comes in time.
	ReserveStock struct {
		Order    string `json:"order" rule:"format=id"`
		Quantity int64  `json:"quantity" rule:"min=1,max=1000000000" example:"2"`
		// Currency is that of the order; "" asks for no check.
		Currency string `json:"currency,omitzero" rule:"optional,format=iso4217" example:"EUR"`
		// Until is ReservationTime after the order was placed; nil means no limit.
		Until *time.Time `json:"until,omitzero"`
	}
	// ReleaseStock frees what is kept for an order.
	ReleaseStock struct {
		Order string `json:"order" rule:"format=id"`
	}
	// SettleStock says that what is kept for an order has left.
	SettleStock struct {
		Order string `json:"order" rule:"format=id"`
	}
	// MoveStock moves units to another product, all of them or none.
	MoveStock struct {
		To       string `json:"to" rule:"format=id"`
		Quantity int64  `json:"quantity" rule:"min=1,max=1000000000" example:"2"`
	}
	// Retire takes the product off sale.
	Retire struct{}
)

func (Add) CommandName() string          { return "add-product" }
func (ChangePrice) CommandName() string  { return "change-product-price" }
func (MoveCategory) CommandName() string { return "move-product-category" }
func (Restock) CommandName() string      { return "restock-product" }
func (ReserveStock) CommandName() string { return "reserve-stock" }
func (ReleaseStock) CommandName() string { return "release-stock" }
func (SettleStock) CommandName() string  { return "settle-stock" }
func (MoveStock) CommandName() string    { return "move-stock" }
func (Retire) CommandName() string       { return "retire-product" }

// added keeps the orders that ended before.
func added(s State, e Added) State {
	s.Exists, s.Category, s.Price, s.Currency, s.Stock = true, e.Category, e.Price, e.Currency, e.Stock
	return s
}

func priceChanged(s State, e PriceChanged) State { s.Price = e.Price; return s }

func categoryMoved(s State, e CategoryMoved) State { s.Category = e.Category; return s }

func restocked(s State, e Restocked) State { s.Stock += e.Quantity; return s }

func stockReserved(s State, e StockReserved) State {
	s.Stock -= e.Quantity
	reserved := maps.Clone(s.Reserved)
	if reserved == nil {
		reserved = map[string]int64{}
	}
	reserved[e.Order] = e.Quantity
	s.Reserved = reserved
	return s
}

func stockReleased(s State, e StockReleased) State {
	s.Stock += e.Quantity
	return s.end(e.Order, e.Quantity, e.At)
}

func stockSettled(s State, e StockSettled) State { return s.end(e.Order, e.Quantity, e.At) }

// end drops the reservation of an order; one that had reserved no unit is marked,
// so that it reserves none later.
func (s State) end(order string, units int64, at time.Time) State {
	s.Reserved = maps.Clone(s.Reserved)
	delete(s.Reserved, order)
	if units > 0 {
		return s
	}
	s.Ended = maps.Clone(s.Ended)
	if s.Ended == nil {
		s.Ended = map[string]time.Time{}
	}
	s.Ended[endedKey(order)] = at
	maps.DeleteFunc(s.Ended, func(_ string, ended time.Time) bool { return at.Sub(ended) > EndedFor })
	if len(s.Ended) > MaxEnded {
		oldest := oldestOf(s.Ended)
		s.Closed = s.Ended[oldest]
		delete(s.Ended, oldest)
	}
	return s
}

// endedKey is the key of an order in State.Ended: 64 bits of a digest of its id.
func endedKey(order string) string {
	sum := sha256.Sum256([]byte(order))
	return hex.EncodeToString(sum[:8])
}

// oldestOf returns the key with the earliest time, the least of several.
func oldestOf(times map[string]time.Time) (oldest string) {
	for key, at := range times {
		if c := at.Compare(times[oldest]); oldest == "" || c < 0 || c == 0 && key < oldest {
			oldest = key
		}
	}
	return oldest
}

func stockMovedOut(s State, e StockMovedOut) State { s.Stock -= e.Quantity; return s }

func stockMovedIn(s State, e StockMovedIn) State { s.Stock += e.Quantity; return s }

func retired(s State, _ Retired) State { s.Retired = true; return s }

func add(s State, c Add) aggregate.Decision {
	if s.Exists {
		return aggregate.Reject("product-already-exists", "this product exists already")
	}
	return aggregate.Emit(Added{c.Name, c.Category, c.Price, c.Currency, c.Stock})
}

func changePrice(s State, c ChangePrice) aggregate.Decision {
	return onSale(s, c.Price == s.Price, PriceChanged{c.Price})
}

func moveCategory(s State, c MoveCategory) aggregate.Decision {
	return onSale(s, c.Category == s.Category, CategoryMoved{c.Category})
}

func restock(s State, c Restock) aggregate.Decision {
	if s.Exists && s.Stock+c.Quantity > MaxStock {
		return aggregate.Reject("stock-too-large", "a product has at most a thousand million units")
	}
	return onSale(s, false, Restocked{c.Quantity})
}

// reserveStock is harmless to repeat: an order reserves a product once, and not
// any more when it has ended, not even if what it asked for was refused before.
// Until sees to it that no repeat comes when that is forgotten.
func reserveStock(s State, c ReserveStock, m aggregate.Meta) aggregate.Decision {
	kept, already := s.Reserved[c.Order]
	_, ended := s.Ended[endedKey(c.Order)]
	switch {
	case ended:
		return aggregate.Reject("order-ended", "the order reserves no more")
	case already && kept != c.Quantity:
		return aggregate.Reject("already-reserved", "the order has reserved another quantity of this product")
	case already:
		return aggregate.Nothing()
	case c.Until != nil && (m.Time.After(*c.Until) || !c.Until.Add(-ReservationTime).After(s.Closed)):
		return aggregate.Reject("too-late", "the reservation came too late")
	case s.Exists && !s.Retired && c.Currency != "" && c.Currency != s.Currency:
		return aggregate.Reject("currency-mismatch", "the product is not sold in this currency")
	case s.Exists && !s.Retired && s.Stock < c.Quantity:
		return aggregate.Reject("out-of-stock", "not enough units are in stock")
	}
	return onSale(s, false, StockReserved{c.Order, c.Quantity})
}

// releaseStock works on a retired product too: what an order kept comes back. An
// order that kept nothing is recorded as well: its reservation may be on its way.
// That holds for a product that does not exist, too: it may be added in the meantime.
func releaseStock(s State, c ReleaseStock, m aggregate.Meta) aggregate.Decision {
	if _, ended := s.Ended[endedKey(c.Order)]; ended {
		return aggregate.Nothing()
	}
	return aggregate.Emit(StockReleased{c.Order, s.Reserved[c.Order], m.Time})
}

// settleStock ends a reservation whose units are gone, so that the state holds
// only those that are open. It records the end like releaseStock.
func settleStock(s State, c SettleStock, m aggregate.Meta) aggregate.Decision {
	if !s.Exists {
		return aggregate.Reject("product-not-found", "there is no such product")
	}
	if _, ended := s.Ended[endedKey(c.Order)]; ended {
		return aggregate.Nothing()
	}
	return aggregate.Emit(StockSettled{c.Order, s.Reserved[c.Order], m.Time})
}

// moveStockStreams names the other product of a move.
func moveStockStreams(c MoveStock) []events.Stream {
	return []events.Stream{events.StreamOf("product", c.To)}
}

// moveStock is decided over both products, so that no unit is lost or doubled.
func moveStock(s State, c MoveStock, o *aggregate.Others) aggregate.Decision {
	from, other := o.Meta().ID, events.StreamOf("product", c.To)
	to := o.State[State](other)
	switch {
	case c.To == from:
		return aggregate.Reject("same-product", "the units are that product's already")
	case !to.Exists:
		return aggregate.Reject("target-not-found", "there is no product to move the units to")
	case to.Retired:
		return aggregate.Reject("target-retired", "the product to move the units to is not on sale any more")
	case s.Exists && !s.Retired && s.Stock < c.Quantity:
		return aggregate.Reject("out-of-stock", "not enough units are in stock")
	case to.Stock+c.Quantity > MaxStock:
		return aggregate.Reject("stock-too-large", "a product has at most a thousand million units")
	}
	return onSale(s, false, StockMovedOut{To: c.To, Quantity: c.Quantity}).
		On(other, aggregate.Emit(StockMovedIn{From: from, Quantity: c.Quantity}))
}

func retire(s State, _ Retire) aggregate.Decision {
	if s.Retired {
		return aggregate.Nothing()
	}
	return onSale(s, false, Retired{})
}

// onSale emits e for a product on sale, unless what it says is so already.
func onSale(s State, already bool, e events.Data) aggregate.Decision {
	switch {
	case !s.Exists:
		return aggregate.Reject("product-not-found", "there is no such product")
	case s.Retired:
		return aggregate.Reject("product-retired", "this product is not on sale any more")
	case already:
		return aggregate.Nothing()
	}
	return aggregate.Emit(e)
}
