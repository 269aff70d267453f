package synth

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// oldestNode is the oldest major version of Node that the CDK's libraries run
// on. package.json, docs/deploy.md and .ci/run say the same.
const oldestNode = 20

// checkNode fails when the Node that the CDK runs on is missing or too old:
// without the check, both end in a stack trace of the CDK's.
func checkNode(ctx context.Context) error {
	node := cmp.Or(os.Getenv("JSII_NODE"), "node") // as the CDK's runtime looks for it
	out, err := exec.CommandContext(ctx, node, "--version").Output()
	if err != nil {
		return fmt.Errorf("the CDK needs Node %d or newer, and %s does not run: %w", oldestNode, node, err)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestNode {
		return fmt.Errorf("the CDK needs Node %d or newer, and %s is %s; install a newer one, or name it in JSII_NODE", oldestNode, node, version)
	}
	return nil
}
