package kicaddsl

import (
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/generated"
)

// mutant is a wrong answer, as a text without its block of code.
type mutant struct{ name, text string }

// mutants are answers with one thing wrong, each in the reference's format.
func mutants(r *generated.Rand, q *request, s symbol, format string) []mutant {
	st := style{library: true}
	var out []mutant
	change := func(name string, f func(m *symbol) bool) {
		m := s.clone()
		if f(&m) {
			out = append(out, mutant{name, write(m, format, st)})
		}
	}
	any := r.IntN(len(s.pins))
	change("two pin numbers swapped", func(m *symbol) bool {
		for i := range m.pins {
			a, b := &m.pins[any], &m.pins[(any+i)%len(m.pins)]
			if a.name != b.name {
				a.number, b.number = b.number, a.number
				return true
			}
		}
		return false
	})
	change("two pin names swapped", func(m *symbol) bool {
		for i := range m.pins {
			a, b := &m.pins[any], &m.pins[(any+i)%len(m.pins)]
			if a.name != b.name {
				a.name, b.name = b.name, a.name
				return true
			}
		}
		return false
	})
	change("wrong electrical type", func(m *symbol) bool {
		p := &m.pins[any]
		p.kind = map[string]string{
			"input": "output", "output": "input", "power_in": "power_out", "power_out": "power_in", "passive": "bidirectional",
			"bidirectional": "passive", "tri_state": "output", "open_collector": "output", "open_emitter": "open_collector", "no_connect": "passive",
		}[p.kind]
		return true
	})
	change("all pins passive", func(m *symbol) bool {
		changed := false
		for i := range m.pins {
			changed = changed || m.pins[i].kind != "passive"
			m.pins[i].kind = "passive"
		}
		return changed
	})
	change("a pin is missing", func(m *symbol) bool {
		m.pins = slices.Delete(m.pins, any, any+1)
		return true
	})
	change("a pin too many", func(m *symbol) bool {
		p := m.pins[any]
		p.number, p.name = "99", "TEST"
		m.pins = append(m.pins, p)
		return true
	})
	change("a pin is there twice", func(m *symbol) bool {
		m.pins = append(m.pins, m.pins[any])
		return true
	})
	change("wrong pin name", func(m *symbol) bool {
		m.pins[any].name += "X"
		return true
	})
	change("wrong pin number", func(m *symbol) bool {
		m.pins[any].number += "1"
		return true
	})
	change("a pin off the grid", func(m *symbol) bool {
		p := &m.pins[any]
		if p.side == left || p.side == right {
			p.y += 25 * mil
		} else {
			p.x += 25 * mil
		}
		return true
	})
	change("a pin on the other side", func(m *symbol) bool {
		p := &m.pins[any]
		p.side = map[string]string{left: right, right: left, top: bottom, bottom: top}[p.side]
		p.x, p.y = -p.x, -p.y
		return true
	})
	change("a pin points away from the body", func(m *symbol) bool {
		p := &m.pins[any]
		p.side = map[string]string{left: right, right: left, top: bottom, bottom: top}[p.side]
		return true
	})
	change("upside down", func(m *symbol) bool { return mirrored(q, m) })
	change("wrong reference prefix", func(m *symbol) bool {
		m.reference = map[bool]string{true: "R", false: "U"}[m.reference == "U"]
		return true
	})
	change("wrong value", func(m *symbol) bool {
		m.value = "VALUE"
		return true
	})
	change("wrong name", func(m *symbol) bool {
		m.name = "PART"
		return true
	})
	change("no body", func(m *symbol) bool {
		m.shapes = nil
		return true
	})
	if q.body == rectangle {
		change("a body that is too small", func(m *symbol) bool {
			for i := range m.shapes {
				points := m.shapes[i].points
				points[0][0], points[1][0] = points[0][0]+50*mil, points[1][0]-50*mil
				points[0][1], points[1][1] = points[0][1]-50*mil, points[1][1]+50*mil
			}
			return true
		})
	}
	change("a pin too long", func(m *symbol) bool {
		p := &m.pins[any]
		p.length += 50 * mil
		return true
	})
	change("a pin hidden", func(m *symbol) bool {
		p := &m.pins[any]
		p.hidden = !p.hidden
		return true
	})
	if s.units > 1 {
		change("a pin in another unit", func(m *symbol) bool {
			p := &m.pins[any]
			p.unit = p.unit%s.units + 1
			return true
		})
		change("all pins in one unit", func(m *symbol) bool {
			for i := range m.pins {
				m.pins[i].unit = 1
			}
			m.units = 1
			return true
		})
	}
	change("two pins at one place", func(m *symbol) bool {
		for i := range m.pins {
			a, b := &m.pins[any], m.pins[i]
			if i != any && a.unit == b.unit && a.side == b.side {
				a.x, a.y = b.x, b.y
				return true
			}
		}
		return false
	})
	if q.layout != "sides" {
		change("two neighbours have changed places", func(m *symbol) bool {
			for i := range m.pins {
				a, b := &m.pins[any], &m.pins[i]
				if i != any && a.unit == b.unit && a.side == b.side {
					a.x, a.y, b.x, b.y = b.x, b.y, a.x, a.y
					return true
				}
			}
			return false
		})
	}
	change("a graphic style that was asked for is missing", func(m *symbol) bool {
		changed := false
		for i := range m.pins {
			changed = changed || m.pins[i].shape != ""
			m.pins[i].shape = ""
		}
		return changed
	})
	if q.footprint != "" {
		change("wrong footprint", func(m *symbol) bool {
			m.footprint = ""
			return true
		})
	}
	change("coordinates in the other format's unit", func(m *symbol) bool {
		scale := func(v int) int { return v * 254 / 10_000 } // mm written for mils
		if format == "current" {
			scale = func(v int) int { return v / mil * mm } // mils written for mm
		}
		for i := range m.pins {
			p := &m.pins[i]
			p.x, p.y, p.length = scale(p.x), scale(p.y), scale(p.length)
		}
		for i := range m.shapes {
			for k := range m.shapes[i].points {
				m.shapes[i].points[k] = [2]int{scale(m.shapes[i].points[k][0]), scale(m.shapes[i].points[k][1])}
			}
		}
		return true
	})
	if q.format != "any" {
		other := map[string]string{"current": "legacy", "legacy": "current"}[format]
		out = append(out, mutant{"the other format", write(s, other, st)})
	}
	text := write(s, format, st)
	second := text + write(s, format, style{})
	if format == "current" {
		inner := strings.ReplaceAll(write(s, format, style{}), s.name, "SECOND")
		second = strings.TrimSuffix(text, ")\n") + inner + ")\n"
		out = append(out, mutant{"the last parenthesis is missing", strings.TrimSuffix(text, ")\n")})
	}
	out = append(out,
		mutant{"cut off", text[:len(text)*r.Between(30, 90)/100]},
		mutant{"two symbols", second},
		mutant{"an electrical type that there is not", strings.Replace(text, wordOf(s.pins[any], format), wrongWordOf(s.pins[any], format), 1)},
		mutant{"prose", "The symbol has these pins: " + s.pins[0].name + " and the others of the list."},
	)
	return out
}

// mirrored turns a symbol upside down, and reports whether that is wrong by the
// prompt: pins above and below, an order from top to bottom, or places.
func mirrored(q *request, m *symbol) bool {
	wrong := false
	rows := map[[2]any]int{}
	for i := range m.pins {
		p := &m.pins[i]
		switch p.side {
		case top, bottom:
			wrong = true
			p.side = map[string]string{top: bottom, bottom: top}[p.side]
		default:
			rows[[2]any{p.unit, p.side}]++
			wrong = wrong || q.layout == "ordered" && rows[[2]any{p.unit, p.side}] > 1
		}
		wrong = wrong || q.layout == "placed" && p.y != 0
		p.y = -p.y
	}
	for i := range m.shapes {
		for k := range m.shapes[i].points {
			m.shapes[i].points[k][1] *= -1
		}
	}
	return wrong
}

func wordOf(p pin, format string) string {
	if format == "legacy" {
		return p.legacy()
	}
	return "(pin " + p.kind + " "
}

func wrongWordOf(p pin, format string) string {
	if format == "legacy" {
		line := p.legacy()
		return strings.Replace(line, " 1 "+letters[p.kind], " 1 X", 1)
	}
	return "(pin " + strings.ToUpper(p.kind) + " "
}
