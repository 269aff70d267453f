package mcp

import (
	"context"
	"slices"

	"daybook/inspect"
	"daybook/nearest"

	"daybook/events"
)

// outline is an application without schemas.
type outline struct {
	Name       string            `json:"name"`
	Title      string            `json:"title"`
	Aggregates []aggregateLine   `json:"aggregates"`
	Views      []viewLine        `json:"views"`
	Processes  []inspect.Process `json:"processes"`
	Flows      []inspect.Flow    `json:"flows"`
}

type aggregateLine struct {
	Name     string            `json:"name"`
	Commands []inspect.Command `json:"commands"`
	Events   []inspect.Event   `json:"events"`
}

type viewLine struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`
	Version int             `json:"version"`
	Fields  []string        `json:"fields"`
	Indexes []inspect.Index `json:"indexes"`
}

// describe describes the application in outline, or one part of it in full.
func (r reader) describe(ctx context.Context, a struct {
	Name string `json:"name"`
}) (any, error) {
	whole, err := r.Describe(ctx)
	if err != nil {
		return nil, err
	}
	if a.Name == "" {
		return outlineOf(whole), nil
	}
	return part(whole, a.Name)
}

func outlineOf(whole inspect.Application) outline {
	o := outline{Name: whole.Name, Title: whole.Title, Aggregates: []aggregateLine{}, Views: []viewLine{}, Processes: []inspect.Process{}, Flows: whole.Flows}
	for _, of := range whole.Aggregates {
		o.Aggregates = append(o.Aggregates, aggregateLine{of.Name, shorter(of.Commands), of.Events})
	}
	for _, v := range whole.Views {
		l := viewLine{Name: v.Name, Kind: v.Kind, Version: v.Version, Fields: []string{}, Indexes: v.Indexes}
		for _, f := range v.Fields {
			l.Fields = append(l.Fields, f.Name)
		}
		o.Views = append(o.Views, l)
	}
	for _, p := range whole.Processes {
		p.Publishes = slices.Clone(p.Publishes)
		for n := range p.Publishes {
			p.Publishes[n].Schema = nil
		}
		o.Processes = append(o.Processes, p)
	}
	return o
}

// shorter are commands without schemas and examples.
func shorter(all []inspect.Command) []inspect.Command {
	all = slices.Clone(all)
	for n := range all {
		all[n].Schema, all[n].Example = nil, nil
	}
	return all
}

// part finds a command, an aggregate, a view, a process manager or an outbox.
func part(whole inspect.Application, name string) (any, error) {
	var names []string
	for _, of := range whole.Aggregates {
		for _, c := range of.Commands {
			if names = append(names, c.Command); c.Command == name {
				return struct {
					Command inspect.Command `json:"command"`
				}{c}, nil
			}
		}
		if names = append(names, of.Name); of.Name == name {
			return struct {
				Aggregate aggregateLine `json:"aggregate"`
			}{aggregateLine{of.Name, shorter(of.Commands), of.Events}}, nil
		}
	}
	for _, v := range whole.Views {
		if names = append(names, v.Name); v.Name == name {
			return struct {
				View inspect.View `json:"view"`
			}{v}, nil
		}
	}
	for _, p := range whole.Processes {
		if names = append(names, p.Name); p.Name == name {
			return struct {
				Process inspect.Process `json:"process"`
			}{p}, nil
		}
	}
	return nil, events.Errorf(events.CodeNotFound, "nothing of this application is called %q%s", name, nearest.Hint(name, slices.Values(names)))
}
