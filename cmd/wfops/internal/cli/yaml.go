package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// writeYAML writes a document of JSON as one of YAML, with fields in the same order
// and numbers as they are.
func writeYAML(w io.Writer, doc []byte) error {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	node, err := yamlNode(d)
	if err != nil {
		return fmt.Errorf("converting a document to YAML: %w", err)
	}
	var b bytes.Buffer
	b.WriteString("---\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(node); err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	_, err = w.Write(view.EscapeYAML(b.Bytes()))
	return err
}

// yamlNode reads the next value.
func yamlNode(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		kind := yaml.MappingNode
		if v == '[' {
			kind = yaml.SequenceNode
		}
		return yamlList(d, &yaml.Node{Kind: kind})
	case string:
		n := &yaml.Node{}
		n.SetString(v)
		if n.Style = 0; n.Tag == "!!str" && !plainYAML(v) {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n, nil
	case json.Number:
		return scalar("!!"+numberTag(v), v.String()), nil
	case bool:
		return scalar("!!bool", fmt.Sprint(v)), nil
	}
	return scalar("!!null", "null"), nil
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

func numberTag(n json.Number) string {
	if _, err := n.Int64(); err == nil {
		return "int"
	}
	return "float"
}

// plainYAML reports whether a text survives without quotes of its own; the encoder
// adds those that its type needs.
func plainYAML(text string) bool {
	for _, r := range text {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}

// yamlList reads what is between brackets.
func yamlList(d *json.Decoder, n *yaml.Node) (*yaml.Node, error) {
	if !d.More() {
		n.Style = yaml.FlowStyle
	}
	for d.More() {
		child, err := yamlNode(d)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, err := d.Token() // the closing bracket
	return n, err
}
