package cost

import (
	_ "embed"
	"encoding/json/v2"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Prices are those of a region, in dollars, of the first tier and without free ones.
type Prices struct {
	Region string `json:"region"`
	Date   string `json:"date"`   // when they were looked up: 2026-11-29
	Source string `json:"source"` // where, in words

	// A million of each.
	HTTPRequests   float64 `json:"httpRequests"` // of an HTTP API
	RESTRequests   float64 `json:"restRequests"` // of a REST API
	LambdaRequests float64 `json:"lambdaRequests"`
	WriteUnits     float64 `json:"writeUnits"` // DynamoDB on demand
	ReadUnits      float64 `json:"readUnits"`
	QueueRequests  float64 `json:"queueRequests"` // SQS FIFO
	BusEvents      float64 `json:"busEvents"`     // EventBridge, an event up to 64 KB
	Timers         float64 `json:"timers"`        // EventBridge Scheduler

	LambdaSeconds float64 `json:"lambdaSeconds"` // a GB-second, arm64

	// A GB and month, or a GB.
	TableStorage  float64 `json:"tableStorage"`
	TableRecovery float64 `json:"tableRecovery"` // point in time
	LogIngestion  float64 `json:"logIngestion"`
	LogStorage    float64 `json:"logStorage"`

	Metrics float64 `json:"metrics"` // a custom metric and month
}

//go:embed prices.json
var known []byte

// KnownPrices are the prices that Daybook knows, by region.
func KnownPrices() ([]Prices, error) { return ParsePrices(known) }

// ParsePrices reads a JSON array of Prices. Each price must be there: a service that
// was forgotten would look free.
func ParsePrices(data []byte) ([]Prices, error) {
	var all []Prices
	if err := json.Unmarshal(data, &all, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("read prices: the array has no region")
	}
	for _, p := range all {
		if p.Region == "" || p.Date == "" {
			return nil, errors.New("read prices: each entry needs a region and a date")
		}
		for name, price := range p.named() {
			if !(price > 0) || math.IsInf(price, 0) {
				return nil, fmt.Errorf("read prices: %s of %s must be a positive number of dollars", name, p.Region)
			}
		}
	}
	return all, nil
}

func (p Prices) named() map[string]float64 {
	return map[string]float64{
		"httpRequests": p.HTTPRequests, "restRequests": p.RESTRequests, "lambdaRequests": p.LambdaRequests, "writeUnits": p.WriteUnits,
		"readUnits": p.ReadUnits, "queueRequests": p.QueueRequests, "busEvents": p.BusEvents, "timers": p.Timers, "lambdaSeconds": p.LambdaSeconds,
		"tableStorage": p.TableStorage, "tableRecovery": p.TableRecovery, "logIngestion": p.LogIngestion, "logStorage": p.LogStorage, "metrics": p.Metrics,
	}
}

// InRegion returns the prices of a region. The error names the regions there are.
func InRegion(all []Prices, region string) (Prices, error) {
	var regions []string
	for _, p := range all {
		if p.Region == region {
			return p, nil
		}
		regions = append(regions, p.Region)
	}
	return Prices{}, fmt.Errorf("no prices are known for region %q, only for %s: give a prices file of your own", region, strings.Join(regions, ", "))
}

// million is the number that requests and units are priced by.
const million = 1e6

// Of is the price of capacity units.
func (p Prices) Of(u Units) float64 { return (u.Write*p.WriteUnits + u.Read*p.ReadUnits) / million }
