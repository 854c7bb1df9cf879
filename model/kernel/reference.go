package kernel

import (
	"encoding/binary"
	"math"
)

// This file is what other processors run, and what the tests hold the C kernels
// to, bit for bit. A product that is followed by a sum is written
// float32(x*y)+z, because the compiler may fuse x*y+z.

// reference is the plain Go form of the kernels that native has in C.
type reference struct{}

// fma32 is x·y+z rounded once. The product of two float32 is exact in float64.
// Rounding the sum to float64 and then to float32 is wrong only where the
// float64 sum lies half way between two float32; then, and where the result is
// subnormal and half ways lie elsewhere, the sum is first rounded to odd.
func fma32(x, y, z float32) float32 {
	p := float64(float64(x) * float64(y))
	c := float64(z)
	s := p + c
	bits := math.Float64bits(s)
	if bits&0x1fffffff != 0x10000000 && bits>>52&0x7ff > 1023-126 {
		return float32(s)
	}
	return fmaOdd(p, c, s)
}

func fmaOdd(p, c, s float64) float32 {
	b := s - p
	e := (p - (s - b)) + (c - b) // p+c = s+e exactly (Knuth's TwoSum)
	if bits := math.Float64bits(s); bits&1 == 0 && (e > 0 || e < 0) {
		if (e > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}

// Constants of exp32: log2(e), the shift that rounds to an integer, ln(2) in two
// parts, and the polynomial of Cephes' expf (S. L. Moshier) on ±ln(2)/2.
const (
	log2e   float32 = 1.44269504088896341
	shift32 float32 = 0x1.8p23
	ln2hi   float32 = 0.693359375
	ln2lo   float32 = -2.12194440e-4
	expLow  float32 = -104 // exp rounds to 0 from here down
	expHigh float32 = 89   // exp is +Inf from here up

	expC0 float32 = 1.9875691500e-4
	expC1 float32 = 1.3981999507e-3
	expC2 float32 = 8.3334519073e-3
	expC3 float32 = 4.1665795894e-2
	expC4 float32 = 1.6666665459e-1
	expC5 float32 = 5.0000001201e-1
)

// expReduce gives n and e with exp(x) = 2ⁿ·(1+e), n as an integer.
func expReduce(x float32) (n int32, e float32) {
	t := fma32(x, log2e, shift32)
	n = int32(math.Float32bits(t) - math.Float32bits(shift32))
	f := t - shift32
	r := fma32(f, -ln2hi, x)
	r = fma32(f, -ln2lo, r)
	q := expC0
	q = fma32(q, r, expC1)
	q = fma32(q, r, expC2)
	q = fma32(q, r, expC3)
	q = fma32(q, r, expC4)
	q = fma32(q, r, expC5)
	return n, fma32(q, r*r, r)
}

// pow2 is 2ⁿ for −126 ≤ n ≤ 127.
func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// exp32 is exp(x), within 2 units in the last place; 0 below −104, +Inf above
// 89, subnormal in between, NaN for NaN. The power of two is applied in two
// exact factors, so that only a subnormal result rounds again.
func exp32(x float32) float32 {
	if x < expLow {
		x = expLow
	}
	if x > expHigh {
		x = expHigh
	}
	n, e := expReduce(x)
	p := 1 + e
	half := n >> 1
	return float32(p * pow2(half) * pow2(n-half))
}

// Constants of exp2Low: a polynomial of degree 6 for 2ʳ on ±½ whose constant term
// is 1, fitted for its largest relative error, 3e-9, with rounded coefficients.
const (
	exp2Lowest float32 = -126

	exp2C1 float32 = 6.9314718246e-1
	exp2C2 float32 = 2.4022647738e-1
	exp2C3 float32 = 5.5503599346e-2
	exp2C4 float32 = 9.6185058355e-3
	exp2C5 float32 = 1.3390806271e-3
	exp2C6 float32 = 1.5326462744e-4
)

// exp2Low is 2ˣ for −126 ≤ x ≤ 0, within a unit in the last place, 2⁻¹²⁶ below,
// NaN for NaN.
func exp2Low(x float32) float32 {
	x = max2(exp2Lowest, x)
	t := x + shift32
	n := int32(math.Float32bits(t) - math.Float32bits(shift32))
	r := x - (t - shift32)
	p := exp2C6
	p = fma32(p, r, exp2C5)
	p = fma32(p, r, exp2C4)
	p = fma32(p, r, exp2C3)
	p = fma32(p, r, exp2C2)
	p = fma32(p, r, exp2C1)
	p = fma32(p, r, 1)
	return float32(p * pow2(n))
}

// expm1Low is exp(x)−1 for x ≤ 0 (or a little above): fma(2ⁿ, e, 2ⁿ−1).
func expm1Low(x float32) float32 {
	if x < -87 {
		x = -87
	}
	n, e := expReduce(x)
	s := pow2(n)
	return fma32(s, e, s-1)
}

// tree16 is the fixed sum of 16 lanes.
func tree16(p *[16]float32) float32 {
	a := *p
	for n := 8; n > 0; n /= 2 {
		for j := range n {
			a[j] += a[j+n]
		}
	}
	return a[0]
}

// max2 is a where a > b, else b: b where either is NaN.
func max2(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

// refCodes widens a panel to out [cols][16]: the weights, or, where they have
// scales, their codes.
func refCodes(m *Matrix, panel []byte, out []float32) {
	codes := panel
	switch f := m.format; f {
	case F32:
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(panel[4*i:]))
		}
		return
	case F16:
		for i := range out {
			out[i] = F16ToF32(binary.LittleEndian.Uint16(panel[2*i:]))
		}
		return
	case BF16:
		for i := range out {
			out[i] = BF16ToF32(binary.LittleEndian.Uint16(panel[bf16At(i%panelRows, i/panelRows):]))
		}
		return
	case Q8_0, Q4_0, Q4_1:
		size := f.blockBytes() * panelRows
		for ; len(out) > 0; out, codes = out[blockCols*panelRows:], codes[size:] {
			b := codes[f.scaleBytes()*panelRows:]
			for i := range blockCols * panelRows {
				switch f {
				case Q8_0:
					out[i] = float32(int8(b[i]))
				case Q4_0:
					out[i] = float32(int(nibble(b, i%panelRows, i/panelRows)) - 8)
				case Q4_1:
					out[i] = float32(nibble(b, i%panelRows, i/panelRows))
				}
			}
		}
		return
	}
	for lane := range min(panelRows, len(out)) {
		m.codeValues(panel[m.head:], lane, 0, out[lane:], panelRows)
	}
}

// sum16 is the sum of the columns of a piece: 16 partial sums, as a vector has
// them, and a fixed tree.
func sum16(x []float32) float32 {
	var p [16]float32
	for i, v := range x {
		p[i%16] += v
	}
	return tree16(&p)
}

func (reference) mul(m *Matrix, y []float32, ldy int, x []float32, ldx, M, n0, n1 int, s *Scratch) {
	piece, scaled := max(1, m.cols), m.format > BF16
	if scaled {
		piece = m.pieceColumns()
	}
	n := m.cols * panelRows
	w := s.floats(n + 2*m.pieces()*panelRows)
	scales := w[n:]
	w = w[:n]
	for n := n0; n < n1; n += panelRows {
		panel := m.data[n/panelRows*m.panelSize:][:m.panelSize]
		refCodes(m, panel, w)
		if scaled {
			for i := range m.pieces() * panelRows {
				scales[2*i], scales[2*i+1] = m.pieceScale(panel, i%panelRows, i/panelRows*piece)
			}
		}
		for i := range M {
			var acc [panelRows]float32
			row := x[i*ldx:][:m.cols]
			for k := 0; k < len(row); k += piece {
				row := row[k:min(k+piece, len(row))]
				if !scaled {
					products(&acc, row, w)
					continue
				}
				var sum [panelRows]float32
				products(&sum, row, w[k*panelRows:])
				total := float32(0)
				if m.hasBias() {
					total = sum16(row)
				}
				for j := range acc {
					of := scales[2*(k/piece*panelRows+j):]
					acc[j] = fma32(of[0], sum[j], acc[j])
					if m.hasBias() {
						acc[j] = fma32(of[1], total, acc[j])
					}
				}
			}
			copy(y[i*ldy+n:i*ldy+min(n+panelRows, n1)], acc[:])
		}
	}
}

// products adds x times the columns of w [][16] to the sums.
func products(sums *[panelRows]float32, x, w []float32) {
	for k, v := range x {
		wk := (*[panelRows]float32)(w[k*panelRows:])
		for j := range sums {
			sums[j] = fma32(v, wk[j], sums[j])
		}
	}
}

func (r reference) mulNarrow(m *Matrix, y []float32, ldy int, x []float32, ldx, M, n0, n1 int, add bool, scale float32) {
	if !add {
		r.mul(m, y, ldy, x, ldx, M, n0, n1, &Scratch{})
		return
	}
	delta := make([]float32, M*m.rows)
	r.mul(m, delta, m.rows, x, ldx, M, n0, n1, &Scratch{})
	for i := range M {
		r.addScaled(y[i*ldy+n0:i*ldy+n1], delta[i*m.rows+n0:i*m.rows+n1], scale)
	}
}

func (reference) rmsNorm(dst, x, weight []float32, eps float32) {
	var p [16]float32
	for i, v := range x {
		p[i%16] = fma32(v, v, p[i%16])
	}
	mean := tree16(&p) / float32(len(x))
	inv := 1 / float32(math.Sqrt(float64(mean+eps)))
	for i, v := range x {
		v *= inv
		if weight != nil {
			v *= weight[i]
		}
		dst[i] = v
	}
}

func (reference) siluMul(gate, up []float32) {
	for i, g := range gate {
		gate[i] = g / (1 + exp32(-g)) * up[i]
	}
}

// Constants of GELUTanhMul: 0.044715 and −√(8/π).
const (
	geluCube  float32 = 0.044715
	geluScale float32 = -1.5957691216057308
)

func (reference) geluMul(gate, up []float32) {
	for i, g := range gate {
		u := fma32(g*g, geluCube*g, g)
		gate[i] = g / (1 + exp32(geluScale*u)) * up[i]
	}
}

func (reference) xielu(x []float32, alphaP, alphaN, beta, eps float32) {
	for i, v := range x {
		b := beta * v
		if v > 0 {
			x[i] = fma32(alphaP, v*v, b)
			continue
		}
		low := v
		if low > eps {
			low = eps
		}
		x[i] = fma32(alphaN, expm1Low(low)-v, b)
	}
}

func (reference) rope(x []float32, headDim int, cos, sin []float32) {
	half := len(cos)
	for h := 0; h < len(x); h += headDim {
		for i, c := range cos {
			a, b, s := x[h+i], x[h+half+i], sin[i]
			x[h+i] = fma32(-b, s, a*c)
			x[h+half+i] = fma32(a, s, b*c)
		}
	}
}

func (reference) addScaled(y, t []float32, scale float32) {
	for i, v := range t {
		if v != 0 {
			y[i] = fma32(scale, v, y[i])
		}
	}
}

func (reference) add(y, t []float32) {
	for i, v := range t {
		y[i] += v
	}
}

func (reference) multiply(y, t []float32) {
	for i, v := range t {
		y[i] *= v
	}
}

func (reference) attend(out []float32, ldo int, q []float32, ldq, G int, kv KV, rows []Row, scale float32, s *Scratch) {
	hd := kv.HeadDim
	buffer := s.floats(2 * hd)
	query, acc := buffer[:hd], buffer[hd:]
	for t := range len(rows) * G {
		row, from, to := rows[t/G], t/G*ldq+t%G*hd, t/G*ldo+t%G*hd
		o := out[to : to+hd]
		if row.First >= row.Keys {
			clear(o)
			continue
		}
		for d := range query {
			query[d] = float32(q[from+d] * scale)
		}
		clear(acc)
		m := float32(math.Inf(-1))
		var l [16]float32
		first, keys := int(row.First), int(row.Keys)
		for g := first / groupLen * groupLen; g < keys; g += groupLen {
			j0, j1 := max(0, first-g), min(groupLen, keys-g) // visible keys of the group
			var sc [groupLen]float32
			next := m
			for j := j0; j < j1; j++ {
				block := row.Blocks.data[(g+j)/BlockLen][kv.K:]
				for d, v := range query {
					sc[j] = fma32(v, block[d*BlockLen+j%BlockLen], sc[j])
				}
				next = max2(sc[j], next)
			}
			c := exp2Low(m - next)
			m = next
			var sum [16]float32
			for j := j0; j < j1; j++ {
				sc[j] = exp2Low(sc[j] - m)
				sum[j%16] += sc[j]
			}
			for j := range l {
				l[j] = fma32(l[j], c, sum[j])
			}
			for d := range acc {
				acc[d] *= c
			}
			for j := j0; j < j1; j++ {
				v := row.Blocks.data[(g+j)/BlockLen][kv.V+j%BlockLen*hd:][:hd]
				for d := range acc {
					acc[d] = fma32(sc[j], v[d], acc[d])
				}
			}
		}
		inv := 1 / tree16(&l)
		for d := range o {
			o[d] = acc[d] * inv
		}
	}
}

// Constants of exp64: log2(e), the shift, ln(2) in two parts (fdlibm).
const (
	log2e64  = 1.44269504088896340736
	shift64  = 0x1.8p52
	ln2hi64  = 6.93147180369123816490e-01
	ln2lo64  = 1.90821492927058770002e-10
	expLow64 = -708
)

// exp64 is exp(x) for x ≤ 708, 0 below −708: Taylor's polynomial of degree 11 on
// ±ln(2)/2, relative error below 1e-14.
func exp64(x float64) float64 {
	below := x < expLow64
	if below {
		x = expLow64
	}
	t := math.FMA(x, log2e64, shift64)
	n := int64(math.Float64bits(t) - math.Float64bits(shift64))
	f := t - shift64
	r := math.FMA(f, -ln2hi64, x)
	r = math.FMA(f, -ln2lo64, r)
	q := 1.0 / 39916800
	q = math.FMA(q, r, 1.0/3628800)
	q = math.FMA(q, r, 1.0/362880)
	q = math.FMA(q, r, 1.0/40320)
	q = math.FMA(q, r, 1.0/5040)
	q = math.FMA(q, r, 1.0/720)
	q = math.FMA(q, r, 1.0/120)
	q = math.FMA(q, r, 1.0/24)
	q = math.FMA(q, r, 1.0/6)
	q = math.FMA(q, r, 0.5)
	q = math.FMA(q, r, 1)
	q = math.FMA(q, r, 1)
	if below {
		return 0
	}
	return float64(q * math.Float64frombits(uint64(n+1023)<<52))
}

// log64 is ln(x) for normal x ≥ 1, +Inf and NaN as they are: ln(2)·e + 2·atanh(s)
// with s = (f−1)/(f+1) and f in [√½, √2), |s| < 0.172, the odd series to s²³.
func log64(x float64) float64 {
	if !(x < math.Inf(1)) {
		return x
	}
	bits := math.Float64bits(x)
	e := int64(bits>>52) - 1023
	f := math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	if f > math.Sqrt2 {
		f /= 2
		e++
	}
	s := (f - 1) / (f + 1)
	z := s * s
	q := 1.0 / 23
	for n := 21; n >= 1; n -= 2 {
		q = math.FMA(q, z, 1/float64(n))
	}
	return math.FMA(float64(e), ln2hi64, math.FMA(float64(e), ln2lo64, 2*s*q))
}

func (reference) softmaxPart(x []float32) SoftmaxPart {
	part := SoftmaxPart{Max: float32(math.Inf(-1)), At: -1}
	from := float32(0)
	for i, v := range x {
		if v > part.Max {
			part.Max, part.At, from = v, int32(i), v
		}
	}
	var p [16]float64
	for i, v := range x {
		p[i%16] += float64(exp32(v - from))
	}
	for n := 8; n > 0; n /= 2 {
		for j := range n {
			p[j] += p[j+n]
		}
	}
	part.Sum = p[0]
	return part
}

func (reference) softcap(x []float32, cap float32) {
	c := float64(cap)
	for i, v := range x {
		t := 2 * (float64(v) / c)
		if t > -expLow64 {
			t = -expLow64
		}
		x[i] = float32(c * (1 - 2/(exp64(t)+1)))
	}
}

func (reference) divide(x []float32, by float32) {
	for i := range x {
		x[i] /= by
	}
}
