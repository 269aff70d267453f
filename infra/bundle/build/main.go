// Command build builds the functions as cdk deploy does, without deploying:
// go run ./infra/bundle/build [arm64 | amd64].
package main

import (
	"context"
	"fmt"
	"os"

	"daybook/infra/bundle"
)

func main() {
	arch := bundle.ARM64
	if len(os.Args) > 1 {
		arch = bundle.Arch(os.Args[1])
	}
	if arch != bundle.ARM64 && arch != bundle.AMD64 {
		fmt.Fprintf(os.Stderr, "build: %s is neither %s nor %s\n", arch, bundle.ARM64, bundle.AMD64)
		os.Exit(2)
	}
	if err := bundle.Build(context.Background(), ".", arch, bundle.Options{}, bundle.Functions()...); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
	for _, name := range bundle.Functions() {
		fmt.Println(bundle.Zip(".", arch, name))
	}
}
