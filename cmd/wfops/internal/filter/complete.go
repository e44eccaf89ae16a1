package filter

import "strings"

// Complete returns the filters that text, which ends in an unfinished term, could
// become, as far as the language knows.
func Complete(text string) (offers []string) {
	done, term := "", text
	if at := strings.LastIndexByte(text, ' '); at >= 0 {
		done, term = text[:at+1], text[at+1:]
	}
	if rest, not := strings.CutPrefix(term, "!"); not {
		done, term = done+"!", rest
	}
	for _, k := range Keys() {
		name := k.Name
		if !strings.HasSuffix(name, ".") {
			name += ":"
		}
		if strings.HasPrefix(name, term) {
			offers = append(offers, done+name)
		}
		for _, v := range k.Values {
			if offer := name + v; strings.HasPrefix(term, name) && strings.HasPrefix(offer, term) {
				offers = append(offers, done+offer)
			}
		}
	}
	return offers
}
