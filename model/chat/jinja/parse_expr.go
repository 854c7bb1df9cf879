package jinja

import (
	"slices"
	"strings"
)

// tuple reads one expression, or several with commas between them.
func (p *parser) tuple(conditional bool, until ...string) expr {
	one := p.or
	if conditional {
		one = p.expression
	}
	return p.list(one, until, false)
}

func (p *parser) list(one func() expr, until []string, parenthesised bool) expr {
	at := p.line()
	var items []expr
	isTuple := false
	for {
		if items != nil {
			p.expect(",")
		}
		if p.is(tokVariableEnd) || p.is(tokBlockEnd) || p.is(")") || p.isName(until...) {
			break
		}
		items = append(items, one())
		if !p.is(",") {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if len(items) == 1 {
			return items[0]
		}
		if !parenthesised {
			p.syntax("Expected an expression, got %s", quote(p.peek().describe()))
		}
	}
	return &tupleExpr{at, items}
}

func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	at := p.line()
	x := p.or()
	n := 0
	for p.skipName("if") {
		p.chain(&n)
		test := p.or()
		var otherwise expr
		if p.skipName("else") {
			otherwise = p.expression()
		}
		x = &condExpr{at, test, x, otherwise}
		at = p.line()
	}
	return x
}

// binary reads operands with operators between them, from the left.
func (p *parser) binary(operand func() expr, operator func() string) expr {
	at := p.line()
	x := operand()
	n := 0
	for op := operator(); op != ""; op = operator() {
		p.chain(&n)
		x = &binaryExpr{at, op, x, operand()}
	}
	return x
}

func (p *parser) oneOf(kinds ...string) func() string {
	return func() string {
		if slices.Contains(kinds, p.peek().kind) {
			return p.next().kind
		}
		return ""
	}
}

func (p *parser) word(name string) func() string {
	return func() string {
		if p.skipName(name) {
			return name
		}
		return ""
	}
}

func (p *parser) or() expr { return p.binary(p.and, p.word("or")) }

func (p *parser) and() expr { return p.binary(p.not, p.word("and")) }

func (p *parser) not() expr {
	at := p.line()
	if p.skipName("not") {
		p.enter()
		defer p.leave()
		return &unaryExpr{at, "not", p.not()}
	}
	return p.compare()
}

func (p *parser) compare() expr {
	c := &compareExpr{pos: p.line(), first: p.sum()}
	for n := 0; ; p.chain(&n) {
		op := p.oneOf("==", "!=", "<", "<=", ">", ">=")()
		switch {
		case op != "":
		case p.skipName("in"):
			op = "in"
		case p.isName("not") && p.ahead().kind == tokName && p.ahead().text == "in":
			p.next()
			p.next()
			op = "not in"
		case c.ops == nil:
			return c.first
		default:
			return c
		}
		c.ops = append(c.ops, op)
		c.rest = append(c.rest, p.sum())
	}
}

func (p *parser) sum() expr { return p.binary(p.concat, p.oneOf("+", "-")) }

func (p *parser) concat() expr {
	c := &concatExpr{p.line(), []expr{p.product()}}
	for n := 0; p.skip("~"); p.chain(&n) {
		c.parts = append(c.parts, p.product())
	}
	if len(c.parts) == 1 {
		return c.parts[0]
	}
	return c
}

func (p *parser) product() expr { return p.binary(p.power, p.oneOf("*", "/", "//", "%")) }

func (p *parser) power() expr {
	return p.binary(func() expr { return p.unary(true) }, p.oneOf("**"))
}

func (p *parser) unary(filters bool) expr {
	p.enter()
	defer p.leave()
	at := p.line()
	var x expr
	if op := p.oneOf("-", "+")(); op != "" {
		x = &unaryExpr{at, op, p.unary(false)}
	} else {
		x = p.primary(false)
	}
	x = p.postfix(x)
	if filters {
		x = p.filtersAndTests(x)
	}
	return x
}

func (p *parser) primary(attributes bool) expr {
	t := p.peek()
	at := pos(t.line)
	switch t.kind {
	case tokName:
		p.next()
		return p.nameOrConst(t, attributes)
	case tokString:
		var b strings.Builder
		for p.is(tokString) {
			b.WriteString(p.next().text)
		}
		return &constExpr{at, b.String()}
	case tokInteger, tokFloat:
		return &constExpr{at, p.next().num}
	case "(":
		p.next()
		p.enter()
		defer p.leave()
		x := p.list(p.expression, nil, true)
		p.expect(")")
		return x
	case "[":
		return p.listLiteral()
	case "{":
		return p.dictLiteral()
	}
	p.syntax("unexpected %s", quote(t.describe()))
	return nil
}

func (p *parser) nameOrConst(t token, attributes bool) expr {
	at := pos(t.line)
	switch t.text {
	case "true", "True":
		return &constExpr{at, true}
	case "false", "False":
		return &constExpr{at, false}
	case "none", "None":
		return &constExpr{at, nil}
	}
	if attributes && p.skip(".") {
		return &nsRef{at, t.text, p.expect(tokName).text}
	}
	return &nameExpr{at, t.text}
}

