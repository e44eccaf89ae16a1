package jaegertest

import "testing"

func TestATreeShowsWhatIsMissing(t *testing.T) {
	child := func(of string) []Reference { return []Reference{{Type: "CHILD_OF", SpanID: of}} }
	trace := Trace{
		Spans: []Span{
			{ID: "3", Name: "late", Start: 30, References: child("1")},
			{ID: "1", Name: "root", Start: 10, ProcessID: "p", Tags: []Tag{{"span.kind", "server"}}},
			{ID: "2", Name: "early", Start: 20, References: child("1")},
			{ID: "4", Name: "lost", Start: 40, References: append(child("9"), Reference{Type: "FOLLOWS_FROM", TraceID: "t", SpanID: "s"})},
		},
		Processes: map[string]Process{"p": {Service: "shop"}},
	}
	const want = `root (server, shop)
  early (internal, )
  late (internal, )
lost (internal, ) links to t/s WITHOUT ITS PARENT
`
	if got := trace.Tree(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
