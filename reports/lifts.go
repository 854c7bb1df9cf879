package reports

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	plottext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Sizes of the picture, in points.
const (
	pictureWidth  = 890
	pictureRow    = 21  // one lift
	pictureFrame  = 62  // of a panel: its title, axis and gaps
	pictureHead   = 34  // the picture's own title and key
	pictureRight  = 245 // column of numbers
	pictureMargin = 14
	labelPart     = 26 // characters of a task's or a variant's name
)

// Lifts writes lifts.svg, a forest plot: each adapter's lift on each task's
// primary metric with its 95 % interval, a panel a unit. A tick marks the margin.
// Colour and shape say the verdict, and so does the text beside.
func Lifts(w io.Writer, r *Report) error {
	panels := liftPanels(r)
	c := vgsvg.New(pictureWidth, pictureHeight(panels))
	drawLifts(draw.New(c), panels)
	var picture bytes.Buffer
	if _, err := c.WriteTo(&picture); err != nil {
		return fmt.Errorf("draw lifts as SVG: %w", err)
	}
	// Few machines have the font that widths are taken from; its kin are as wide.
	fonts := bytes.ReplaceAll(picture.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	if _, err := w.Write(fonts); err != nil {
		return fmt.Errorf("write lifts as SVG: %w", err)
	}
	return nil
}

// spaced keeps an SVG renderer from collapsing spaces.
func spaced(s string) string { return strings.ReplaceAll(s, "  ", "\u00a0 ") }

// liftPanel holds the lifts that share a unit and a direction.
type liftPanel struct {
	metric lorabench.Metric // for unit and direction
	rows   []liftRow        // top first
}

// liftRow is one lift, in the unit that it is shown in.
type liftRow struct {
	label, text string
	lift        float64
	lo, hi      float64 // NaN where there is no interval
	margin      float64 // where the tick is; NaN for none
	outcome     Outcome // "" where no policy judges it
}

func liftPanels(r *Report) []liftPanel {
	var panels []liftPanel
	for _, t := range r.Tasks {
		for _, c := range t.Comparisons {
			if !c.Primary || c.Lift == nil {
				continue
			}
			i := slices.IndexFunc(panels, func(p liftPanel) bool {
				return p.metric.Unit == c.Metric.Unit && p.metric.Better == c.Metric.Better
			})
			if i < 0 {
				i = len(panels)
				panels = append(panels, liftPanel{metric: c.Metric})
			}
			row := liftRow{
				label: elide(printable(t.Info.Name), labelPart) + " · " + elide(printable(c.Variant), labelPart), text: c.liftText(), lift: shown(c.Metric, *c.Lift),
				lo: math.NaN(), hi: math.NaN(), margin: math.NaN(),
			}
			if c.CI95 != nil {
				row.lo, row.hi = shown(c.Metric, c.CI95.Lo), shown(c.Metric, c.CI95.Hi)
			}
			if v := r.Verdict(c.Variant, t.Info.Name); v != nil && v.c == c {
				row.outcome = v.Outcome
				row.text += spaced("   ") + string(v.Outcome)
				if v.Margin != nil {
					row.margin = -sign(c.Metric) * shown(c.Metric, *v.Margin)
				}
			}
			if c.UnderFloor {
				row.text += " †"
			}
			panels[i].rows = append(panels[i].rows, row)
		}
	}
	return panels
}

func pictureHeight(panels []liftPanel) vg.Length {
	h := vg.Length(pictureHead + pictureMargin)
	if len(panels) == 0 {
		return h + pictureRow
	}
	for _, p := range panels {
		h += p.height()
	}
	return h
}

func (p liftPanel) height() vg.Length {
	return pictureFrame + pictureRow*vg.Length(len(p.rows))
}

// drawLifts draws panels below each other on a canvas of pictureHeight.
func drawLifts(c draw.Canvas, panels []liftPanel) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	top := c.Max.Y - pictureMargin
	c.FillText(style(13, true), vg.Point{X: c.Min.X + pictureMargin, Y: top - 8}, "Lift over the base, same samples, 95 % interval")
	c.FillText(style(9, false), vg.Point{X: c.Min.X + pictureMargin, Y: top - 23},
		spaced("● PASS   ■ BREACH   ○ INCONCLUSIVE   × INVALID or not judged   ❘ margin   † under the floor: no lift"))
	top -= pictureHead - 4
	if len(panels) == 0 {
		c.FillText(style(10, false), vg.Point{X: c.Min.X + pictureMargin, Y: top - 14}, "No lift was measured.")
	}
	for _, p := range panels {
		area := draw.Crop(c, pictureMargin, -pictureMargin-pictureRight, 0, 0)
		area.Max.Y, area.Min.Y = top, top-p.height()+8
		p.draw(area)
		top -= p.height()
	}
}

