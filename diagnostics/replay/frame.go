package replay

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wfops/wfops/diagnostics"
)

// Version of the protocol. Both sides need the same.
const Version = 1

// kind says what the body of a frame is.
type kind byte

const (
	kindHello   kind = 'H'
	kindRequest kind = 'R'
	kindBegun   kind = 'B'
	kindAnswer  kind = 'A'
	kindMemory  kind = 'M'
)

const (
	nonceBytes  = 32
	headerBytes = nonceBytes + 1 + 4 + 4
	// Limits of bodies. A request holds a bundle, and an answer a report.
	maxRequest = diagnostics.MaxBundleBytes + 1<<20
	maxAnswer  = 256 << 20
	maxHello   = 16 << 20
)

// frame is what one side tells the other.
type frame struct {
	kind   kind
	number uint32
	body   []byte
}

// errFrame marks bytes that are no frame.
var errFrame = errors.New("no frame of the replay protocol")

func writeFrame(w io.Writer, nonce string, f frame) error {
	h := append(make([]byte, 0, headerBytes), nonce...)
	h = binary.BigEndian.AppendUint32(append(h, byte(f.kind)), f.number)
	h = binary.BigEndian.AppendUint32(h, uint32(len(f.body))) //nolint:gosec // bodies are limited
	buf := bufio.NewWriter(w)
	_, _ = buf.Write(h) // its error stays, and comes from Flush
	_, _ = buf.Write(f.body)
	return buf.Flush()
}

// readFrame reads one frame. io.EOF means that there was none any more. What a length
// promises is believed only as far as bytes come.
func readFrame(r io.Reader, nonce string, limit int) (frame, error) {
	var h [headerBytes]byte
	if n, err := io.ReadFull(r, h[:]); err != nil {
		if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return frame{}, fmt.Errorf("%w: it breaks off after %d bytes", errFrame, n)
		}
		return frame{}, err
	}
	f := frame{kind: kind(h[nonceBytes]), number: binary.BigEndian.Uint32(h[nonceBytes+1:])}
	length := binary.BigEndian.Uint32(h[nonceBytes+5:])
	switch {
	case string(h[:nonceBytes]) != nonce:
		return frame{}, fmt.Errorf("%w: it begins with %q", errFrame, h[:nonceBytes])
	case !strings.ContainsRune("HRBAM", rune(f.kind)):
		return frame{}, fmt.Errorf("%w: it has the kind %q", errFrame, rune(f.kind))
	case int64(length) > int64(limit):
		return frame{}, fmt.Errorf("%w: it has %d bytes, the limit is %d", errFrame, length, limit)
	}
	var body bytes.Buffer
	if n, err := io.CopyN(&body, r, int64(length)); err != nil {
		if errors.Is(err, io.EOF) {
			return frame{}, fmt.Errorf("%w: it breaks off after %d of %d bytes", errFrame, n, length)
		}
		return frame{}, err
	}
	f.body = body.Bytes()
	return f, nil
}

// skipTo reads up to the frame of hello and hands what comes before it to stray.
func skipTo(r *bufio.Reader, nonce string, stray io.Writer) error {
	want := append([]byte(nonce), byte(kindHello))
	for {
		ahead, err := r.Peek(len(want))
		if bytes.Equal(ahead, want) {
			return nil
		}
		if err != nil {
			_, _ = stray.Write(ahead) // it never fails
			return err
		}
		// All that is there and can't be the beginning of what is wanted.
		ahead, _ = r.Peek(r.Buffered())
		n := bytes.Index(ahead, want)
		if n < 0 {
			n = len(ahead) - len(want) + 1
		}
		_, _ = stray.Write(ahead[:n]) // it never fails
		if _, err := r.Discard(n); err != nil {
			return err
		}
	}
}

// hello is what a child says first.
type hello struct {
	// Protocol is the marker.
	Protocol string `json:"protocol"`
	Version  int    `json:"version"`
	// Go is the version of Go that the program was built with.
	Go        string   `json:"go,omitempty"`
	Workflows []string `json:"workflows"`
}

// request is the first line of what the console asks for.
type request struct {
	Strict   bool  `json:"strict,omitempty"`
	Passes   int   `json:"passes,omitempty"`
	PassTime int64 `json:"pass_time,omitempty"` // nanoseconds
	Context  int   `json:"context,omitempty"`
	AllRows  bool  `json:"all_rows,omitempty"`
	Values   bool  `json:"values,omitempty"`
	// StepDeadline, in nanoseconds, takes the place of the program's own.
	StepDeadline int64 `json:"step_deadline,omitempty"`
}

// answer is what came of a request.
type answer struct {
	Report diagnostics.Report `json:"report"`
	// Left are stacks of goroutines that workflow code has started and left behind.
	Left []string `json:"left,omitempty"`
	// Spent tells that the child is not fit for another request: something of this one
	// still runs in it.
	Spent bool `json:"spent,omitempty"`
}
