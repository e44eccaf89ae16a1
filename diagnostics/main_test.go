package diagnostics_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var rewrite = flag.Bool("rewrite", false, "write what tests compare with into testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
