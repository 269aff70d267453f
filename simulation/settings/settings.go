package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Env names the variable.
const Env = "DAYBOOK_SIMULATE"

// Tests is the pattern of the names of tests that simulate.
const Tests = "Simulat"

// Settings are what to simulate.
type Settings struct {
	// Seed is the first, and Runs how many there are, each with the next seed. With
	// Runs 0 they go on For a time.
	Seed uint64
	Runs int
	For  time.Duration
	// Replay is the recipe of the one run to do; see simulation.Recipe.
	Replay string
	// Trace prints all steps of a run that fails, and of a replay.
	Trace bool
	// Program is the name of the command line that asks, and Package the one that its
	// arguments name: what a failure says to type.
	Program, Package string
}

// String writes settings as Parse reads them.
func (s Settings) String() string {
	var words []string
	if s.Trace {
		words = append(words, "trace")
	}
	if s.Program != "" {
		words = append(words, "program="+s.Program)
	}
	if s.Package != "" {
		words = append(words, "package="+s.Package)
	}
	switch {
	case s.Replay != "":
		words = append(words, "replay", s.Replay)
	case s.Runs > 0:
		words = append(words, "seed="+strconv.FormatUint(s.Seed, 10), "runs="+strconv.Itoa(s.Runs))
	default:
		words = append(words, "seed="+strconv.FormatUint(s.Seed, 10), "for="+s.For.String())
	}
	return strings.Join(words, " ")
}

// Parse reads settings: "seed=1 runs=1000", "seed=1 for=1m", or "replay" and a recipe,
// each after "trace", "program=bank" and "package=PATH" or without them.
func Parse(text string) (s Settings, err error) {
	words := strings.Fields(text)
	for i, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "trace":
			s.Trace = true
		case "replay":
			s.Replay = strings.Join(words[i+1:], " ")
			return s, nil
		case "program":
			s.Program = value
		case "package":
			s.Package = value
		case "seed":
			s.Seed, err = strconv.ParseUint(value, 10, 64)
		case "runs":
			s.Runs, err = strconv.Atoi(value)
		case "for":
			s.For, err = time.ParseDuration(value)
		default:
			err = fmt.Errorf("unknown setting %s; the settings are seed, runs, for, replay and trace", name)
		}
		if err != nil {
			return s, fmt.Errorf("%s=%q: %w", Env, text, err)
		}
	}
	return s, nil
}
