// Package filtertest makes random filters and instances, and says without package
// filter which filter matches which instance.
package filtertest

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Case is a filter and what it means.
type Case struct {
	Text  string
	Match func(s *backend.Summary, now time.Time) bool
}

// Random returns a filter of up to three terms.
func Random(rng *rand.Rand) Case {
	all := Case{Match: func(*backend.Summary, time.Time) bool { return true }}
	for range rng.IntN(4) {
		t, before := randomTerm(rng), all.Match
		all.Text += pick(rng, " ", "  ") + t.Text
		all.Match = func(s *backend.Summary, now time.Time) bool { return before(s, now) && t.Match(s, now) }
	}
	return all
}

func randomTerm(rng *rand.Rand) Case {
	t := pick(rng, byStatus, byFlag, byName, byTime, byAttempt, byWaiting, byTag, byWord)(rng)
	if rng.IntN(4) > 0 {
		return t
	}
	yes := t.Match
	return Case{Text: "!" + t.Text, Match: func(s *backend.Summary, now time.Time) bool { return !yes(s, now) }}
}

// simple makes a case that does not look at the time.
func simple(text string, match func(s *backend.Summary) bool) Case {
	return Case{Text: text, Match: func(s *backend.Summary, _ time.Time) bool { return match(s) }}
}

func byStatus(rng *rand.Rand) Case {
	a, b := pick(rng, engine.Statuses()...), pick(rng, engine.Statuses()...)
	if rng.IntN(3) == 0 {
		return simple(fmt.Sprintf("status:!%s", a), func(s *backend.Summary) bool { return s.Status != a })
	}
	return simple(fmt.Sprintf("status:%s,%s", a, b), func(s *backend.Summary) bool { return s.Status == a || s.Status == b })
}

func byFlag(rng *rand.Rand) Case {
	return pick(rng,
		simple("is:open", func(s *backend.Summary) bool { return s.Finished.IsZero() }),
		simple("is:final", func(s *backend.Summary) bool { return !s.Finished.IsZero() }),
		simple("is:paused", func(s *backend.Summary) bool { return s.Paused }),
		simple("is:blocked", func(s *backend.Summary) bool { return s.Status == engine.StatusBlocked }),
		simple("is:paused,blocked", func(s *backend.Summary) bool { return s.Paused || s.Status == engine.StatusBlocked }),
	)
}

func byName(rng *rand.Rand) Case {
	return pick(rng,
		simple("type:Order*", func(s *backend.Summary) bool { return strings.HasPrefix(s.Workflow, "Order") }),
		simple(`type:Bill,"Order"`, func(s *backend.Summary) bool { return s.Workflow == "Bill" || s.Workflow == "Order" }),
		simple("type:/^O.*l$/", func(s *backend.Summary) bool { return regexp.MustCompile("^O.*l$").MatchString(s.Workflow) }),
		simple("worker:w-1", func(s *backend.Summary) bool { return s.Worker == "w-1" }),
		simple("worker:/^w.[02-9]$/", func(s *backend.Summary) bool { return s.Worker == "w-2" }),
		simple("queue:q1", func(s *backend.Summary) bool { return s.Queue == "q1" }),
		simple("queue:*1,default", func(s *backend.Summary) bool { return s.Queue == "q1" || s.Queue == engine.QueueDefault }),
		simple("id:i-1*", func(s *backend.Summary) bool { return strings.HasPrefix(s.Instance.InstanceID, "i-1") }),
		simple("id:*7", func(s *backend.Summary) bool { return strings.HasSuffix(s.Instance.InstanceID, "7") }),
		simple("id:i-12", func(s *backend.Summary) bool { return s.Instance.InstanceID == "i-12" }),
		simple("parent:p-1", func(s *backend.Summary) bool { return s.Parent != nil && s.Parent.InstanceID == "p-1" }),
		simple("parent:p*", func(s *backend.Summary) bool { return s.Parent != nil }),
		simple("build:b1", func(s *backend.Summary) bool { return s.Build == "b1" }),
		simple("build:b*", func(s *backend.Summary) bool { return strings.HasPrefix(s.Build, "b") }),
		simple("class:HANG", func(s *backend.Summary) bool { return s.BlockClass == "HANG" }),
	)
}

