package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares out with a file.
func golden(t *testing.T, path, out string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out != string(want) {
		t.Errorf("got\n%s\nwant\n%s\nIf that is right: go test ./cmd/wfbench -run %s -update", out, want, t.Name())
	}
}

func TestCompare(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"compare", "testdata/a.json", "testdata/b.json"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/compare.golden", out.String())
}

func TestReport(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		results, err := readResults("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := report(&out, results); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/report-"+name+".golden", out.String())
	}
}

func TestCompareRefusesWhatIsNoResult(t *testing.T) {
	for _, text := range []string{"", "{", "[1]"} {
		path := t.TempDir() + "/x.json"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(t.Context(), []string{"compare", "testdata/a.json", path}, nil, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 7: "7", 0.1234: "0.123", 1.234: "1.23", 99.44: "99.4", 100.4: "100", 999: "999", 1000: "1,000", 1234567.8: "1,234,568", -1.5: "-1.50",
	} {
		if got := number(v); got != want {
			t.Errorf("%v is printed as %s, want %s", v, got, want)
		}
	}
}
