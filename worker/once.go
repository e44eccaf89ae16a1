package worker

import (
	"sync"

	"github.com/wfops/wfops/engine"
)

// once remembers what was said about an instance, so that it is said once.
type once struct {
	mu   sync.Mutex
	said map[remark]struct{}
}

type remark struct {
	instance engine.Instance
	text     string
}

// first reports whether text was not said before. It may forget after many others.
func (o *once) first(i engine.Instance, text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := remark{i, text}
	if _, again := o.said[r]; again {
		return false
	}
	if o.said == nil || len(o.said) >= maxRemembered {
		o.said = map[remark]struct{}{}
	}
	o.said[r] = struct{}{}
	return true
}
