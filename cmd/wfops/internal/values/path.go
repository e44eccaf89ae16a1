package values

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/wfops/wfops/engine"
)

// A step of a path is .name, [3] or ["any name"].
var (
	step     = regexp.MustCompile(`^(?:\.([A-Za-z_$][\w$-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\])`)
	bareName = regexp.MustCompile(`^[A-Za-z_$][\w$-]*$`)
)

// member is the step to a member of an object.
func member(name string) string {
	if bareName.MatchString(name) {
		return "." + name
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		return "." + name // texts always encode
	}
	return "[" + string(quoted) + "]"
}

// item is the step to an item of an array.
func item(i int) string { return "[" + strconv.Itoa(i) + "]" }

// descend returns the part of a JSON text that a path leads to, byte for byte.
func descend(p engine.Payload, path string) (engine.Payload, error) {
	for path != "" {
		m := step.FindStringSubmatch(path)
		if m == nil {
			return nil, fmt.Errorf("%w: the path can't be read from %q on", engine.ErrInvalidArgument, path)
		}
		if !json.Valid(p) {
			return nil, fmt.Errorf("%w: the payload is not JSON", engine.ErrInvalidArgument)
		}
		name := m[1]
		if m[3] != "" {
			if err := json.Unmarshal([]byte(m[3]), &name); err != nil {
				return nil, fmt.Errorf("%w: %s is not a name in quotes", engine.ErrInvalidArgument, m[3])
			}
		}
		var err error
		if m[2] != "" {
			p, err = itemOf(p, m[2])
		} else {
			p, err = memberOf(p, name)
		}
		if err != nil {
			return nil, fmt.Errorf("%w (%s)", err, m[0])
		}
		path = path[len(m[0]):]
	}
	return p, nil
}

func itemOf(p engine.Payload, index string) (engine.Payload, error) {
	var items []json.RawMessage
	i, err := strconv.Atoi(index)
	if err = errors.Join(err, json.Unmarshal(p, &items)); err != nil || i >= len(items) {
		return nil, ErrNoValue
	}
	return engine.Payload(items[i]), nil
}

func memberOf(p engine.Payload, name string) (engine.Payload, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(p, &members); err != nil || members[name] == nil {
		return nil, ErrNoValue
	}
	return engine.Payload(members[name]), nil
}
