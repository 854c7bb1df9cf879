package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// panelRows is the number of weight rows (output columns) in a panel.
const panelRows = 16

// Matrix is a weight matrix [rows = out, cols = in], repacked into panels of 16
// rows whose elements are interleaved, in the storage format of its source. A
// Matrix is immutable and may be used by any number of goroutines.
//
// A panel is, for each k ascending, the 16 elements of column k: float32,
// float16 or int8. What is smaller than 32 bits and can be taken out of a word by
// a shift is words [][16] instead, each of consecutive columns of one row, the
// first in the lowest bits: pairs of bfloat16 (0 behind the last of an odd
// number), 8 codes of 4 bits. Blocks of 32 columns of the quantised formats begin
// with 16 float16 scales d (then 16 float16 m for Q4_1). Panels of codes are
// described in groups.go. Rows beyond the last are zero.
type Matrix struct {
	format     Format
	rows, cols int
	panelSize  int // bytes of a panel
	data       []byte

	// Of a matrix of codes.
	groups       Groups
	head         int // bytes of a panel before its codes
	shift        int // log2 of groups.Columns
	bias, nested int // 1 where groups has them
	values       [16]float32

	narrow narrow // nil where rows are float32
}

// Rows is the number of outputs.
func (m *Matrix) Rows() int { return m.rows }

// Cols is the number of inputs.
func (m *Matrix) Cols() int { return m.cols }

// Format is the storage format.
func (m *Matrix) Format() Format { return m.format }

// Bytes is the memory that the panels occupy.
func (m *Matrix) Bytes() int64 { return int64(len(m.data)) }

// PackedBytes is the memory that Pack will occupy for a matrix.
func PackedBytes(f Format, rows, cols int) (int64, error) {
	if rows < 0 || rows > math.MaxInt32 {
		return 0, fmt.Errorf("matrix of %d rows: want 0 to %d", rows, math.MaxInt32)
	}
	rowBytes, err := f.RowBytes(cols)
	if f == BF16 {
		rowBytes += cols % 2 * 2
	}
	return (int64(rows) + panelRows - 1) / panelRows * panelRows * int64(rowBytes), err
}

// Pack repacks a row-major matrix in native layout (little endian). rowPerm, if
// not nil, gives the source row of each row of the result, as for the permuted
// query and key rows of some GGUF files. src is not kept.
func Pack(f Format, rows, cols int, src []byte, rowPerm func(int) int) (*Matrix, error) {
	rowBytes, err := f.RowBytes(cols)
	if err != nil {
		return nil, err
	}
	if rows < 0 || rows > math.MaxInt32 {
		return nil, fmt.Errorf("matrix of %d rows: want 0 to %d", rows, math.MaxInt32)
	}
	if rowBytes != 0 && rows > len(src)/rowBytes || len(src) != rows*rowBytes {
		return nil, fmt.Errorf("matrix [%d %d] in %s: %d bytes, want %d rows of %d", rows, cols, f, len(src), rows, rowBytes)
	}
	m := newMatrix(f, rows, cols)
	for r := range rows {
		from := r
		if rowPerm != nil {
			from = rowPerm(r)
			if from < 0 || from >= rows {
				return nil, fmt.Errorf("matrix [%d %d]: row %d is taken from row %d", rows, cols, r, from)
			}
		}
		m.packRow(r, src[from*rowBytes:][:rowBytes])
	}
	return m, nil
}

// PackF32 packs a row-major float32 matrix, such as A [r, in] or B [out, r] of
// an adapter. It panics where len(src) is not rows·cols.
func PackF32(rows, cols int, src []float32) *Matrix {
	if rows < 0 || cols < 0 || len(src) != rows*cols {
		panic(fmt.Sprintf("kernel: pack [%d %d]: %d values", rows, cols, len(src)))
	}
	m := newMatrix(F32, rows, cols)
	for r := range rows {
		at := r/panelRows*m.panelSize + r%panelRows*4
		for _, v := range src[r*cols:][:cols] {
			binary.LittleEndian.PutUint32(m.data[at:], math.Float32bits(v))
			at += panelRows * 4
		}
	}
	return m
}

func newMatrix(f Format, rows, cols int) *Matrix {
	m := &Matrix{format: f, rows: rows, cols: cols}
	switch f {
	case F32:
		m.panelSize = cols * panelRows * 4
	case F16:
		m.panelSize = cols * panelRows * 2
	case BF16:
		m.panelSize = (cols + 1) / 2 * panelRows * 4
	default:
		m.panelSize = cols / blockCols * panelRows * f.blockBytes()
	}
	m.data = alignedBytes(m.panels() * m.panelSize)
	return m
}

