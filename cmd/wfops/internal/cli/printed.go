package cli

import (
	"bytes"
	"io"
	"path/filepath"
	"sync"
)

// locked lets several goroutines write.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// printed shows what a program prints, line by line and with its name in front, so that
// nobody takes it for what wfops has to say.
type printed struct {
	s    *session
	rest []byte // of a line
}

const longestLine = 4 << 10

func (p *printed) Write(text []byte) (int, error) {
	p.rest = append(p.rest, text...)
	for {
		line, rest, whole := bytes.Cut(p.rest, []byte("\n"))
		if !whole && len(line) < longestLine {
			return len(text), nil
		}
		p.show(line)
		p.rest = append(p.rest[:0], rest...)
	}
}

func (p *printed) show(line []byte) {
	p.s.note("%s: %s", filepath.Base(p.s.o.with), bytes.TrimRight(line, "\r"))
}

// flush shows what is left when the program has ended.
func (p *printed) flush() {
	if len(p.rest) > 0 {
		p.show(p.rest)
		p.rest = nil
	}
}
