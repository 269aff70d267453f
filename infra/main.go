package main

import (
	"daybook/domain"
	"daybook/infra/synth"
)

func main() { synth.Main(domain.App()) }
