package jinja

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// methodFunc is a method of a type of Python; v is what it is called on.
type methodFunc func(in *interp, v Value, a arguments) Value

// asMarkup is s as v is: markup's methods return markup.
func asMarkup(v Value, s string) Value {
	if _, ok := v.(Markup); ok {
		return Markup(s)
	}
	return s
}

// mapText makes a method without arguments of a function from text to text; grow
// is how many times as long the result may be.
func mapText(f func(string) string, grow int) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		a.bind("str method")
		s, _ := text(v)
		in.allocTimes(len(s), grow)
		return asMarkup(v, f(s))
	}
}

// isText makes a method that tells whether the text is of a kind.
func isText(f func(string) bool) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		a.bind("str method")
		s, _ := text(v)
		in.scan(s)
		return f(s)
	}
}

// allRunes tells whether there is a character and f holds for all.
func allRunes(f func(rune) bool) func(string) bool {
	return func(s string) bool {
		return s != "" && strings.IndexFunc(s, func(r rune) bool { return !f(r) }) < 0
	}
}

// textMethod returns a method of str, or nil.
func textMethod(name string) methodFunc {
	switch name {
	case "capitalize":
		return mapText(capitalize, 3)
	case "casefold":
		return mapText(fold, 3)
	case "lower":
		return mapText(lower, 3)
	case "swapcase":
		return mapText(swapCase, 3)
	case "title":
		return mapText(title, 3)
	case "upper":
		return mapText(upper, 3)
	case "isalnum":
		return isText(allRunes(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }))
	case "isalpha":
		return isText(allRunes(unicode.IsLetter))
	case "isascii":
		return isText(isASCII)
	case "isdecimal":
		return isText(allRunes(unicode.IsDigit))
	case "isdigit":
		return isText(allRunes(isDigitRune))
	case "isnumeric":
		return isText(allRunes(unicode.IsNumber))
	case "isidentifier":
		return isText(isIdentifier)
	case "islower":
		return isText(isLower)
	case "isupper":
		return isText(isUpper)
	case "istitle":
		return isText(isTitle)
	case "isspace":
		return isText(allRunes(isSpace))
	case "isprintable":
		return isText(func(s string) bool { return s == "" || allRunes(unicode.IsPrint)(s) })
	case "strip":
		return strip(true, true)
	case "lstrip":
		return strip(true, false)
	case "rstrip":
		return strip(false, true)
	case "startswith":
		return affix("startswith", strings.HasPrefix)
	case "endswith":
		return affix("endswith", strings.HasSuffix)
	case "removeprefix":
		return remove("removeprefix", strings.TrimPrefix)
	case "removesuffix":
		return remove("removesuffix", strings.TrimSuffix)
	case "find":
		return find("find", strings.Index, false)
	case "index":
		return find("index", strings.Index, true)
	case "rfind":
		return find("rfind", strings.LastIndex, false)
	case "rindex":
		return find("rindex", strings.LastIndex, true)
	case "count":
		return countText
	case "replace":
		return replaceMethod
	case "split":
		return splitMethod("split", split)
	case "rsplit":
		return splitMethod("rsplit", splitRight)
	case "splitlines":
		return splitLinesMethod
	case "partition":
		return partition("partition", strings.Index)
	case "rpartition":
		return partition("rpartition", strings.LastIndex)
	case "join":
		return joinMethod
	case "center":
		return justify("center", center)
	case "ljust":
		return justify("ljust", func(gap, _ int) int { return 0 })
	case "rjust":
		return justify("rjust", func(gap, _ int) int { return gap })
	case "zfill":
		return zeroFill
	case "expandtabs":
		return expandTabs
	case "format":
		return formatMethod
	case "format_map":
		return formatMapMethod
	case "encode":
		return refusedMethod("bytes are not supported")
	case "translate":
		return refusedMethod("translation tables are not supported")
	case "maketrans":
		return refusedMethod("translation tables are not supported")
	}
	return nil
}

