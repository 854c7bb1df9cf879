package jinja

import (
	"math"
	"math/big"
)

func absFilter(in *interp, a arguments) Value {
	v := a.bind("abs", "x/")[0]
	if !isNumber(v) {
		typeError("bad operand type for abs(): '%s'", typeName(v))
	}
	if f, ok := v.(float64); ok {
		return math.Abs(f)
	}
	x, _ := integer(v)
	return shrink(new(big.Int).Abs(x))
}

func filesizeFilter(_ *interp, a arguments) Value {
	args := a.bind("filesizeformat", "value", "binary?")
	v := toFloat(args[0])
	base, prefixes := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if truth(or(args[1], false)) {
		base, prefixes = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	if v == 1 {
		return "1 Byte"
	}
	if v < base {
		return digits(truncateFloat(v)) + " Bytes"
	}
	unit := base
	for _, prefix := range prefixes {
		unit *= base
		if v < unit || prefix[0] == 'Y' {
			return floatDigits(base*v/unit, 'f', 1, false) + " " + prefix
		}
	}
	return nil
}

// toFloat is Python's float(v).
func toFloat(v Value) float64 {
	if f, ok := float(v); ok {
		return f
	}
	failIfUndefined(v)
	s, ok := text(v)
	if !ok {
		typeError("float() argument must be a string or a real number, not '%s'", typeName(v))
	}
	f, ok := parseFloat(s)
	if !ok {
		valueError("could not convert string to float: %s", quote(s))
	}
	return f
}

func floatFilter(_ *interp, a arguments) Value {
	args := a.bind("float", "value", "default?")
	failIfUndefined(args[0])
	if f, ok := float(args[0]); ok {
		return f
	}
	if s, ok := text(args[0]); ok {
		if f, ok := parseFloat(s); ok {
			return f
		}
	}
	return or(args[1], 0.0)
}

func intFilter(_ *interp, a arguments) Value {
	args := a.bind("int", "value", "default?", "base?")
	failIfUndefined(args[0])
	if x, ok := integer(args[0]); ok {
		return shrink(x)
	}
	f, ok := args[0].(float64)
	if s, isText := text(args[0]); isText {
		if x, ok := parseInt(s, needInt(or(args[2], int64(10)))); ok {
			return shrink(x)
		}
		f, ok = parseFloat(s)
	} else if ok && math.IsInf(f, 0) {
		fail("OverflowError", "cannot convert float infinity to integer")
	}
	if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
		return or(args[1], int64(0))
	}
	return shrink(truncateFloat(f))
}

func roundFilter(_ *interp, a arguments) Value {
	args := a.bind("round", "value", "precision?", "method?")
	method := or(args[2], "common")
	v := args[0]
	precision := needInt(or(args[1], int64(0)))
	switch method {
	case "common":
		return roundCommon(v, precision)
	case "ceil", "floor":
	default:
		fail("FilterArgumentError", "method must be common, ceil or floor")
	}
	f, ok := float(v)
	if !ok {
		failIfUndefined(v)
		typeError("unsupported operand type(s) for *: '%s' and 'int'", typeName(v))
	}
	scale := math.Pow(10, float64(precision))
	if method == "ceil" {
		f = math.Ceil(f * scale)
	} else {
		f = math.Floor(f * scale)
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		fail("OverflowError", "cannot convert float infinity to integer")
	}
	if scale == 0 {
		fail("ZeroDivisionError", "division by zero")
	}
	return f / scale
}

func roundCommon(v Value, precision int64) Value {
	if f, ok := v.(float64); ok {
		return roundFloat(f, precision)
	}
	x, ok := integer(v)
	if !ok {
		typeError("type %s doesn't define __round__ method", typeName(v))
	}
	if precision >= 0 {
		return shrink(x)
	}
	if precision < -int64(x.BitLen()) {
		return int64(0)
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(-precision), nil)
	return shrink(new(big.Int).Mul(roundRat(new(big.Rat).SetFrac(x, ten)), ten))
}

func sumFilter(in *interp, a arguments) Value {
	args := a.bind("sum", "iterable", "attribute?", "start?")
	p := in.parsePath(or(args[1], nil))
	sum := or(args[2], int64(0))
	if _, ok := text(sum); ok {
		typeError("sum() can't sum strings [use ''.join(seq) instead]")
	}
	for it := in.iter(args[0]); ; {
		item, ok := it.next()
		if !ok {
			return sum
		}
		sum = in.binary("+", sum, p.of(in, item, nil))
	}
}