// panels is the number of panels, the last perhaps partly zero.
func (m *Matrix) panels() int { return (m.rows + panelRows - 1) / panelRows }

// packRow spreads one native row over its panel.
func (m *Matrix) packRow(r int, row []byte) {
	panel, lane := m.data[r/panelRows*m.panelSize:][:m.panelSize], r%panelRows
	switch m.format {
	case F32:
		for k := range m.cols {
			copy(panel[(k*panelRows+lane)*4:][:4], row[4*k:])
		}
		return
	case F16:
		at := lane * 2
		for k := range m.cols {
			panel[at], panel[at+1] = row[2*k], row[2*k+1]
			at += panelRows * 2
		}
		return
	case BF16:
		for at := lane * 4; len(row) > 0; at += panelRows * 4 {
			row = row[copy(panel[at:][:4], row):]
		}
		return
	}
	size := m.format.blockBytes()
	for b := range m.cols / blockCols {
		to, from := panel[b*size*panelRows:][:size*panelRows], row[b*size:][:size]
		copy(to[2*lane:][:2], from) // d
		codes, to := from[2:], to[2*panelRows:]
		switch m.format {
		case Q8_0:
			for k, q := range codes {
				to[k*panelRows+lane] = q
			}
			continue
		case Q4_1:
			copy(to[2*lane:][:2], codes) // m
			codes, to = codes[2:], to[2*panelRows:]
		}
		for i := range 2 {
			a := binary.LittleEndian.Uint64(codes[8*i:])
			binary.LittleEndian.PutUint32(to[(i*panelRows+lane)*4:], nibbles(a))
			binary.LittleEndian.PutUint32(to[((2+i)*panelRows+lane)*4:], nibbles(a>>4))
		}
	}
}

// nibbles puts the low halves of 8 bytes together.
func nibbles(b uint64) uint32 {
	b &= 0x0f0f0f0f0f0f0f0f
	b = (b | b>>4) & 0x00ff00ff00ff00ff
	b = (b | b>>8) & 0x0000ffff0000ffff
	return uint32(b | b>>16)
}

// nibble is column k of a row in a lane of words of 8 codes of 4 bits.
func nibble(words []byte, lane, k int) byte {
	return words[(k/8*panelRows+lane)*4+k%8/2] >> (k % 2 * 4) & 15
}

// bf16At is where column k of a row in a lane lies in a panel of bfloat16.
func bf16At(lane, k int) int { return (k/2*panelRows+lane)*4 + k%2*2 }

// Row writes the values of row r to dst, as an embedding lookup does. It panics
// where len(dst) is not Cols.
func (m *Matrix) Row(r int, dst []float32) {
	if r < 0 || r >= m.rows || len(dst) != m.cols {
		panic(fmt.Sprintf("kernel: row %d of [%d %d] to %d values", r, m.rows, m.cols, len(dst)))
	}
	panel, lane := m.data[r/panelRows*m.panelSize:][:m.panelSize], r%panelRows
	if m.narrow != nil {
		m.narrow.row(panel, lane, dst)
		return
	}
	switch m.format {
	case F32:
		for k := range dst {
			dst[k] = math.Float32frombits(binary.LittleEndian.Uint32(panel[(k*panelRows+lane)*4:]))
		}
		return
	case F16:
		for k := range dst {
			dst[k] = F16ToF32(binary.LittleEndian.Uint16(panel[(k*panelRows+lane)*2:]))
		}
		return
	case BF16:
		for k := range dst {
			dst[k] = BF16ToF32(binary.LittleEndian.Uint16(panel[bf16At(lane, k):]))
		}
		return
	}
	if m.format >= Codes2 {
		m.groupValues(panel, lane, 0, dst, 1)
		return
	}
	size := m.format.blockBytes() * panelRows
	for at := 0; at < m.cols; at += blockCols {
		b, out := panel[at/blockCols*size:][:size], dst[at:at+blockCols]
		d := F16ToF32(binary.LittleEndian.Uint16(b[2*lane:]))
		codes := b[2*panelRows:]
		switch m.format {
		case Q8_0:
			for k := range out {
				out[k] = d * float32(int8(codes[k*panelRows+lane]))
			}
		case Q4_0:
			for k := range out {
				out[k] = d * float32(int(nibble(codes, lane, k))-8)
			}
		case Q4_1:
			add := F16ToF32(binary.LittleEndian.Uint16(codes[2*lane:]))
			codes = codes[2*panelRows:]
			for k := range out {
				out[k] = float32(d*float32(nibble(codes, lane, k))) + add
			}
		}
	}
}