func byTime(rng *rand.Rand) Case {
	// Instances are created and moved at whole seconds, so that bounds are met.
	d := time.Duration(rng.IntN(300)) * time.Second
	compare := map[string]func(age time.Duration) bool{
		">": func(age time.Duration) bool { return age > d }, ">=": func(age time.Duration) bool { return age >= d },
		"<": func(age time.Duration) bool { return age < d }, "<=": func(age time.Duration) bool { return age <= d },
	}
	op := pick(rng, ">", ">=", "<", "<=")
	if rng.IntN(2) == 0 {
		return Case{fmt.Sprintf("age:%s%s", op, d), func(s *backend.Summary, now time.Time) bool { return compare[op](now.Sub(s.Created)) }}
	}
	return Case{fmt.Sprintf("idle:%s%ds", op, d/time.Second), func(s *backend.Summary, now time.Time) bool { return compare[op](now.Sub(s.Updated)) }}
}

func byAttempt(rng *rand.Rand) Case {
	n := rng.IntN(5)
	return pick(rng,
		simple(fmt.Sprintf("retry:>%d", n), func(s *backend.Summary) bool { return s.Attempt > n }),
		simple(fmt.Sprintf("retry:>=%d", n), func(s *backend.Summary) bool { return s.Attempt >= n }),
		simple(fmt.Sprintf("retry:<%d", n), func(s *backend.Summary) bool { return s.Attempt < n }),
		simple(fmt.Sprintf("retry:%d", n), func(s *backend.Summary) bool { return s.Attempt == n }),
	)
}

func byWaiting(rng *rand.Rand) Case {
	on := func(s *backend.Summary, kind engine.WaitKind, name string) bool {
		return s.Waiting != nil && s.Waiting.Kind == kind && strings.HasPrefix(s.Waiting.Name, name)
	}
	return pick(rng,
		simple("waiting:signal", func(s *backend.Summary) bool { return on(s, engine.WaitSignal, "") }),
		simple("waiting:signal:pay", func(s *backend.Summary) bool { return on(s, engine.WaitSignal, "pay") && s.Waiting.Name == "pay" }),
		simple(`waiting:signal:"pay off"`, func(s *backend.Summary) bool { return on(s, engine.WaitSignal, "pay off") }),
		simple("waiting:activity:/^p/,signal:pay*", func(s *backend.Summary) bool {
			return on(s, engine.WaitActivity, "p") || on(s, engine.WaitSignal, "pay")
		}),
		Case{"waiting:>1m", func(s *backend.Summary, now time.Time) bool {
			return s.Waiting != nil && now.Sub(s.Waiting.Since) > time.Minute
		}},
	)
}

func byTag(rng *rand.Rand) Case {
	return pick(rng,
		simple("tag.env:prod", func(s *backend.Summary) bool { return s.Tags["env"] == "prod" }),
		simple("tag.env:*", func(s *backend.Summary) bool { return s.Tags["env"] != "" }),
		simple(`tag."a:b":p*`, func(s *backend.Summary) bool { return strings.HasPrefix(s.Tags["a:b"], "p") }),
	)
}

func byWord(rng *rand.Rand) Case {
	texts := func(s *backend.Summary) []string {
		t := []string{s.Instance.InstanceID, s.Workflow, s.LastError, s.StatusLine}
		if s.Waiting != nil {
			t = append(t, s.Waiting.Name)
		}
		if s.Note != nil {
			t = append(t, s.Note.Reason)
		}
		return t
	}
	return pick(rng,
		simple("order", func(s *backend.Summary) bool { return anyHas(texts(s), "order", true) }),
		simple("Pay", func(s *backend.Summary) bool { return anyHas(texts(s), "Pay", false) }),
		simple(`"pay off"`, func(s *backend.Summary) bool { return anyHas(texts(s), "pay off", true) }),
		simple("/[0-4]$/", func(s *backend.Summary) bool {
			return slices.ContainsFunc(texts(s), regexp.MustCompile("[0-4]$").MatchString)
		}),
		simple("err:declined", func(s *backend.Summary) bool { return anyHas([]string{s.LastError}, "declined", true) }),
		simple(`err:"Card d"`, func(s *backend.Summary) bool { return anyHas([]string{s.LastError}, "Card d", false) }),
		simple("err:/^C/,late", func(s *backend.Summary) bool {
			return strings.HasPrefix(s.LastError, "C") || anyHas([]string{s.LastError}, "late", true)
		}),
	)
}

func anyHas(texts []string, word string, fold bool) bool {
	return slices.ContainsFunc(texts, func(t string) bool {
		return strings.Contains(t, word) || fold && strings.Contains(strings.ToLower(t), word)
	})
}

// pick returns one of several.
func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }
