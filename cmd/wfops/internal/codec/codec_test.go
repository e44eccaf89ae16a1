package codec_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
)

// asProgram makes the test binary be a codec, of the kind that it names.
const asProgram = "WFOPS_TEST_AS_CODEC"

func TestMain(m *testing.M) {
	if kind := os.Getenv(asProgram); kind != "" {
		program(kind)
		return
	}
	goleak.VerifyTestMain(m)
}

// program turns payloads around, and refuses those that are sealed with "!".
func program(kind string) {
	if kind == "mute" {
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for n := 1; in.Scan(); n++ {
		_, text, _ := strings.Cut(in.Text(), " ")
		payload, err := base64.StdEncoding.DecodeString(text)
		switch {
		case err != nil || kind == "dies":
			fmt.Fprintln(os.Stderr, "no key")
			os.Exit(3)
		case kind == "babbles":
			fmt.Println("hello")
		case kind == "repeats":
			fmt.Println("ok\nok")
		case kind == "endless":
			for {
				fmt.Print(strings.Repeat("x", 1<<20))
			}
		case kind == "slow":
			time.Sleep(50 * time.Millisecond) // it is a program, not a test
			fmt.Println("ok " + base64.StdEncoding.EncodeToString(fmt.Append(payload, n)))
		case strings.HasPrefix(string(payload), "!"):
			fmt.Println("error sealed with another key")
		default:
			slices.Reverse(payload)
			fmt.Println("ok " + base64.StdEncoding.EncodeToString(payload))
		}
	}
}

func start(t *testing.T, kind string, patience time.Duration) *codec.Process {
	t.Helper()
	t.Setenv(asProgram, kind)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	p := codec.New([]string{os.Args[0]}, patience)
	t.Cleanup(p.Close)
	return p
}

func TestOpenAndSeal(t *testing.T) {
	p := start(t, "works", 0)
	for _, plain := range []string{"abc", "", "\x00\xff\n", strings.Repeat("x", 1<<20) + "y"} {
		sealed, err := p.Seal(t.Context(), []byte(plain))
		if err != nil || plain == "abc" && string(sealed) != "cba" {
			t.Fatalf("%.10q, %v", sealed, err)
		}
		if back, err := p.Open(t.Context(), sealed); err != nil || string(back) != plain {
			t.Errorf("%.10q comes back as %.10q, %v", plain, back, err)
		}
	}
	if _, err := p.Open(t.Context(), []byte("!")); !errors.Is(err, codec.ErrCodec) || !strings.Contains(err.Error(), "another key") {
		t.Errorf("%v", err)
	}
	if back, err := p.Open(t.Context(), []byte("cba")); err != nil || string(back) != "abc" {
		t.Errorf("after a refusal: %q, %v", back, err)
	}
}

func TestCodecsThatFail(t *testing.T) {
	for kind, says := range map[string]string{"dies": "no key", "babbles": "neither ok nor error", "repeats": "more than it was asked", "endless": "more than"} {
		if _, err := start(t, kind, 0).Open(t.Context(), []byte("x")); !errors.Is(err, codec.ErrCodec) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := start(t, "mute", 50*time.Millisecond).Open(t.Context(), []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	p := start(t, "mute", 0)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for range 2 {
		if _, err := p.Open(ctx, []byte("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	if _, err := codec.New([]string{"./missing"}, 0).Open(t.Context(), []byte("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
