package spice

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Plot is one analysis of a raw file.
type Plot struct {
	Title     string     `json:"title"`
	Name      string     `json:"name"` // "AC Analysis", "Operating Point", "Transient Analysis"
	Complex   bool       `json:"complex"`
	Points    int        `json:"points"`
	Variables []Variable `json:"variables"`

	// Values has Points × len(Variables) numbers, point after point. The
	// imaginary part is 0 where Complex is not set.
	Values []complex128 `json:"-"`
}

// Variable is one vector of a plot.
type Variable struct {
	Name string `json:"name"` // "v(out)", "frequency", "i(vlb_1)"
	Kind string `json:"kind"` // "voltage", "frequency", "time", "current"
}

// Bounds of a raw file's header.
const (
	maxHeaderLine = 4096
	maxVariables  = 1 << 16
	maxPlots      = 1 << 10
)

// ParseRaw reads a raw file as `ngspice -r` writes it: for each plot a text
// header, then little-endian float64 numbers, two for each value of a complex
// plot. A plot without points is returned as such; a block that is shorter
// than its header says is an error, and so is the ASCII form. The data is
// foreign: lengths are checked before anything is allocated.
//
// Source: ngspice manual, "Nutmeg raw file format"; measured with ngspice 39.
func ParseRaw(data []byte) ([]Plot, error) {
	var plots []Plot
	for len(data) > 0 {
		if len(plots) == maxPlots {
			return nil, fmt.Errorf("raw file: more than %d plots", maxPlots)
		}
		p, rest, err := parsePlot(data)
		if err != nil {
			return nil, fmt.Errorf("raw file: plot %d: %w", len(plots)+1, err)
		}
		plots = append(plots, p)
		data = rest
	}
	return plots, nil
}

func parsePlot(data []byte) (Plot, []byte, error) {
	var p Plot
	variables := -1
	p.Points = -1
	next := func() (string, error) {
		i := bytes.IndexByte(data[:min(len(data), maxHeaderLine)], '\n')
		if i < 0 {
			return "", errors.New("header ends early")
		}
		line := string(data[:i])
		data = data[i+1:]
		return line, nil
	}
	count := func(value, what string, most int) (int, error) {
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > most {
			return 0, fmt.Errorf("%s: %q, want 0 to %d", what, printable(value, 40), most)
		}
		return n, nil
	}
	for {
		line, err := next()
		if err != nil {
			return p, nil, err
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return p, nil, fmt.Errorf("header line %q: want key: value", printable(line, 60))
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(key) {
		case "title":
			p.Title = value
		case "plotname":
			p.Name = value
		case "flags":
			for _, flag := range strings.Fields(strings.ToLower(value)) {
				p.Complex = p.Complex || flag == "complex"
			}
		case "no. variables":
			if variables, err = count(value, "No. Variables", maxVariables); err != nil {
				return p, nil, err
			}
		case "no. points":
			if p.Points, err = count(value, "No. Points", math.MaxInt32); err != nil {
				return p, nil, err
			}
		case "variables":
			if variables < 0 {
				return p, nil, errors.New("variables before their number")
			}
			for i := range variables {
				line, err := next()
				if err != nil {
					return p, nil, err
				}
				f := strings.Fields(line)
				if len(f) < 3 || f[0] != strconv.Itoa(i) {
					return p, nil, fmt.Errorf("variable %d: line %q: want number, name, kind", i, printable(line, 60))
				}
				p.Variables = append(p.Variables, Variable{strings.ToLower(f[1]), strings.ToLower(f[2])})
			}
		case "values":
			return p, nil, errors.New("ASCII form, want binary")
		case "binary":
			if variables < 0 || p.Points < 0 || len(p.Variables) != variables {
				return p, nil, errors.New("binary block before the number of points and the variables")
			}
			rest, err := p.read(data)
			return p, rest, err
		}
	}
}

// read takes the block of values from data and returns the rest.
func (p *Plot) read(data []byte) ([]byte, error) {
	size := int64(8)
	if p.Complex {
		size = 16
	}
	n := int64(p.Points) * int64(len(p.Variables)) // at most 2^31 · 2^16
	if n > int64(len(data))/size {
		return nil, fmt.Errorf("%d bytes of values, want %d points of %d variables, %d bytes each", len(data), p.Points, len(p.Variables), size)
	}
	p.Values = make([]complex128, n)
	for i := range p.Values {
		b := data[int64(i)*size:]
		re, im := math.Float64frombits(binary.LittleEndian.Uint64(b)), 0.0
		// The scale of a complex plot, frequency, is real: its imaginary part is
		// memory that ngspice never wrote, now and then the bits of a NaN.
		if p.Complex && i%len(p.Variables) > 0 {
			im = math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))
		}
		p.Values[i] = complex(re, im)
	}
	return data[n*size:], nil
}

// Vector returns the values of the variable called name, one for each point.
func (p *Plot) Vector(name string) ([]complex128, bool) {
	for i, v := range p.Variables {
		if v.Name != name {
			continue
		}
		out := make([]complex128, p.Points)
		for k := range out {
			out[k] = p.Values[k*len(p.Variables)+i]
		}
		return out, true
	}
	return nil, false
}

// notFinite returns the name of the first variable with a value that is not
// finite, or "".
func (p *Plot) notFinite() string {
	for i, v := range p.Values {
		if re, im := real(v), imag(v); math.IsNaN(re-re) || math.IsNaN(im-im) { // Inf-Inf is NaN too
			return p.Variables[i%len(p.Variables)].Name
		}
	}
	return ""
}
