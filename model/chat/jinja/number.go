package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

func isNumber(v Value) bool {
	switch v.(type) {
	case bool, int64, *big.Int, float64:
		return true
	}
	return false
}

// integer returns v where it is a whole number or a bool.
func integer(v Value) (*big.Int, bool) {
	switch x := v.(type) {
	case bool:
		return big.NewInt(toInt64(x)), true
	case int64:
		return big.NewInt(x), true
	case *big.Int:
		return x, true
	}
	return nil, false
}

// shrink is x as a Value: int64 where it fits.
func shrink(x *big.Int) Value {
	if x.IsInt64() {
		return x.Int64()
	}
	if x.BitLen() > maxBits {
		fail(LimitError, "a whole number of more than %d bits", maxBits)
	}
	return x
}

// float returns v as a float; the second result is false for what is no number.
func float(v Value) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case bool:
		return float64(toInt64(x)), true
	case int64:
		return float64(x), true
	case *big.Int:
		f, _ := new(big.Float).SetInt(x).Float64()
		if math.IsInf(f, 0) {
			fail("OverflowError", "int too large to convert to float")
		}
		return f, true
	}
	return 0, false
}

// compareNumbers compares exactly; false where a or b is no number, or NaN.
func compareNumbers(a, b Value) (int, bool) {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, true
		}
	}
	x, ok := exact(a)
	if !ok {
		return 0, false
	}
	y, ok := exact(b)
	if !ok {
		return 0, false
	}
	return x.Cmp(y), true
}

func exact(v Value) (*big.Float, bool) {
	if f, ok := v.(float64); ok {
		if math.IsNaN(f) {
			return nil, false
		}
		return big.NewFloat(f), true
	}
	if i, ok := integer(v); ok {
		return new(big.Float).SetInt(i), true
	}
	return nil, false
}

// arithmetic is a op b for numbers; false where one of them is none.
func (in *interp) arithmetic(op string, a, b Value) (Value, bool) {
	if !isNumber(a) || !isNumber(b) {
		return nil, false
	}
	x, ok := integer(a)
	y, ok2 := integer(b)
	if ok && ok2 && op != "/" {
		in.alloc((x.BitLen() + y.BitLen()) >> 3)
		return in.integers(op, x, y), true
	}
	f, _ := float(a)
	g, _ := float(b)
	return floats(op, f, g), true
}

func (in *interp) integers(op string, x, y *big.Int) Value {
	z := new(big.Int)
	switch op {
	case "+":
		return shrink(z.Add(x, y))
	case "-":
		return shrink(z.Sub(x, y))
	case "*":
		return shrink(z.Mul(x, y))
	case "**":
		return in.power(x, y)
	}
	if y.Sign() == 0 {
		fail("ZeroDivisionError", "integer division or modulo by zero")
	}
	r := new(big.Int)
	z.QuoRem(x, y, r)
	if r.Sign() != 0 && r.Sign() != y.Sign() { // Python rounds down
		r.Add(r, y)
		z.Sub(z, big.NewInt(1))
	}
	if op == "%" {
		return shrink(r)
	}
	return shrink(z)
}

func (in *interp) power(x, y *big.Int) Value {
	if y.Sign() < 0 {
		f, _ := float(shrink(x))
		g, _ := float(shrink(y))
		return floats("**", f, g)
	}
	if x.BitLen() <= 1 { // -1, 0 or 1
		switch {
		case y.Sign() == 0 || x.Sign() > 0:
			return int64(1)
		case x.Sign() == 0:
			return int64(0)
		}
		return 1 - 2*int64(y.Bit(0))
	}
	if !y.IsInt64() || y.Int64() > maxBits || int64(x.BitLen()-1)*y.Int64() > maxBits {
		fail(LimitError, "a whole number of more than %d bits", maxBits)
	}
	in.alloc(maxBits >> 3)
	return shrink(new(big.Int).Exp(x, y, nil))
}

func floats(op string, f, g float64) Value {
	switch op {
	case "+":
		return f + g
	case "-":
		return f - g
	case "*":
		return f * g
	case "**":
		return floatPower(f, g)
	}
	if g == 0 {
		fail("ZeroDivisionError", "float division by zero")
	}
	if op == "/" {
		return f / g
	}
	div, mod := divmod(f, g)
	if op == "%" {
		return mod
	}
	return div
}

