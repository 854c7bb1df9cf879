package main

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/ailiance/lorabench/model/benchmark"
)

// Sizes of the picture of growth: panels in two columns.
const (
	panelWidth  = 340
	panelHeight = 250
	panelGap    = 12
)

// inks are the colours of the curves of a panel, told apart by shape too.
var inks = []color.Color{color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}, color.RGBA{R: 0xb8, G: 0x4a, B: 0x1f, A: 0xff}, color.RGBA{R: 0x2f, G: 0x7d, B: 0x4f, A: 0xff}}

var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.TriangleGlyph{}}

// drawGrowth draws a panel an axis, both scales logarithmic.
func drawGrowth(w io.Writer, d *growthDocument) error {
	var axes []string
	panels := map[string]*plot.Plot{}
	count := map[string]int{}
	for _, c := range d.Curves {
		if panels[c.Axis] == nil {
			axes = append(axes, c.Axis)
			panels[c.Axis] = newPanel(c)
		}
		if err := addCurve(panels[c.Axis], c, count[c.Axis]); err != nil {
			return err
		}
		count[c.Axis]++
	}
	rows := (len(axes) + 1) / 2
	canvas := vgsvg.New(2*panelWidth, vg.Length(max(rows, 1)*panelHeight))
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	for i, axis := range axes {
		at := whole
		at.Min.X = vg.Length(i%2*panelWidth + panelGap)
		at.Max.X = vg.Length((i%2+1)*panelWidth - panelGap)
		at.Max.Y = vg.Length((rows-i/2)*panelHeight - panelGap)
		at.Min.Y = vg.Length((rows-i/2-1)*panelHeight + panelGap)
		widen(panels[axis])
		panels[axis].Draw(at)
	}
	var picture bytes.Buffer
	if _, err := canvas.WriteTo(&picture); err != nil {
		return fmt.Errorf("draw growth as SVG: %w", err)
	}
	// Few machines have the font that widths are taken from; its kin are as wide.
	text := bytes.ReplaceAll(picture.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	_, err := w.Write(text)
	return err
}

// widen leaves room for the legend above the curves, and shows at least a decade.
func widen(p *plot.Plot) {
	if p.Y.Max < p.Y.Min { // no curve
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 1, 10, 1, 10
		return
	}
	if p.X.Min == p.X.Max { // one point: gonum would begin at zero, which has no logarithm
		p.X.Min, p.X.Max = p.X.Min/2, p.X.Max*2
	}
	span := max(p.Y.Max/p.Y.Min, 4)
	p.Y.Max, p.Y.Min = p.Y.Max*math.Pow(span, 0.4), p.Y.Min/math.Pow(span, 0.1)
}

// newPanel is the plot of an axis.
func newPanel(c *benchmark.Curve) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = c.Axis, c.Unit
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	var ticks []plot.Tick
	for _, point := range c.Points {
		ticks = append(ticks, plot.Tick{Value: float64(point.X), Label: strconv.Itoa(point.X)})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	for _, style := range []*vg.Length{&p.X.Label.TextStyle.Font.Size, &p.Y.Label.TextStyle.Font.Size, &p.Legend.TextStyle.Font.Size} {
		*style = 9
	}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Tick.Label.Font.Size = 8
		for _, font := range []*string{(*string)(&axis.Label.TextStyle.Font.Variant), (*string)(&axis.Tick.Label.Font.Variant)} {
			*font = "Sans"
		}
	}
	p.Legend.TextStyle.Font.Variant = "Sans"
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	return p
}

// addCurve adds a line through the medians, and bars from the least to the greatest.
func addCurve(p *plot.Plot, c *benchmark.Curve, n int) error {
	var points plotter.XYs
	var bars spreads
	for _, point := range c.Points {
		if v := point.Value; v != nil {
			points = append(points, plotter.XY{X: float64(point.X), Y: v.Median})
			bars = append(bars, struct{ Low, High float64 }{v.Median - v.Min, v.Max - v.Median})
		}
	}
	if len(points) == 0 {
		return nil
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return fmt.Errorf("draw %s: %w", c.Name, err)
	}
	errorBars, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		spreads
	}{points, bars})
	if err != nil {
		return fmt.Errorf("draw %s: %w", c.Name, err)
	}
	ink := inks[n%len(inks)]
	line.Color, marks.Color, errorBars.Color = ink, ink, ink
	marks.Shape, marks.Radius = shapes[n%len(shapes)], 3
	p.Add(line, marks, errorBars)
	p.Legend.Add(c.Name, line, marks)
	return nil
}

// spreads are how far values lie below and above their median.
type spreads []struct{ Low, High float64 }

func (s spreads) YError(i int) (low, high float64) { return s[i].Low, s[i].High }
