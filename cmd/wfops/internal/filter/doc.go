// Package filter is the language in which the console asks for instances.
//
//	status:failed,blocked type:Order* age:>1h !tag.env:test "card declined"
//
// A filter is a list of terms that must all match. A term is
//
//	key:value        one of Keys; alternatives are separated by commas
//	word  "words"    a piece of the id, the workflow, the error, the status line, the
//	                 name of what is waited for or the reason of an operator's note
//	/re/             an RE2 expression, for the same texts
//	!term  key:!v    the opposite
//
// Values are exact, except that an unquoted * stands for any run of characters in
// type, queue, id, parent, tag, build, worker, class and waiting, and that err looks for a piece of
// the text. Words and err ignore the case of ASCII letters unless they have capitals
// themselves. Durations are written as 90s, 1h30m, 2d or 1w.
//
// Plan says what of a filter a store can do; Match does all of it. A store that is
// asked for the plan's query returns every match, and, if the plan has to scan, others
// besides.
package filter
