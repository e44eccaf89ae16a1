package mysql

import (
	"testing"

	"github.com/wfops/wfops/backends/backendtest/deploy"
)

func TestRollingDeploy(t *testing.T) {
	deploy.Run(t, deploy.Harness{
		New:  func(t *testing.T) string { return newStore(t) },
		Open: openAny,
	})
}
