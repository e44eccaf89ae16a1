// Command console uses the client of replays and serves none.
package main

import (
	"context"
	"os"

	"github.com/wfops/wfops/diagnostics/replay"
)

func main() {
	if err := os.WriteFile("started", nil, 0o600); err != nil {
		panic(err)
	}
	if _, err := replay.Start(context.Background(), os.Args[0], replay.Options{}); err != nil {
		panic(err)
	}
}