// draw makes a plot of the panel, its numbers to the right of the area.
func (p liftPanel) draw(area draw.Canvas) {
	pl := plot.New()
	pl.Title.Text = fmt.Sprintf("%s, %s is better", unit(p.metric), p.metric.Better)
	pl.Title.TextStyle.Font = sans(10, true)
	pl.Title.Padding = 4
	pl.X.Tick.Label.Font, pl.Y.Tick.Label.Font = sans(9, false), sans(10, false)
	lo, hi := 0.0, 0.0
	ticks := make([]plot.Tick, len(p.rows))
	for i, row := range p.rows {
		for _, x := range []float64{row.lift, row.lo, row.hi, row.margin} {
			if finite(x) {
				lo, hi = min(lo, x), max(hi, x)
			}
		}
		ticks[i] = plot.Tick{Value: p.y(i), Label: row.label}
	}
	if hi == lo {
		lo, hi = -1, 1
	}
	pad := 0.06 * (hi - lo)
	pl.X.Min, pl.X.Max = lo-pad, hi+pad
	pl.Y.Min, pl.Y.Max = -0.5, float64(len(p.rows))-0.5
	pl.Y.Tick.Marker, pl.Y.Tick.Length, pl.Y.LineStyle.Width = plot.ConstantTicks(ticks), 0, 0
	pl.X.Padding, pl.Y.Padding = 4, 6
	pl.Add(p)
	pl.Draw(area)
}

// y is the height of row i in the plot: the first is on top.
func (p liftPanel) y(i int) float64 { return float64(len(p.rows) - 1 - i) }

// Plot implements [plot.Plotter].
func (p liftPanel) Plot(c draw.Canvas, pl *plot.Plot) {
	toX, toY := pl.Transforms(&c)
	line := func(width vg.Length, ink color.Color, x0, y0, x1, y1 vg.Length, dashes ...vg.Length) {
		c.StrokeLine2(draw.LineStyle{Color: ink, Width: width, Dashes: dashes}, x0, y0, x1, y1)
	}
	zero := toX(0)
	line(0.8, color.Gray{Y: 0x99}, zero, c.Min.Y, zero, c.Max.Y, 3, 2)
	for i, row := range p.rows {
		y, ink := toY(p.y(i)), row.outcome.ink()
		if finite(row.margin) {
			x := toX(row.margin)
			line(1.4, color.RGBA{R: 0x60, G: 0x60, B: 0x60, A: 0xff}, x, y-6.5, x, y+6.5)
		}
		if finite(row.lo) && finite(row.hi) {
			line(1.4, ink, toX(row.lo), y, toX(row.hi), y)
			line(1.4, ink, toX(row.lo), y-3, toX(row.lo), y+3)
			line(1.4, ink, toX(row.hi), y-3, toX(row.hi), y+3)
		}
		at := vg.Point{X: toX(row.lift), Y: y}
		glyph := draw.GlyphStyle{Color: ink, Radius: 3.6, Shape: row.outcome.glyph()}
		if row.outcome == Inconclusive { // a ring: clear the bar that runs through it
			c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: 3.6, Shape: draw.CircleGlyph{}}, at)
		}
		c.DrawGlyph(glyph, at)
		words := style(9.5, row.outcome == Breach)
		words.Color, words.YAlign = ink, draw.YCenter
		c.FillText(words, vg.Point{X: c.Max.X + 12, Y: y}, row.text)
	}
}

// ink is an outcome's colour, told apart also without colours by its shape.
func (o Outcome) ink() color.Color {
	switch o {
	case Pass:
		return color.RGBA{R: 0x1a, G: 0x7f, B: 0x37, A: 0xff}
	case Breach:
		return color.RGBA{R: 0xc6, G: 0x28, B: 0x28, A: 0xff}
	case Inconclusive:
		return color.RGBA{R: 0x9a, G: 0x62, B: 0x00, A: 0xff}
	}
	return color.RGBA{R: 0x55, G: 0x55, B: 0x55, A: 0xff}
}

func (o Outcome) glyph() draw.GlyphDrawer {
	switch o {
	case Pass:
		return draw.CircleGlyph{}
	case Breach:
		return draw.BoxGlyph{}
	case Inconclusive:
		return draw.RingGlyph{}
	}
	return draw.CrossGlyph{}
}

func sans(size vg.Length, bold bool) font.Font {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = 2 // x/image's WeightBold is 2 above normal
	}
	return f
}

func style(size vg.Length, bold bool) plottext.Style {
	return plottext.Style{Color: color.Black, Font: sans(size, bold), Handler: plottext.Plain{Fonts: font.DefaultCache}}
}