func (p *parser) listLiteral() expr {
	l := &listExpr{pos: p.line()}
	p.next()
	for !p.is("]") {
		if l.items != nil {
			p.expect(",")
			if p.is("]") {
				break
			}
		}
		l.items = append(l.items, p.expression())
	}
	p.next()
	return l
}

func (p *parser) dictLiteral() expr {
	d := &dictExpr{pos: p.line()}
	p.next()
	for !p.is("}") {
		if d.keys != nil {
			p.expect(",")
			if p.is("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.expect(":")
		d.values = append(d.values, p.expression())
	}
	p.next()
	return d
}

func (p *parser) postfix(x expr) expr {
	for n := 0; ; p.chain(&n) {
		switch p.peek().kind {
		case ".":
			x = p.attribute(x)
		case "[":
			x = p.subscript(x)
		case "(":
			at := p.line()
			x = &callExpr{at, x, p.callArgs()}
		default:
			return x
		}
	}
}

func (p *parser) attribute(x expr) expr {
	at := p.line()
	p.next()
	switch t := p.next(); t.kind {
	case tokName:
		return &attrExpr{at, x, t.text}
	case tokInteger:
		return &itemExpr{at, x, &constExpr{pos(t.line), t.num}}
	}
	p.syntax("expected name or number")
	return nil
}

func (p *parser) subscript(x expr) expr {
	at := p.line()
	p.next()
	var items []expr
	for !p.is("]") {
		if items != nil {
			p.expect(",")
		}
		items = append(items, p.subscribed())
	}
	p.next()
	if len(items) == 1 {
		return &itemExpr{at, x, items[0]}
	}
	return &itemExpr{at, x, &tupleExpr{at, items}}
}

func (p *parser) subscribed() expr {
	s := &sliceExpr{pos: p.line()}
	part := func() expr {
		if p.is(":") || p.is("]") || p.is(",") {
			return nil
		}
		return p.expression()
	}
	if !p.is(":") {
		s.start = p.expression()
		if !p.is(":") {
			return s.start
		}
	}
	p.next()
	s.stop = part()
	if p.skip(":") {
		s.step = part()
	}
	return s
}

func (p *parser) callArgs() callArgs {
	var a callArgs
	p.expect("(")
	for first := true; !p.is(")"); first = false {
		if !first {
			p.expect(",")
			if p.is(")") {
				break
			}
		}
		p.callArg(&a)
	}
	p.next()
	return a
}

func (p *parser) callArg(a *callArgs) {
	ok := true
	switch {
	case p.is("*"):
		ok = a.star == nil && a.starStar == nil
		p.next()
		a.star = p.expression()
	case p.is("**"):
		ok = a.starStar == nil
		p.next()
		a.starStar = p.expression()
	case p.is(tokName) && p.ahead().kind == "=":
		name := p.next().text
		n := len(a.names)
		p.chain(&n)
		ok = a.starStar == nil && !slices.Contains(a.names, name)
		p.next()
		a.names = append(a.names, name)
		a.keywords = append(a.keywords, p.expression())
	default:
		ok = a.star == nil && a.starStar == nil && a.names == nil
		a.positional = append(a.positional, p.expression())
	}
	if !ok {
		p.syntax("invalid syntax for function call expression")
	}
}

func (p *parser) filtersAndTests(x expr) expr {
	for n := 0; ; p.chain(&n) {
		switch {
		case p.is("|"):
			x = p.filterChain(x, false)
		case p.isName("is"):
			x = p.test(x)
		case p.is("("):
			at := p.line()
			x = &callExpr{at, x, p.callArgs()}
		default:
			return x
		}
	}
}

// filterChain reads |name(args)|…; with begun the first | is not there. x is nil
// in blocks. It returns nil where there is no filter and x is nil.
func (p *parser) filterChain(x expr, begun bool) *filterExpr {
	var f *filterExpr
	for n := 0; begun || p.is("|"); p.chain(&n) {
		if !begun {
			p.next()
		}
		begun = false
		at := p.line()
		if f != nil {
			x = f
		}
		f = &filterExpr{pos: at, x: x, name: p.dottedName()}
		if p.is("(") {
			f.args = p.callArgs()
		}
	}
	return f
}

func (p *parser) dottedName() string {
	name := p.expect(tokName).text
	for p.skip(".") {
		name += "." + p.expect(tokName).text
	}
	return name
}

func (p *parser) test(x expr) expr {
	at := p.line()
	p.next()
	negated := p.skipName("not")
	t := &testExpr{pos: at, x: x, name: p.dottedName()}
	switch {
	case p.is("("):
		t.args = p.callArgs()
	case p.isName("is"):
		p.syntax("You cannot chain multiple tests with is")
	case p.isName("else", "or", "and"):
	case slices.Contains([]string{tokName, tokString, tokInteger, tokFloat, "[", "{"}, p.peek().kind):
		p.enter()
		t.args.positional = []expr{p.postfix(p.primary(false))}
		p.leave()
	}
	if negated {
		return &unaryExpr{at, "not", t}
	}
	return t
}