func refusedMethod(why string) methodFunc {
	return func(*interp, Value, arguments) Value {
		typeError("%s", why)
		return nil
	}
}

func isDigitRune(r rune) bool {
	switch {
	case unicode.IsDigit(r), r == '²', r == '³', r == '¹', 0x2070 <= r && r <= 0x2079, 0x2080 <= r && r <= 0x2089:
		return true
	case 0x2460 <= r && r <= 0x2468, 0x2474 <= r && r <= 0x247c, 0x2488 <= r && r <= 0x2490, 0x24f5 <= r && r <= 0x24fd:
		return true
	}
	return r == 0x24ea || r == 0x24ff || 0x2776 <= r && r <= 0x277e || 0x2780 <= r && r <= 0x2788 || 0x278a <= r && r <= 0x2792
}

func isIdentifier(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return isIdentifierStart(first) && allRunes(func(r rune) bool {
		return isIdentifierStart(r) || unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)
	})(s)
}

func isIdentifierStart(r rune) bool {
	return r == '_' || unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start)
}

func isLower(s string) bool {
	seen := false
	for _, r := range s {
		if isUpperRune(r) || unicode.IsTitle(r) {
			return false
		}
		seen = seen || isLowerRune(r)
	}
	return seen
}

func isUpper(s string) bool {
	seen := false
	for _, r := range s {
		if isLowerRune(r) || unicode.IsTitle(r) {
			return false
		}
		seen = seen || isUpperRune(r)
	}
	return seen
}

func isTitle(s string) bool {
	inWord, seen := false, false
	for _, r := range s {
		capital := isUpperRune(r) || unicode.IsTitle(r)
		if capital && inWord || isLowerRune(r) && !inWord {
			return false
		}
		inWord = isCased(r)
		seen = seen || inWord
	}
	return seen
}

func strip(left, right bool) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		chars := or(a.bind("strip", "chars?/")[0], nil)
		s, _ := text(v)
		return asMarkup(v, in.strip(s, chars, left, right))
	}
}

func (in *interp) strip(s string, chars Value, left, right bool) string {
	in.scan(s)
	cut := isSpace
	if chars != nil {
		set, ok := text(chars)
		if !ok {
			typeError("strip arg must be None or str")
		}
		members := map[rune]bool{}
		for _, r := range set {
			in.step(1)
			members[r] = true
		}
		cut = func(r rune) bool { return members[r] }
	}
	if left {
		s = strings.TrimLeftFunc(s, cut)
	}
	if right {
		s = strings.TrimRightFunc(s, cut)
	}
	return s
}

// section is the part of s between the characters start and end, as in
// s.find(x, start, end); offset is where it begins. ok is false where it begins
// after it ends.
func section(s string, start, end Value) (part string, offset int, ok bool) {
	if or(start, nil) == nil && or(end, nil) == nil {
		return s, 0, true
	}
	n := utf8.RuneCountInString(s)
	bound := func(v Value, otherwise int) int {
		if or(v, nil) == nil {
			return otherwise
		}
		i := sliceIndex(v)
		if i < 0 {
			i = max(i+int64(n), 0)
		}
		return int(min(i, int64(n)+1))
	}
	from, to := bound(start, 0), min(bound(end, n), n)
	if from > to {
		return "", 0, false
	}
	begin := byteOffset(s, from)
	return s[begin : begin+byteOffset(s[begin:], to-from)], from, true
}

func affix(name string, has func(s, affix string) bool) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		args := a.bind(name, "prefix/", "start?/", "end?/")
		s, _ := text(v)
		in.scan(s)
		part, _, ok := section(s, args[1], args[2])
		options := []Value{args[0]}
		if t, isTuple := args[0].(*Tuple); isTuple {
			options = t.Items
		}
		for _, o := range options {
			in.step(1)
			affix, isText := text(o)
			if !isText {
				typeError("%s first arg must be str or a tuple of str, not %s", name, typeName(o))
			}
			if ok && has(part, affix) {
				return true
			}
		}
		return false
	}
}

