package executor_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts in testdata print into them")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
