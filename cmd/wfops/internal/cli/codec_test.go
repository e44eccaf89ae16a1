package cli_test

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
)

// rot13 is a codec in a few lines of shell.
const rot13 = `while read -r _ text; do printf 'ok %s\n' "$(printf %s "$text" | base64 -d | tr a-zA-Z n-za-mN-ZA-M | base64 | tr -d '\n')"; done`

// A profile's codec opens what is shown and seals what is sent.
func TestCodec(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no shell")
	}
	w := newWorld(t)
	if err := os.WriteFile("rot13.sh", []byte(rot13), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "profiles:\n  shop:\n    dsn: app.db\n    codec: [sh, rot13.sh]\n  broken:\n    dsn: app.db\n    codec: [sh, -c, 'echo no key >&2; exit 1']\n"
	if err := os.WriteFile("config.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env.Getenv = func(name string) string { return map[string]string{"WFOPS_CONFIG": "config.yaml"}[name] }
	for line, want := range map[string]string{
		"shop data order-8841 --path args[0] --raw":          `{"beqre":"beqre-8841","fxh":"N-113","dgl":2}`,
		"shop data order-8841 --path args[0].fxh --raw":      `"N-113"`,
		"shop data order-8841 --path args[0] --raw --sealed": `{"order":"order-8841","sku":"A-113","qty":2}`,
		"shop data order-8790 --path error --raw":            `{"type":"CarrierError","message":"Ship: carrier 502 bad gateway"}`,
		"shop ctx show shop --jq .codec":                     "sh\n",
	} {
		if r := w.run(split(line)...); r.exit != 0 || r.out != want {
			t.Errorf("%s: %+v", line, r)
		}
	}
	for line, want := range map[string]string{
		"shop history order-8841 --jq 'select(.seq==2).body.args[0].fxh'":                    "N-113\n",
		"shop history order-8841 --sealed --jq 'select(.seq==2).body.args[0].sku'":           "A-113\n",
		"shop diff order-8790 order-8841 --level event -o json --jq '.rows[1].changes[0].b'": "\"beqre-8841\"\n",
	} {
		if r := w.run(split(line)...); r.exit > 1 || r.out != want {
			t.Errorf("%s: %+v", line, r)
		}
	}
	if r := w.run("shop", "signal", "decision", "kyc-5520", "--input", `"approve"`, "--reason", "r"); r.exit != 0 {
		t.Errorf("%+v", r)
	}
	if r := w.run("app.db", "get", "kyc-5520", "--jq", ".pending.inbox[0].event.body.arg"); r.out != "nccebir\n" {
		t.Errorf("it was stored as %+v", r)
	}
	if r := w.run("shop", "pending", "kyc-5520", "--jq", ".pending.inbox[0].event.body.arg"); r.out != "approve\n" {
		t.Errorf("it is shown as %+v", r)
	}
	if r := w.run("shop", "signal", "decision", "kyc-5520", "--input", "{", "--reason", "r"); r.exit != int(cli.ExitUsage) || !strings.Contains(r.err, "not JSON") {
		t.Errorf("%+v", r)
	}
	for _, line := range []string{"broken data order-8841", "broken history order-8841", "broken diff order-8841 order-8790", "broken signal x kyc-5520 --input 1 --reason r"} {
		if r := w.run(split(line)...); r.exit != int(cli.ExitStore) || r.out != "" || !strings.Contains(r.err, "no key") {
			t.Errorf("%s: %+v", line, r)
		}
	}
}
