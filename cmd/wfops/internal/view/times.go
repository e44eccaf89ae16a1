package view

import (
	"fmt"
	"strconv"
	"time"
)

const day = 24 * time.Hour

// Span shows a duration by its largest units: 0.4s, 31s, 4m02s, 58m, 3h12m, 6d03h, 92d.
func Span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Span(-max(d, -1<<62))
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d < 10*day:
		return fmt.Sprintf("%dd%02dh", d/day, d%day/time.Hour)
	}
	return fmt.Sprintf("%dd", d/day)
}

// took shows how long a step took: steps are often short.
func took(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < time.Millisecond:
		return "<1ms"
	case d < time.Second:
		return fmt.Sprintf("%dms", d/time.Millisecond)
	}
	return Span(d)
}

// age shows how long ago something was, or nothing if it never was.
func (o Options) age(then time.Time) string {
	if then.IsZero() {
		return ""
	}
	return Span(max(0, o.Now.Sub(then)))
}

// Moment shows a point in time.
func (o Options) Moment(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case o.Times == Local:
		return t.Local().Format("2006-01-02 15:04:05.000")
	case o.Times == UTC:
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	case t.After(o.Now):
		return "in " + Span(t.Sub(o.Now))
	}
	return Span(o.Now.Sub(t)) + " ago"
}

// after shows a point in time as seen from the beginning of something.
func (o Options) after(start, t time.Time) string {
	if o.Times != Relative {
		return o.Moment(t)
	}
	return fmt.Sprintf("+%.3fs", t.Sub(start).Seconds())
}

// Count shows a number in groups of three digits.
func Count(n int64) string {
	if n < 0 {
		return "-" + Count(-max(n, -1<<62))
	}
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
