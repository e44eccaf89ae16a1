package sqlite

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/backendtest/deploy"
	"github.com/wfops/wfops/backends/backendtest/outage"
)

func TestMain(m *testing.M) {
	if outage.Process(openFile, helpers) || deploy.Process(openFile) {
		return
	}
	goleak.VerifyTestMain(m)
}
