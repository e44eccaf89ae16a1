package filter

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var units = []struct {
	name string
	is   time.Duration
}{
	{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour},
}

// ParseDuration reads durations like 90s, 1h30m, 1.5d or 2w. A day has 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	var sum float64
	rest := text
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a time", text)
		}
		name := rest[digits:]
		if end := strings.IndexAny(name, "0123456789."); end >= 0 {
			name = name[:end]
		}
		unit := time.Duration(0)
		for _, u := range units {
			if u.name == name {
				unit = u.is
			}
		}
		if unit == 0 {
			return 0, fmt.Errorf("%q is not a time: units are ms, s, m, h, d and w", text)
		}
		sum += n * float64(unit)
		rest = rest[digits+len(name):]
	}
	if text == "" || sum >= math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a time, or too long", text)
	}
	return time.Duration(sum), nil
}
