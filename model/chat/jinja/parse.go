package jinja

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Template is a parsed template. It does not change, so any number of goroutines
// may render it.
type Template struct {
	body   []stmt
	unset  []string // see symbols
	source string
}

// Parse reads a template. The error is an *Error.
func Parse(source string) (t *Template, err error) {
	line := 1
	defer caught(&err, &line)
	if len(source) > maxSource {
		fail(LimitError, "a template of %d bytes: at most %d are read", len(source), maxSource)
	}
	if !utf8.ValidString(source) {
		fail(SyntaxError, "the source is not valid UTF-8")
	}
	p := &parser{tokens: lex(source, &line), blocks: map[string]bool{}}
	defer func() { line = p.peek().line }()
	body := p.statements()
	c := checker{line: &line}
	c.body(body, scopeState{})
	unset := (*symbols)(nil).inner().block(body)
	return &Template{body, unset, source}, nil
}

type parser struct {
	tokens  []token
	pos     int
	nesting int
	blocks  map[string]bool
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if p.pos+1 < len(p.tokens) {
		p.pos++
	}
	return t
}

func (p *parser) line() pos { return pos(p.peek().line) }

func (p *parser) is(kind string) bool { return p.peek().kind == kind }

func (p *parser) isName(names ...string) bool {
	return p.is(tokName) && slices.Contains(names, p.peek().text)
}

func (p *parser) ahead() token { return p.tokens[min(p.pos+1, len(p.tokens)-1)] }

