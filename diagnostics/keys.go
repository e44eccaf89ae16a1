package diagnostics

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/wfops/wfops/engine"
)

// key is what steps are aligned by: kind, name and input, as far as rules let see.
// It is the same in every process, so that a diff is.
type key [16]byte

// sequence is one side of a diff.
type sequence struct {
	steps []Step
	keys  []key
	// exact and named are numbers for kind, name and input, and for kind and name.
	exact, named []int32
}

// newSequence computes the keys of steps.
func newSequence(steps []Step, rules *ruleSet) *sequence {
	s := &sequence{steps: steps, keys: make([]key, len(steps))}
	var buf []byte
	for i := range steps {
		st := &steps[i]
		buf = append(append(buf[:0], st.Kind...), 0)
		buf = append(append(buf, st.Name...), 0)
		if st.Kind == StepTimer {
			buf = binary.AppendVarint(buf, int64(st.Duration))
		}
		for _, p := range st.Input {
			buf = binary.AppendVarint(rules.normalize(buf, p), int64(len(buf)))
		}
		sum := sha256.Sum256(buf)
		s.keys[i] = key(sum[:16])
	}
	return s
}

// number gives the keys of both sides small numbers.
func number(a, b *sequence) {
	exact := make(map[key]int32, len(a.steps)+len(b.steps))
	type kindName struct {
		kind StepKind
		name string
	}
	named := map[kindName]int32{}
	for _, s := range []*sequence{a, b} {
		s.exact, s.named = make([]int32, len(s.steps)), make([]int32, len(s.steps))
		for i := range s.steps {
			s.exact[i] = numberOf(exact, s.keys[i])
			s.named[i] = numberOf(named, kindName{s.steps[i].Kind, s.steps[i].Name})
		}
	}
}

func numberOf[K comparable](m map[K]int32, k K) int32 {
	n, ok := m[k]
	if !ok {
		n = int32(len(m)) //nolint:gosec // a history has no more events
		m[k] = n
	}
	return n
}

// compare puts two sequences into an order that depends on their content alone.
func compare(a, b *sequence) int {
	if len(a.keys) != len(b.keys) {
		return len(a.keys) - len(b.keys)
	}
	return slices.CompareFunc(a.keys, b.keys, func(x, y key) int { return bytes.Compare(x[:], y[:]) })
}

// normalize appends a payload without the values that rules ignore, so that two
// inputs that differ only in these are the same. It looks at the text: to decode all
// payloads would take longer than all the rest of a diff. Paths of the user can't be
// seen in it; they count when pairs are compared.
func (s *ruleSet) normalize(buf []byte, p engine.Payload) []byte {
	if !s.any {
		return append(buf, p...)
	}
	var member []byte // whose value comes next
	for i := 0; i < len(p); {
		if p[i] != '"' {
			if p[i] == ',' || p[i] == '{' || p[i] == '[' {
				member = nil
			}
			buf = append(buf, p[i])
			i++
			continue
		}
		end := stringEnd(p, i)
		value := p[i+1 : max(i+1, end-1)]
		var r Rule
		if isMember(p, end) {
			member = value
		} else {
			r = s.ignored(member, value)
		}
		if r != "" {
			buf = append(append(append(buf, '<'), r...), '>')
		} else {
			buf = append(buf, p[i:end]...)
		}
		i = end
	}
	return buf
}

func (s *ruleSet) ignored(member, value []byte) Rule {
	if s.on[RuleHosts] && len(member) > 0 && namesHost(string(member)) {
		return RuleHosts
	}
	if len(value) < 2 {
		return ""
	}
	if r := ruleOfString(string(value)); s.on[r] {
		return r
	}
	return ""
}

// stringEnd is where the JSON string ends that begins at i.
func stringEnd(p []byte, i int) int {
	for i++; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(p)
}

// isMember reports whether the string that ends at i is the name of a member.
func isMember(p []byte, i int) bool {
	for ; i < len(p); i++ {
		switch p[i] {
		case ' ', '\t', '\n', '\r':
		case ':':
			return true
		default:
			return false
		}
	}
	return false
}
