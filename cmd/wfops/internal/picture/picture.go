// Package picture draws a grid of cells as a terminal would, into a PNG, for the
// documentation. The font is that of a pinned module, so that the same cells give the
// same picture on every machine.
package picture

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"unicode/utf8"

	"github.com/go-fonts/dejavu/dejavusansmono"
	"github.com/go-fonts/dejavu/dejavusansmonobold"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
)

// Look is how a cell is drawn.
type Look struct {
	Ink, Paper      color.RGBA
	Bold, Underline bool
}

// Sizes in pixels: of the font, of a cell, of the edge around all of them, and where in
// a cell letters stand.
const (
	fontSize = 15
	cellW    = 9
	cellH    = 18
	edge     = 8
	baseline = 14
)

// levels is how many shades there are from paper to ink. Few of them make the picture
// small, and make nothing of the last bits in which machines differ.
const levels = 8

// Write writes g as a PNG on paper of that color.
func Write(w io.Writer, g *grid.Grid, paper color.RGBA, look func(grid.Cell) Look) error {
	regular, err := face(dejavusansmono.TTF)
	if err != nil {
		return err
	}
	bold, err := face(dejavusansmonobold.TTF)
	if err != nil {
		return err
	}
	cols, rows := g.Size()
	c := canvas{img: image.NewRGBA(image.Rect(0, 0, cols*cellW+2*edge, rows*cellH+2*edge))}
	c.fill(c.img.Bounds(), paper)
	for y := range rows {
		for x := range cols {
			cell := g.At(x, y)
			if cell.Text == "" && x > 0 && g.At(x-1, y).Wide() {
				continue
			}
			c.face = regular
			l := look(cell)
			if l.Bold {
				c.face = bold
			}
			c.cell(x, y, cell, l)
		}
	}
	return png.Encode(w, c.paletted())
}

func face(ttf []byte) (font.Face, error) {
	f, err := opentype.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("the font: %w", err)
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: fontSize, DPI: 72, Hinting: font.HintingNone})
}

type canvas struct {
	img  *image.RGBA
	face font.Face
}

func (c *canvas) fill(at image.Rectangle, ink color.RGBA) {
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			c.img.SetRGBA(x, y, ink)
		}
	}
}

func (c *canvas) cell(x, y int, cell grid.Cell, l Look) {
	wide := 1
	if cell.Wide() {
		wide = 2
	}
	at := image.Rect(0, 0, wide*cellW, cellH).Add(image.Pt(edge+x*cellW, edge+y*cellH))
	c.fill(at, l.Paper)
	if l.Underline {
		c.fill(image.Rect(at.Min.X, at.Min.Y+baseline+2, at.Max.X, at.Min.Y+baseline+3), l.Ink)
	}
	r, _ := utf8.DecodeRuneInString(cell.Text)
	if cell.Text == "" || r == ' ' {
		return
	}
	if c.block(at, r, l) {
		return
	}
	bounds, mask, origin, _, ok := c.face.Glyph(fixed.P(at.Min.X, at.Min.Y+baseline), r)
	if !ok { // the font has none
		c.frame(at.Inset(2), l.Ink)
		return
	}
	for py := bounds.Min.Y; py < bounds.Max.Y; py++ {
		for px := bounds.Min.X; px < bounds.Max.X; px++ {
			_, _, _, a := mask.At(origin.X+px-bounds.Min.X, origin.Y+py-bounds.Min.Y).RGBA()
			c.img.SetRGBA(px, py, mixed(c.img.RGBAAt(px, py), l.Ink, (int(a)*levels+0x7fff)/0xffff))
		}
	}
}

// shades are the characters that fill a cell, as terminals draw them themselves: with
// so many parts of levels ink.
var shades = map[rune]int{'░': 2, '▒': 4, '▓': 6, '█': levels}

// block draws what has to meet its neighbors without a gap.
func (c *canvas) block(at image.Rectangle, r rune, l Look) bool {
	if shade, ok := shades[r]; ok {
		c.fill(at, mixed(l.Paper, l.Ink, shade))
		return true
	}
	middle := at.Min.Add(image.Pt(cellW/2, cellH/2))
	switch r {
	case '─':
		c.fill(image.Rect(at.Min.X, middle.Y, at.Max.X, middle.Y+1), l.Ink)
	case '│':
		c.fill(image.Rect(middle.X, at.Min.Y, middle.X+1, at.Max.Y), l.Ink)
	default:
		return false
	}
	return true
}

func (c *canvas) frame(at image.Rectangle, ink color.RGBA) {
	inner := at.Inset(1)
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			if !image.Pt(x, y).In(inner) {
				c.img.SetRGBA(x, y, ink)
			}
		}
	}
}

// mixed lays part of levels of an ink on a paper.
func mixed(paper, ink color.RGBA, part int) color.RGBA {
	mix := func(a, b uint8) uint8 { return uint8((int(a)*(levels-part) + int(b)*part) / levels) } //nolint:gosec // between the two
	return color.RGBA{R: mix(paper.R, ink.R), G: mix(paper.G, ink.G), B: mix(paper.B, ink.B), A: 0xff}
}

// paletted makes the picture small, if it has as few colors as pictures of text have.
func (c *canvas) paletted() image.Image {
	index := map[color.RGBA]uint8{}
	var palette color.Palette
	small := image.NewPaletted(c.img.Bounds(), nil)
	for y := range c.img.Rect.Dy() {
		for x := range c.img.Rect.Dx() {
			ink := c.img.RGBAAt(x, y)
			i, known := index[ink]
			if !known {
				if len(palette) == 256 {
					return c.img
				}
				i = uint8(len(palette)) //nolint:gosec // below 256
				index[ink] = i
				palette = append(palette, ink)
			}
			small.SetColorIndex(x, y, i)
		}
	}
	small.Palette = palette
	return small
}