func (p *parser) skip(kind string) bool {
	if p.is(kind) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(kind string) token {
	if !p.is(kind) {
		p.unexpected(kind)
	}
	return p.next()
}

func (p *parser) expectName(name string) {
	if !p.skipName(name) {
		p.unexpected(name)
	}
}

func (p *parser) unexpected(want string) {
	if p.is(tokEOF) {
		p.syntax("unexpected end of template, expected %s.", quote(want))
	}
	p.syntax("expected token %s, got %s", quote(want), quote(p.peek().describe()))
}

func (p *parser) syntax(format string, args ...any) { fail(SyntaxError, format, args...) }

// enter and leave bound how deep the source nests, chain how long it goes on.
func (p *parser) enter() {
	p.nesting++
	if p.nesting > maxNesting {
		fail(LimitError, "the source nests deeper than %d", maxNesting)
	}
}

func (p *parser) leave() { p.nesting-- }

func (p *parser) chain(n *int) {
	*n++
	if *n > maxChain {
		fail(LimitError, "more than %d in a row", maxChain)
	}
}

// statements reads up to a tag with one of the names, which it does not take.
func (p *parser) statements(until ...string) []stmt {
	p.enter()
	defer p.leave()
	var body []stmt
	for {
		switch t := p.next(); t.kind {
		case tokEOF:
			if until != nil {
				p.syntax("Unexpected end of template. Jinja was looking for the following tags: %s.", quoteAll(until))
			}
			return body
		case tokData:
			body = append(body, &textStmt{pos(t.line), t.text})
		case tokVariableBegin:
			body = append(body, &printStmt{pos(t.line), p.tuple(true)})
			p.expect(tokVariableEnd)
		case tokBlockBegin:
			if p.isName(until...) {
				return body
			}
			body = append(body, p.statement(until)...)
			p.expect(tokBlockEnd)
		}
	}
}

func quoteAll(names []string) string {
	var quoted []string
	for _, n := range names {
		quoted = append(quoted, quote(n))
	}
	return strings.Join(quoted, " or ")
}

// block reads the rest of a tag, and the statements after it up to a tag with
// one of the names.
func (p *parser) block(until ...string) []stmt {
	p.skip(":")
	p.expect(tokBlockEnd)
	return p.statements(until...)
}

// closed is block, and takes the name of the tag that ends it.
func (p *parser) closed(until string) []stmt {
	body := p.block(until)
	p.next()
	return body
}

var refusedTags = map[string]string{
	"include": "there is no second template to include",
	"import":  "there is no second template to import",
	"from":    "there is no second template to import from",
	"extends": "there is no second template to extend",

	"autoescape": "text is never escaped in chat templates",
}

func (p *parser) statement(until []string) []stmt {
	if !p.is(tokName) {
		p.syntax("tag name expected")
	}
	at, name := p.line(), p.peek().text
	if why, ok := refusedTags[name]; ok {
		p.syntax("tag %s is not supported: %s", quote(name), why)
	}
	switch name {
	case "if":
		return []stmt{p.ifTag()}
	case "for":
		return []stmt{p.forTag()}
	case "set":
		return []stmt{p.setTag()}
	case "print":
		return p.printTag()
	}
	p.next()
	switch name {
	case "macro":
		m := &macroStmt{pos: at}
		m.name = p.expect(tokName).text
		p.signature(&m.macroDef)
		m.body = p.closed("endmacro")
		return []stmt{m}
	case "call":
		return []stmt{p.callTag(at)}
	case "filter":
		f := &filterStmt{pos: at, filter: p.filterChain(nil, true)}
		f.body = p.closed("endfilter")
		return []stmt{f}
	case "with":
		return []stmt{p.withTag(at)}
	case "block":
		return []stmt{p.blockTag(at)}
	case "generation":
		return []stmt{&generationStmt{pos: at, body: p.closed("endgeneration")}}
	case "break", "continue":
		return []stmt{&loopControl{at, name}}
	}
	if until == nil {
		p.syntax("Encountered unknown tag %s.", quote(name))
	}
	p.syntax("Encountered unknown tag %s. Jinja was looking for the following tags: %s.", quote(name), quoteAll(until))
	return nil
}

func (p *parser) ifTag() stmt {
	s := &ifStmt{pos: p.line()}
	for {
		p.next() // if, elif
		s.tests = append(s.tests, p.tuple(false))
		s.bodies = append(s.bodies, p.block("elif", "else", "endif"))
		if p.isName("elif") {
			continue
		}
		if p.next().text == "else" {
			s.otherwise = p.closed("endif")
		}
		return s
	}
}

func (p *parser) forTag() stmt {
	s := &forStmt{pos: p.line()}
	p.next()
	s.target = p.target(false, "in")
	p.expectName("in")
	s.over = p.tuple(false, "recursive")
	if p.skipName("if") {
		s.test = p.expression()
	}
	s.recursive = p.skipName("recursive")
	s.body = p.block("endfor", "else")
	if p.next().text == "else" {
		s.otherwise = p.closed("endfor")
	}
	return s
}

func (p *parser) setTag() stmt {
	at := p.line()
	p.next()
	target := p.target(true)
	if p.skip("=") {
		return &setStmt{at, target, p.tuple(true)}
	}
	filter := p.filterChain(nil, false)
	return &setBlockStmt{pos: at, target: target, filter: filter, body: p.closed("endset")}
}

func (p *parser) printTag() []stmt {
	at := p.line()
	p.next()
	var body []stmt
	for !p.is(tokBlockEnd) {
		if body != nil {
			p.expect(",")
		}
		body = append(body, &printStmt{at, p.expression()})
	}
	return body
}

func (p *parser) callTag(at pos) stmt {
	s := &callStmt{pos: at}
	s.caller.name = "caller"
	if p.is("(") {
		p.signature(&s.caller)
	}
	call, ok := p.expression().(*callExpr)
	if !ok {
		p.syntax("expected call")
	}
	s.call = call
	s.caller.body = p.closed("endcall")
	return s
}

func (p *parser) withTag(at pos) stmt {
	s := &withStmt{pos: at}
	for !p.is(tokBlockEnd) {
		if s.targets != nil {
			p.expect(",")
		}
		s.targets = append(s.targets, p.target(false))
		p.expect("=")
		s.values = append(s.values, p.expression())
	}
	s.body = p.closed("endwith")
	return s
}

func (p *parser) blockTag(at pos) stmt {
	s := &blockStmt{pos: at, name: p.expect(tokName).text}
	s.scoped = p.skipName("scoped")
	if p.isName("required") {
		p.syntax("required blocks are not supported: there is no second template to fill block %s", quote(s.name))
	}
	if p.blocks[s.name] {
		p.syntax("block %s defined twice", quote(s.name))
	}
	p.blocks[s.name] = true
	s.body = p.closed("endblock")
	p.skipName(s.name)
	return s
}

func (p *parser) signature(m *macroDef) {
	p.expect("(")
	for n := 0; !p.is(")"); p.chain(&n) {
		if m.params != nil {
			p.expect(",")
		}
		name := p.expect(tokName).text
		checkAssignable(name)
		if slices.Contains(m.params, name) {
			p.syntax("duplicate argument %s", quote(name))
		}
		if p.skip("=") {
			m.defaults = append(m.defaults, p.expression())
		} else if m.defaults != nil {
			p.syntax("non-default argument follows default argument")
		}
		m.params = append(m.params, name)
	}
	p.next()
}

// checkAssignable refuses the names of constants as targets.
func checkAssignable(name string) {
	switch name {
	case "true", "false", "none", "True", "False", "None":
		fail(SyntaxError, "can't assign to %s", quote(name))
	}
}

// target reads what is assigned to: names, with commas a tuple of them, and
// with attributes also those of namespaces.
func (p *parser) target(attributes bool, until ...string) expr {
	t := p.list(func() expr { return p.primary(attributes) }, until, false)
	p.checkTarget(t)
	return t
}

func (p *parser) checkTarget(t expr) {
	switch t := t.(type) {
	case *nameExpr:
		checkAssignable(t.name)
	case *nsRef:
	case *tupleExpr:
		for _, item := range t.items {
			p.checkTarget(item)
		}
	default:
		p.syntax("can't assign to this expression")
	}
}

// Literals returns the texts that the source itself contains: what stands
// outside tags, and the strings inside them.
func (t *Template) Literals() []string {
	var texts []string
	for _, st := range t.body {
		walk(st, func(n any, _ bool) {
			switch n := n.(type) {
			case *textStmt:
				texts = append(texts, n.text)
			case *constExpr:
				if s, ok := n.value.(string); ok {
					texts = append(texts, s)
				}
			}
		})
	}
	return texts
}
