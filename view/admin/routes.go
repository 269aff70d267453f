package admin

import "daybook/view/internal/routing"

// RouteAge is how old the control record may be that a query is answered by, 5 s. A
// switch is announced longer than that before it happens.
const RouteAge = routing.RouteAge

// Route says which tables a view has (Tables, from old to new) and which of them
// answers queries: Serving from Since on, and Before until then.
type Route = routing.Route

// TableState is what is known of one table: whether it is Complete, whether it
// Missed commits, and how it was filled.
type TableState = routing.TableState
