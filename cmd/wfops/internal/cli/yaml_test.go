package cli_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
)

// YAML says what JSON says, whatever the texts are.
func TestYAMLIsTheSameAsJSON(t *testing.T) {
	w := newWorld(t)
	for _, command := range []string{"get evil", "get order-8841", "get order-8702", "tree import-311", "health", "version", "doctor"} {
		var fromJSON, fromYAML any
		if err := json.Unmarshal([]byte(w.run(split("app.db "+command+" -o json")...).out), &fromJSON); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(w.run(split("app.db "+command+" -o yaml")...).out), &fromYAML); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(fromYAML)
		if err != nil {
			t.Fatal(err)
		}
		var back any
		if err := json.Unmarshal(again, &back); err != nil || !sameButFormat(back, fromJSON) {
			t.Errorf("%s:\n%v\n%v\n%v", command, back, fromJSON, err)
		}
	}
}

// sameButFormat leaves out doctor's line about the format.
func sameButFormat(a, b any) bool {
	for _, doc := range []any{a, b} {
		if m, ok := doc.(map[string]any); ok && m["schema"] == "wfops.doctor/v1" {
			delete(m, "settings")
		}
	}
	return reflect.DeepEqual(a, b)
}
