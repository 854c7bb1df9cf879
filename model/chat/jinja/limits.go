package jinja

// Limits of one rendering. Chat templates in use stay below a hundredth of each.
const (
	maxSource    = 1 << 20   // bytes of template
	maxSteps     = 8 << 20   // nodes evaluated, items visited, comparisons made
	maxBytes     = 256 << 20 // bytes of all values ever made, with maxBytesPer for each byte of input
	maxBytesPer  = 64
	maxOutput    = 64 << 20 // bytes of text
	maxDepth     = 4000     // nested evaluations
	maxNesting   = 150      // nested blocks and brackets in the source
	maxChain     = 2000     // operators in a row, as in a + b + c; parameters; keyword arguments
	maxRange     = 100000   // numbers of one range(), as in jinja2's sandbox
	maxBits      = 1 << 16  // of one whole number
	maxDigits    = 4300     // of one whole number in text, as in Python
	maxJSONDepth = 900      // nested arrays and objects of an input
)

// meter counts what a rendering has used.
type meter struct {
	steps, maxSteps int64
	bytes, maxBytes int64
	depth           int
	line            int
}

func (m *meter) step(n int) {
	m.steps += int64(n)
	if m.steps > m.maxSteps {
		fail(LimitError, "the template takes more than %d steps", m.maxSteps)
	}
}

// alloc is called before n bytes are allocated, or soon after a few are.
func (m *meter) alloc(n int) {
	m.bytes += int64(n)
	if n < 0 || m.bytes > m.maxBytes {
		fail(LimitError, "the template makes more than %d bytes of values", m.maxBytes)
	}
	m.step(n >> 8)
}

// scan is called before a text is gone through character by character.
func (m *meter) scan(s string) { m.step(len(s) >> 4) }

// allocTimes is alloc of n times size bytes.
func (m *meter) allocTimes(n, size int) {
	if n > 0 && size > 0 && n > maxBytes/size {
		m.alloc(-1)
	}
	m.alloc(n * size)
}

// enter begins a nested evaluation, and leave ends it.
func (m *meter) enter() {
	m.step(1)
	m.depth++
	if m.depth > maxDepth {
		fail(LimitError, "evaluation nests deeper than %d", maxDepth)
	}
}

func (m *meter) leave() { m.depth-- }
