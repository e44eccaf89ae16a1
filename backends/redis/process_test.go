package redis

import (
	"context"
	"errors"
	"testing"

	"github.com/wfops/wfops/backends/backendtest/outage"
)

// onBoth runs a test on one server and on a cluster.
func onBoth(t *testing.T, test func(t *testing.T, addr string)) {
	t.Helper()
	for name, variable := range map[string]string{"server": serverVariable, "cluster": clusterVariable} {
		t.Run(name, func(t *testing.T) { test(t, address(t, variable)) })
	}
}

func TestOpenedByManyProcesses(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) { outage.OpenedAtOnce(t, openAny, place(addr, newPrefix(t, addr))) })
}

var helpers = outage.Helpers{"dial": helperDial}

// helperDial opens a store where there is no server.
func helperDial(args []string) error {
	_, err := Open(context.Background(), args[0], quiet())
	if err == nil {
		return errors.New("there is a server")
	}
	return nil
}

// What go-redis wants to say about lost connections is left to those who make the
// calls: nothing is printed.
func TestNothingIsPrinted(t *testing.T) {
	for _, addr := range []string{"redis://127.0.0.1:1", "redis-cluster://127.0.0.1:1,127.0.0.1:2"} {
		if out := outage.Output(t, outage.Command(t, "dial", addr)); out != "" {
			t.Errorf("%s: it printed %s", addr, out)
		}
	}
}
