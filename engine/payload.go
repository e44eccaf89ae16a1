package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// MaxPayloadBytes is the default limit of one encoded argument, result or
// signal.
const MaxPayloadBytes = 2 << 20

// Payload is one encoded value: an argument, a result, a signal, details.
// It is encoded once, where it enters the engine, and carried as bytes.
// Nobody changes the bytes of a Payload after it was made.
type Payload []byte

// Converter turns values into payloads and back. Implementations are safe for
// concurrent use.
type Converter interface {
	// Encode returns the payload of v.
	Encode(v any) (Payload, error)
	// Decode stores the value of p in the variable that ptr points to. A nil
	// payload is the zero value.
	Decode(p Payload, ptr any) error
	// Deterministic reports whether equal values always have equal bytes. Only
	// then does replay compare arguments.
	Deterministic() bool
}

// JSON is the default Converter: encoding/json, which sorts the keys of maps
// and so is deterministic.
type JSON struct{}

var _ Converter = JSON{}

// Encode implements Converter.
func (JSON) Encode(v any) (Payload, error) {
	p, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding %T as JSON: %w", v, err)
	}
	return p, nil
}

// Decode implements Converter.
func (JSON) Decode(p Payload, ptr any) error {
	v := reflect.ValueOf(ptr)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("decoding JSON: %w: %T is no pointer to a variable", ErrInvalidArgument, ptr)
	}
	if p == nil {
		v.Elem().SetZero()
		return nil
	}
	if err := json.Unmarshal(p, ptr); err != nil {
		return fmt.Errorf("decoding JSON into %s: %w", v.Elem().Type(), err)
	}
	return nil
}

// Deterministic implements Converter.
func (JSON) Deterministic() bool { return true }

// Codec transforms encoded payloads at rest, for example by encrypting or
// compressing them. It is applied after the Converter on the way in and before
// it on the way out. Implementations are safe for concurrent use.
type Codec interface {
	// Seal returns what is stored for p.
	Seal(p Payload) (Payload, error)
	// Open returns what Seal was given.
	Open(sealed Payload) (Payload, error)
}

// Payloads turns values into stored payloads and back. The zero value uses JSON,
// no codec and MaxPayloadBytes.
type Payloads struct {
	Converter Converter
	Codec     Codec
	// Max is the limit of one encoded payload in bytes, before the codec; 0 means
	// MaxPayloadBytes.
	Max int
}

// Encode returns the stored form of v. Its errors wrap ErrInvalidArgument and
// begin with what, which names the argument.
func (p Payloads) Encode(what string, v any) (Payload, error) {
	plain, err := p.converter().Encode(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalidArgument, what, err)
	}
	if limit := p.limit(); len(plain) > limit {
		return nil, fmt.Errorf("%w: %s has %d bytes when encoded, the limit is %d; store it elsewhere and pass a reference", ErrInvalidArgument, what, len(plain), limit)
	}
	if p.Codec == nil {
		return plain, nil
	}
	sealed, err := p.Codec.Seal(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: sealing the payload: %w", ErrInvalidArgument, what, err)
	}
	return sealed, nil
}

// Decode stores the value of a stored payload in the variable that ptr points
// to.
func (p Payloads) Decode(stored Payload, ptr any) error {
	plain, err := p.Open(stored)
	if err != nil {
		return err
	}
	return p.converter().Decode(plain, ptr)
}

// Open returns the payload as the converter made it.
func (p Payloads) Open(stored Payload) (Payload, error) {
	if p.Codec == nil || stored == nil {
		return stored, nil
	}
	plain, err := p.Codec.Open(stored)
	if err != nil {
		return nil, fmt.Errorf("opening a sealed payload: %w", err)
	}
	return plain, nil
}

// Comparable reports whether equal values have equal bytes once opened.
func (p Payloads) Comparable() bool { return p.converter().Deterministic() }

func (p Payloads) converter() Converter {
	if p.Converter == nil {
		return JSON{}
	}
	return p.Converter
}

func (p Payloads) limit() int {
	if p.Max <= 0 {
		return MaxPayloadBytes
	}
	return p.Max
}
