package picture_test

import (
	"bytes"
	"image/color"
	"image/png"
	"testing"

	"github.com/go-fonts/dejavu/dejavusansmono"
	"github.com/go-fonts/dejavu/dejavusansmonobold"
	"golang.org/x/image/font/sfnt"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/picture"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

var (
	black = color.RGBA{A: 255}
	white = color.RGBA{R: 255, G: 255, B: 255, A: 255}
)

// signs are all characters beyond ASCII that the console draws itself.
const signs = "▷○◷◇↻✓✗⊘■»≠‖…─│┌┐└┘├┤░▒▓█·⋯›→←↑↓•−×≤≥"

func TestTheFontHasOurSigns(t *testing.T) {
	for name, ttf := range map[string][]byte{"regular": dejavusansmono.TTF, "bold": dejavusansmonobold.TTF} {
		f, err := sfnt.Parse(ttf)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range signs {
			if i, err := f.GlyphIndex(nil, r); err != nil || i == 0 {
				t.Errorf("the %s font lacks %c (%v)", name, r, err)
			}
		}
	}
}

func TestPictureIsOfTheCells(t *testing.T) {
	draw := func(texts ...string) []byte {
		g := grid.New(10, 2)
		for y, text := range texts {
			g.All().Put(0, y, 0, view.Cell{Text: text, Style: view.Bad})
		}
		var b bytes.Buffer
		if err := picture.Write(&b, g, black, func(c grid.Cell) picture.Look {
			l := picture.Look{Ink: white, Paper: black}
			if c.Style == view.Bad {
				l.Ink, l.Bold = color.RGBA{R: 200, A: 255}, true
			}
			return l
		}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	once, again, other := draw("ab 日本", "█"), draw("ab 日本", "█"), draw("ac 日本", "█")
	if !bytes.Equal(once, again) {
		t.Error("the same cells give different pictures")
	}
	if bytes.Equal(once, other) {
		t.Error("other cells give the same picture")
	}
	img, err := png.Decode(bytes.NewReader(once))
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Size(); got.X != 10*9+16 || got.Y != 2*18+16 {
		t.Errorf("the picture has %v", got)
	}
	if got := color.RGBAModel.Convert(img.At(8+4, 8+18+9)); got != (color.RGBA{R: 200, A: 255}) {
		t.Errorf("a full block is %v", got)
	}
}
