package view

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Wrap returns a text escaped, in lines of at most so many columns. It breaks lines
// where there is a space in the second half of one, and else anywhere.
func Wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	used, space := 0, -1 // where the line could be broken
	rest, state := settled(Escape(text)), -1
	for rest != "" {
		var cluster string
		var wide int
		cluster, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+wide > width && used > 0 {
			whole := line.String()
			line.Reset()
			if used = 0; cluster == " " {
				lines, space = append(lines, whole), -1
				continue
			}
			if space > len(whole)/2 {
				lines = append(lines, whole[:space])
				line.WriteString(whole[space+1:])
				used = Width(line.String())
			} else {
				lines = append(lines, whole)
			}
			space = -1
		}
		if cluster == " " {
			space = line.Len()
		}
		line.WriteString(cluster)
		used += wide
	}
	return append(lines, line.String())
}