// Mul multiplies M rows of activations by the weight rows [n0, n1):
//
//	y[i·ldy + n] = Σ_k x[i·ldx + k] · w[n, k]
//
// with acc = fma(x, w, acc), k ascending, acc starting at +0, and w widened to
// float32 first. Where weights are codes with a scale, such a sum is made of the
// codes of each piece, the columns that share a scale, and acc = fma(scale, sum,
// acc), pieces ascending; then, if they share a bias, acc = fma(bias, Σx, acc),
// with the sum of x in these columns: 16 partial sums of every 16th, and a fixed
// tree. n0 is a multiple of 16, n1 likewise or Rows. Elements of y
// outside these columns are left alone. y must not overlap x. One Scratch
// serves one goroutine. It panics on shapes that do not fit.
func (m *Matrix) Mul(y []float32, ldy int, x []float32, ldx, M, n0, n1 int, s *Scratch) {
	m.check(y, ldy, x, ldx, M, n0, n1)
	if M == 0 || n0 == n1 {
		return
	}
	if m.narrow != nil {
		m.mulNarrow(native{}, y, ldy, x, ldx, M, n0, n1, s)
		return
	}
	native{}.mul(m, y, ldy, x, ldx, M, n0, n1, s)
}

// pieceColumns is the number of columns that share a scale.
func (m *Matrix) pieceColumns() int {
	if m.format >= Codes2 {
		return m.groups.Columns
	}
	return blockCols
}

// pieces is the number of scales of a row.
func (m *Matrix) pieces() int {
	if m.format <= BF16 {
		return 0
	}
	return (m.cols + m.pieceColumns() - 1) / m.pieceColumns()
}

func (m *Matrix) hasBias() bool { return m.format == Q4_1 || m.format >= Codes2 && m.groups.Bias }

// pieceScale gives scale and bias of the piece of column k of one row of a panel.
func (m *Matrix) pieceScale(panel []byte, lane, k int) (scale, bias float32) {
	if m.format >= Codes2 {
		return m.groupScale(panel, lane, k)
	}
	b := panel[k/blockCols*m.format.blockBytes()*panelRows:]
	scale = F16ToF32(binary.LittleEndian.Uint16(b[2*lane:]))
	if m.format == Q4_1 {
		bias = F16ToF32(binary.LittleEndian.Uint16(b[2*panelRows+2*lane:]))
	}
	return scale, bias
}

// Outputs is the matrix of the weight rows [n0, n1), which shares the panels of m.
// n0 and n1 are as of Mul.
func (m *Matrix) Outputs(n0, n1 int) Matrix {
	if n0 < 0 || n0%panelRows != 0 || n1 < n0 || n1 > m.rows || n1 != m.rows && n1%panelRows != 0 {
		panic(fmt.Sprintf("kernel: outputs %d to %d of %d", n0, n1, m.rows))
	}
	part := *m
	part.rows = n1 - n0
	first := n0 / panelRows
	part.data = m.data[first*m.panelSize:][:part.panels()*m.panelSize]
	return part
}

func (m *Matrix) check(y []float32, ldy int, x []float32, ldx, M, n0, n1 int) {
	if n0 < 0 || n0%panelRows != 0 || n1 < n0 || n1 > m.rows || n1 != m.rows && n1%panelRows != 0 {
		panic(fmt.Sprintf("kernel: multiply columns %d to %d of %d", n0, n1, m.rows))
	}
	if M < 0 || ldx < m.cols || ldy < n1 || M > 0 && (len(x) < (M-1)*ldx+m.cols || len(y) < (M-1)*ldy+n1) {
		panic(fmt.Sprintf("kernel: multiply %d rows by [%d %d]: x has %d values, %d a row; y has %d, %d a row",
			M, m.rows, m.cols, len(x), ldx, len(y), ldy))
	}
}

// floats returns n floats, of undefined value, aligned to a cache line.
func (s *Scratch) floats(n int) []float32 {
	if len(s.f) < n {
		b := alignedBytes(4 * n)
		s.f = unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n)
	}
	return s.f[:n]
}

// alignedBytes allocates n zero bytes that start at a cache line, in large pages
// where there are.
func alignedBytes(n int) []byte {
	b := make([]byte, n+64)
	if n >= 1<<16 {
		adviseHuge(b)
	}
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & 63
	return b[skip : skip+n : skip+n]
}
