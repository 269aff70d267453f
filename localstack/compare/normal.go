package main

import (
	"cmp"
	"encoding/json/v2"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// volatile are members whose values differ from run to run or engine to engine
// by their nature.
var volatile = []string{
	"TableArn", "TableId", "IndexArn", "CreationDateTime", "LatestStreamArn", "LatestStreamLabel", "StreamArn", "StreamLabel",
	"CreationRequestDateTime", "ApproximateCreationDateTime", "SequenceNumber", "StartingSequenceNumber", "EndingSequenceNumber",
	"ShardId", "eventID", "NextShardIterator", "ShardIterator", "LastUpdateToPayPerRequestDateTime", "LastIncreaseDateTime", "LastDecreaseDateTime",
	"awsRegion",                  // as configured
	"TableThroughputModeSummary", // not in AWS's API reference
	"SizeBytes", "TableSizeBytes", "IndexSizeBytes", "ItemCount", "ResourceArn",
}

// document is JSON as json.Unmarshal makes it.
type document = any

// normal is an answer in a form that two engines can share: without volatile
// members and table names, sets sorted (AWS keeps no order in them), and Items
// sorted if their order is not defined.
func normal(a answer, table string, unordered bool) (string, error) {
	var d document
	if err := json.Unmarshal(a.body, &d); err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	if top, ok := d.(map[string]document); ok && a.kind != "" {
		maps.DeleteFunc(top, func(name string, _ document) bool { // compared apart
			return name == "__type" || name == "message" || name == "Message"
		})
	}
	d = tidy(d)
	if unordered {
		sortItems(d)
	}
	out, err := json.Marshal(d, json.Deterministic(true))
	return strings.ReplaceAll(string(out), table, "$T"), err
}

// tidy drops volatile members and sorts sets, deep down.
func tidy(d document) document {
	switch d := d.(type) {
	case map[string]document:
		maps.DeleteFunc(d, func(name string, _ document) bool { return slices.Contains(volatile, name) })
		for name, v := range d {
			d[name] = tidy(v)
			if name == "SS" || name == "NS" || name == "BS" || name == "NonKeyAttributes" || name == "GlobalSecondaryIndexes" ||
				name == "AttributeDefinitions" || name == "Tags" || name == "TableNames" {
				sortValues(d[name])
			}
		}
	case []document:
		for i, v := range d {
			d[i] = tidy(v)
		}
	}
	return d
}

// sortItems sorts the lists of items of an answer.
func sortItems(d document) {
	members, ok := d.(map[string]document)
	if !ok {
		return
	}
	sortValues(members["Items"])
	for _, list := range []string{"Responses", "UnprocessedItems"} {
		tables, ok := members[list].(map[string]document)
		if !ok {
			continue
		}
		for _, items := range tables {
			sortValues(items)
		}
	}
}

// sortValues sorts a list by its elements' JSON.
func sortValues(d document) {
	list, ok := d.([]document)
	if !ok {
		return
	}
	slices.SortStableFunc(list, func(a, b document) int { return cmp.Compare(text(a), text(b)) })
}

func text(d document) string {
	out, err := json.Marshal(d, json.Deterministic(true))
	if err != nil {
		return ""
	}
	return string(out)
}

// normalMessage is a message without what AWS itself varies from region to
// region, and without table names.
func normalMessage(message, table string) string {
	message = strings.TrimPrefix(message, "1 validation error detected: ")
	return strings.ReplaceAll(message, table, "$T")
}
