package codec

import "time"

// RestFor changes how long a program that has failed is left alone.
func (p *Process) RestFor(d time.Duration) { p.rest = d }