func remove(name string, trim func(s, affix string) string) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		affix := needText(a.bind(name, "affix/")[0])
		s, _ := text(v)
		return asMarkup(v, trim(s, affix))
	}
}

func find(name string, index func(s, sub string) int, must bool) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		args := a.bind(name, "sub/", "start?/", "end?/")
		s, _ := text(v)
		in.scan(s)
		sub := needText(args[0])
		part, offset, ok := section(s, args[1], args[2])
		i := -1
		if ok {
			i = index(part, sub)
		}
		switch {
		case i >= 0:
			return int64(offset + utf8.RuneCountInString(part[:i]))
		case must:
			valueError("substring not found")
		}
		return int64(-1)
	}
}

func countText(in *interp, v Value, a arguments) Value {
	args := a.bind("count", "sub/", "start?/", "end?/")
	s, _ := text(v)
	in.scan(s)
	sub := needText(args[0])
	part, _, ok := section(s, args[1], args[2])
	if !ok {
		return int64(0)
	}
	return int64(strings.Count(part, sub))
}

func replaceMethod(in *interp, v Value, a arguments) Value {
	args := a.bind("replace", "old/", "new/", "count?")
	count := int64(-1)
	if args[2] != (absent{}) {
		count = needInt(args[2])
	}
	s, _ := text(v)
	replacement := needText(args[1])
	if _, marked := v.(Markup); marked {
		replacement = escaped(args[1], replacement)
	}
	return asMarkup(v, in.replace(s, needText(args[0]), replacement, count))
}

// replace is Python's s.replace(old, new, count); a negative count replaces all.
func (in *interp) replace(s, old, replacement string, count int64) string {
	in.scan(s)
	n := strings.Count(s, old)
	if count >= 0 {
		n = int(min(count, int64(n)))
	}
	in.allocTimes(n, len(replacement))
	in.alloc(len(s))
	return strings.Replace(s, old, replacement, n)
}

func splitMethod(name string, split func(in *interp, s string, sep Value, n int) []string) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		args := a.bind(name, "sep?", "maxsplit?")
		s, _ := text(v)
		n := -1
		if args[1] != (absent{}) {
			n = int(max(min(needInt(args[1]), math.MaxInt32), -1))
		}
		sep := or(args[0], nil)
		if sep != nil && needText(sep) == "" {
			valueError("empty separator")
		}
		in.scan(s)
		return in.texts(v, split(in, s, sep, n))
	}
}

// texts is a list of texts, each markup where v is.
func (in *interp) texts(v Value, parts []string) *List {
	in.allocTimes(len(parts), 48)
	items := make([]Value, len(parts))
	for i, part := range parts {
		items[i] = asMarkup(v, part)
	}
	return &List{Items: items}
}

// split is Python's s.split(sep, n); n < 0 is without limit.
func split(in *interp, s string, sep Value, n int) []string {
	if t, ok := text(sep); ok {
		in.allocTimes(strings.Count(s, t), 16)
		if n < 0 {
			return strings.Split(s, t)
		}
		return strings.SplitN(s, t, n+1)
	}
	var parts []string
	for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
		in.alloc(16)
		end := strings.IndexFunc(s, isSpace)
		if n >= 0 && len(parts) == n {
			return append(parts, s)
		}
		if end < 0 {
			return append(parts, s)
		}
		parts = append(parts, s[:end])
		s = s[end:]
	}
	return parts
}

