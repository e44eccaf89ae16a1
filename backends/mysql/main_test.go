package mysql

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/backendtest/deploy"
	"github.com/wfops/wfops/backends/backendtest/outage"
)

func TestMain(m *testing.M) {
	if outage.Process(openAny, nil) || deploy.Process(openAny) {
		return
	}
	code := m.Run()
	if err := dropDatabases(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
