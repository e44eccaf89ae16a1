package view

// Fields are the places in two steps, a line for each: what differs first, then what
// is ignored, then what is the same.
func Fields(all []Field, o Options, width int) Lines {
	path := pathWidth(width)
	var l Lines
	for _, f := range ordered(all) {
		mark, style := fieldSign(f)
		line := []Cell{o.cell(mark, style), {" " + Pad(Clip(f.Path, path), path, false) + " ", Muted}}
		room := width - path - 3
		switch {
		case f.Same:
			line = append(line, Cell{Clip(f.A, room), Plain})
		case f.A == "" && f.B == "":
		default:
			tail := ""
			if f.Ignored != "" {
				tail = "  ignored: " + string(f.Ignored)
			}
			half := (room - Width(tail) - 4) / 2
			line = append(line, Cell{Clip(firstOf(f.A, none), half), sideStyle(f, OnlyA)}, Cell{o.Into(), Muted}, Cell{Clip(firstOf(f.B, none), half), sideStyle(f, OnlyB)}, Cell{tail, Muted})
		}
		l = append(l, line)
	}
	return l
}

// WholeFields are Fields with as many lines for each value as it needs. Values are as
// long as diagnostics has them.
func WholeFields(all []Field, o Options, width int) Lines {
	var l Lines
	for _, f := range ordered(all) {
		mark, style := fieldSign(f)
		head := []Cell{o.cell(mark, style), {Escape(f.Path), style}}
		if f.Ignored != "" {
			head = append(head, Cell{"ignored: " + Escape(string(f.Ignored)), Muted})
		}
		l = append(l, head)
		if f.Same {
			l.wrapped("    ", f.A, Plain, width)
			continue
		}
		if f.A == "" && f.B == "" {
			continue
		}
		l.wrapped("  A ", firstOf(f.A, none), sideStyle(f, OnlyA), width)
		l.wrapped("  B ", firstOf(f.B, none), sideStyle(f, OnlyB), width)
	}
	return l
}

// wrapped adds a text in as many lines as it needs.
func (l *Lines) wrapped(label, text string, style Style, width int) {
	for i, part := range Wrap(text, max(8, width-Width(label))) {
		if i > 0 {
			label = "    "
		}
		*l = append(*l, []Cell{{label[:3], Muted}, {part, style}})
	}
}

func ordered(all []Field) []Field {
	var some [3][]Field
	for _, f := range all {
		at := 0
		switch {
		case f.Ignored != "":
			at = 1
		case f.Same:
			at = 2
		}
		some[at] = append(some[at], f)
	}
	return append(append(some[0], some[1]...), some[2]...)
}

func fieldSign(f Field) (sign, Style) {
	switch {
	case f.Same:
		return signSame, Muted
	case f.Ignored != "":
		return signNone, Muted
	case f.A == "" && f.B != "":
		return signOnlyB, OnlyB
	case f.A != "" && f.B == "":
		return signOnlyA, OnlyA
	}
	return signChanged, Changed
}

func sideStyle(f Field, side Style) Style {
	if f.Ignored != "" {
		return Muted
	}
	return side
}

// Into stands between what was and what is.
func (o Options) Into() string {
	if o.ASCII {
		return " -> "
	}
	return " → "
}