// splitRight is Python's s.rsplit(sep, n).
func splitRight(in *interp, s string, sep Value, n int) []string {
	var parts []string
	t, ok := text(sep)
	for {
		in.alloc(16)
		if !ok {
			if s = strings.TrimRightFunc(s, isSpace); s == "" {
				break
			}
		}
		begin, end := -1, 0
		if n < 0 || len(parts) < n {
			begin, end = lastSeparator(s, t, ok)
		}
		if begin < 0 {
			parts = append(parts, s)
			break
		}
		parts = append(parts, s[end:])
		s = s[:begin]
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return parts
}

func lastSeparator(s, sep string, given bool) (begin, end int) {
	if given {
		begin = strings.LastIndex(s, sep)
		return begin, begin + len(sep)
	}
	begin = strings.LastIndexFunc(s, isSpace)
	if begin < 0 {
		return -1, 0
	}
	_, n := utf8.DecodeRuneInString(s[begin:])
	return begin, begin + n
}

func splitLinesMethod(in *interp, v Value, a arguments) Value {
	keep := or(a.bind("splitlines", "keepends?")[0], false)
	s, _ := text(v)
	in.scan(s)
	return in.texts(v, splitLines(s, truth(keep)))
}

func partition(name string, index func(s, sep string) int) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		sep := needText(a.bind(name, "sep/")[0])
		if sep == "" {
			valueError("empty separator")
		}
		s, _ := text(v)
		in.scan(s)
		parts := [3]string{s, "", ""}
		if i := index(s, sep); i >= 0 {
			parts = [3]string{s[:i], sep, s[i+len(sep):]}
		} else if name == "rpartition" {
			parts = [3]string{"", "", s}
		}
		return &Tuple{Items: in.texts(v, parts[:]).Items}
	}
}

func joinMethod(in *interp, v Value, a arguments) Value {
	items := in.items(a.bind("join", "iterable/")[0])
	sep, _ := text(v)
	_, marked := v.(Markup)
	var b strings.Builder
	for i, item := range items {
		part, ok := text(item)
		if !ok && marked {
			part, ok = in.str(item), true
		}
		if !ok {
			typeError("sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		if marked {
			part = escaped(item, part)
		}
		if i > 0 {
			part = sep + part
		}
		in.alloc(len(part))
		b.WriteString(part)
	}
	return asMarkup(v, b.String())
}

func justify(name string, left func(gap, width int) int) methodFunc {
	return func(in *interp, v Value, a arguments) Value {
		args := a.bind(name, "width/", "fillchar?/")
		s, _ := text(v)
		fill := needText(or(args[1], " "))
		if utf8.RuneCountInString(fill) != 1 {
			typeError("The fill character must be exactly one character long")
		}
		return asMarkup(v, in.justify(s, needInt(args[0]), fill, left))
	}
}

func (in *interp) justify(s string, width int64, fill string, left func(gap, width int) int) string {
	in.scan(s)
	gap := width - int64(utf8.RuneCountInString(s))
	if gap <= 0 {
		return s
	}
	in.allocTimes(clampInt(gap), len(fill))
	in.alloc(len(s))
	n := left(int(gap), int(width))
	return strings.Repeat(fill, n) + s + strings.Repeat(fill, int(gap)-n)
}

func center(gap, width int) int { return gap/2 + gap&width&1 }

func zeroFill(in *interp, v Value, a arguments) Value {
	width := needInt(a.bind("zfill", "width/")[0])
	s, _ := text(v)
	sign := signAt(s, 0)
	return asMarkup(v, sign+in.justify(s[len(sign):], width-int64(len(sign)), "0", func(gap, _ int) int { return gap }))
}

func expandTabs(in *interp, v Value, a arguments) Value {
	size := needInt(or(a.bind("expandtabs", "tabsize?")[0], int64(8)))
	s, _ := text(v)
	var b strings.Builder
	column := int64(0)
	for _, r := range s {
		if r == '\t' {
			n := int64(0)
			if size > 0 {
				n = size - column%size
			}
			in.alloc(clampInt(n))
			b.WriteString(strings.Repeat(" ", int(n)))
			column += n
			continue
		}
		column++
		if r == '\n' || r == '\r' {
			column = 0
		}
		b.WriteRune(r)
	}
	in.alloc(len(s))
	return asMarkup(v, b.String())
}