// divmod is Python's divmod of floats: the remainder has the sign of g.
func divmod(f, g float64) (div, mod float64) {
	mod = math.Mod(f, g)
	div = (f - mod) / g
	if mod != 0 {
		if (g < 0) != (mod < 0) {
			mod += g
			div--
		}
	} else {
		mod = math.Copysign(0, g)
	}
	if div == 0 {
		return math.Copysign(0, f/g), mod
	}
	floor := math.Floor(div)
	if div-floor > 0.5 {
		floor++
	}
	return floor, mod
}

func floatPower(f, g float64) Value {
	if f == 0 && g < 0 {
		fail("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	}
	p := math.Pow(f, g)
	if math.IsNaN(p) && !math.IsNaN(f) && !math.IsNaN(g) {
		valueError("complex numbers are not supported")
	}
	if math.IsInf(p, 0) && !math.IsInf(f, 0) && !math.IsInf(g, 0) {
		fail("OverflowError", "numerical result out of range")
	}
	return p
}

// digits is the decimal text of a whole number.
func digits(x *big.Int) string {
	if x.BitLen() > maxDigits*10/3 {
		s := x.String()
		if len(strings.TrimPrefix(s, "-")) > maxDigits {
			valueError("Exceeds the limit (%d digits) for integer string conversion", maxDigits)
		}
		return s
	}
	return x.String()
}

// floatText is Python's repr of a float.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// parseInt is Python's int(s, base).
func parseInt(s string, base int64) (*big.Int, bool) {
	s = strings.ToLower(strings.TrimFunc(s, isSpace))
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if negative && strings.HasPrefix(s, "+") {
		return nil, false
	}
	prefixed := false
	for prefix, b := range map[string]int64{"0b": 2, "0o": 8, "0x": 16} {
		if strings.HasPrefix(s, prefix) && (base == b || base == 0) {
			s, base, prefixed = s[2:], b, true
		}
	}
	if base == 0 {
		if len(s) > 1 && s[0] == '0' && strings.Trim(s, "0_") != "" {
			return nil, false
		}
		base = 10
	}
	if prefixed {
		s = strings.TrimPrefix(s, "_")
	}
	if base < 2 || base > 36 || s == "" || s[0] == '_' || s[0] == '-' || s[0] == '+' ||
		strings.HasSuffix(s, "_") || strings.Contains(s, "__") || len(s) > maxDigits {
		return nil, false
	}
	x, ok := new(big.Int).SetString(strings.ReplaceAll(s, "_", ""), int(base))
	if ok && negative {
		x.Neg(x)
	}
	return x, ok
}

// parseFloat is Python's float(s).
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	if strings.ContainsAny(s, "xXpP") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") {
		return 0, false
	}
	if i := strings.IndexByte(s, '_'); i >= 0 {
		for i, c := range s {
			if c == '_' && (!isDigit(s[i-1]) || !isDigit(s[i+1])) {
				return 0, false
			}
		}
		s = strings.ReplaceAll(s, "_", "")
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// roundFloat is Python's round(f, precision): to even, of the decimal text.
func roundFloat(f float64, precision int64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) || precision > 323 {
		return f
	}
	if precision < -308 {
		return math.Copysign(0, f)
	}
	if precision < 0 {
		x, _ := new(big.Float).SetFloat64(f).Rat(nil)
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(-precision), nil)
		x.Quo(x, new(big.Rat).SetInt(ten))
		r, _ := new(big.Float).SetInt(new(big.Int).Mul(roundRat(x), ten)).Float64()
		return math.Copysign(r, f)
	}
	r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(precision), 64), 64)
	return r
}

// roundRat rounds half to even.
func roundRat(x *big.Rat) *big.Int {
	two := new(big.Int).Mul(x.Num(), big.NewInt(2))
	two.Add(two, x.Denom())
	q, r := new(big.Int).DivMod(two, new(big.Int).Mul(x.Denom(), big.NewInt(2)), new(big.Int))
	if r.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}
