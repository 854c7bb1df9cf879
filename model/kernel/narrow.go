package kernel

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// narrow is the form of a matrix that is multiplied with rows of fewer bits than
// float32: what its panels hold, and what a row must be before the product.
type narrow interface {
	rows() rowForm
	// mul multiplies prepared rows by the columns [n0, n1), as Matrix.Mul.
	mul(k narrowKernels, m *Matrix, y []float32, ldy int, rows []byte, M, n0, n1 int, s *Scratch)
	// row writes the values of a row of a panel.
	row(panel []byte, lane int, dst []float32)
}

// rowForm is what rows are made into.
type rowForm struct {
	kind         int
	zero, halves int // of rowsInt8; see int8.go
}

const (
	_ = iota // none
	rowsInt8
	rowsBF16
)

// bytes is the size of a prepared row of cols values: an odd number of cache
// lines, so that rows side by side do not fall into the same sets of the cache.
func (f rowForm) bytes(cols int) int {
	n := (cols + 1) / 2 * 4
	if f.kind == rowsInt8 {
		n = cols / blockCols * rowBlock8
	}
	return n&^127 + 192
}

func (f rowForm) prepare(k narrowKernels, x []float32, to []byte) {
	if f.kind == rowsInt8 {
		k.quantize8(x, f.zero, f.halves, to)
	} else {
		k.round16(x, to)
	}
}

// narrowKernels is what C and the Go reference both have for narrow forms.
type narrowKernels interface {
	quantize8(x []float32, zero, halves int, to []byte)
	mul8(m *Matrix, p *int8Panels, y []float32, ldy int, rows []byte, M, n0, n1 int, s *Scratch)
	round16(x []float32, to []byte)
	mul16(m *Matrix, y []float32, ldy int, rows []byte, M, n0, n1 int)
}

// narrowChunk is the number of rows that Matrix.Mul prepares at a time.
const narrowChunk = 64

// mulNarrow is Mul of a narrow matrix.
func (m *Matrix) mulNarrow(k narrowKernels, y []float32, ldy int, x []float32, ldx, M, n0, n1 int, s *Scratch) {
	form := m.narrow.rows()
	size := form.bytes(m.cols)
	for i := 0; i < M; i += narrowChunk {
		n := min(narrowChunk, M-i)
		rows := s.prepared(n * size)
		for j := range n {
			form.prepare(k, x[(i+j)*ldx:][:m.cols], rows[j*size:][:size])
		}
		m.narrow.mul(k, m, y[i*ldy:], ldy, rows, n, n0, n1, s)
	}
}

// Rows are rows of activations in all the forms in which matrices multiply them,
// each made once for all columns of all these matrices. The zero value is ready;
// it keeps its memory from one Prepare to the next.
type Rows struct {
	x             []float32
	ldx, cols, n  int
	ready         []readyRows // of the forms in use
	pool          *Pool
	parts         int
	prepareShares func(worker, i int) // made once
}

type readyRows struct {
	form rowForm
	preparedRows
}

// prepareWork is the number of values below which preparing is not shared out.
const prepareWork = 1 << 14

// Prepare makes n rows of x ready for products with matrices, which have the same
// number of columns. x must stay as it is until the last of them.
func (r *Rows) Prepare(pool *Pool, x []float32, ldx, n int, matrices func(yield func(*Matrix) bool)) {
	r.x, r.ldx, r.n, r.pool = x, ldx, n, pool
	used := 0
	for m := range matrices {
		if m.narrow == nil {
			continue
		}
		form := m.narrow.rows()
		r.cols = m.cols
		if slices.ContainsFunc(r.ready[:used], func(f readyRows) bool { return f.form == form }) {
			continue
		}
		if used == len(r.ready) {
			r.ready = append(r.ready, readyRows{})
		}
		r.ready[used].form = form
		r.ready[used].prepared(n * form.bytes(m.cols))
		used++
	}
	for i := used; i < len(r.ready); i++ {
		r.ready[i].form = rowForm{}
	}
	if used == 0 || n == 0 {
		return
	}
	if r.prepareShares == nil {
		r.prepareShares = r.share
	}
	r.parts = max(1, min(4*pool.threads, n, n*r.cols/prepareWork))
	pool.Run(r.parts, r.prepareShares)
}

// share prepares a part of the rows.
func (r *Rows) share(_, i int) {
	for f := range r.ready {
		form := r.ready[f].form
		if form == (rowForm{}) {
			continue
		}
		size := form.bytes(r.cols)
		for row := i * r.n / r.parts; row < (i+1)*r.n/r.parts; row++ {
			form.prepare(native{}, r.x[row*r.ldx:][:r.cols], r.ready[f].b[row*size:][:size])
		}
	}
}

// MulRows is Mul of M of the rows, from row first on.
func (m *Matrix) MulRows(y []float32, ldy int, r *Rows, first, M, n0, n1 int, s *Scratch) {
	x := r.x[first*r.ldx:]
	if m.narrow != nil && M > 0 {
		form := m.narrow.rows()
		for f := range r.ready {
			if r.ready[f].form == form {
				m.check(y, ldy, x, r.ldx, M, n0, n1)
				size := form.bytes(m.cols)
				m.narrow.mul(native{}, m, y, ldy, r.ready[f].b[first*size:][:M*size], M, n0, n1, s)
				return
			}
		}
	}
	m.Mul(y, ldy, x, r.ldx, M, n0, n1, s)
}

// preparedRows is memory for rows.
type preparedRows struct{ b []byte }

// prepared returns n bytes, of undefined value, aligned to a cache line.
func (r *preparedRows) prepared(n int) []byte {
	if len(r.b) < n {
		r.b = alignedBytes(n)
	}
	return r.b[:n]
}

// words is b as integers of 32 bits; b is aligned to them.
func words(b []byte) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// checkPack checks what Pack takes and returns the length of a row in bytes.
func checkPack(f Format, rows, cols int, src []byte, rowPerm func(int) int) (rowBytes int, err error) {
	rowBytes, err = f.RowBytes(cols)
	switch {
	case err != nil:
		return 0, err
	case rows < 0 || rows > math.MaxInt32:
		return 0, fmt.Errorf("matrix of %d rows: want 0 to %d", rows, math.MaxInt32)
	case rowBytes != 0 && rows > len(src)/rowBytes || len(src) != rows*rowBytes:
		return 0, fmt.Errorf("matrix [%d %d] in %s: %d bytes, want %d rows of %d", rows, cols, f, len(src), rows, rowBytes)
	}
	for r := range rows {
		if from := permuted(rowPerm, r); from < 0 || from >= rows {
			return 0, fmt.Errorf("matrix [%d %d]: row %d is taken from row %d", rows, cols, r, from)
		}
	}
	return rowBytes, nil
}

func permuted(perm func(int) int, r int) int {
	if perm == nil {
		return r
	}
	return perm(r)
}
