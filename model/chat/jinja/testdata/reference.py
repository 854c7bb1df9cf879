"""Random templates and what jinja2 makes of them, for TestReference.

    python reference.py SEED COUNT > cases.jsonl
    go test ./model/chat/jinja -run TestReference -reference cases.jsonl

It needs transformers (5.24) with jinja2 (3.1.6). The cases are of four kinds:
expressions, filters and methods; statements; whitespace control; formatting.
"""
import datetime
import json
import random
import sys
import warnings

import transformers.utils.chat_template_utils as utils

warnings.simplefilter("ignore")


class Noon(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 25, 12, 0, 0)


utils.datetime = Noon

CONTEXT = {
    "s": "Hello, <World> & 'you'",
    "t": "  two words\n\tthree\n\nlast line  ",
    "u": "Straße ÉCOLE ὈΔΥΣΣΕΎΣ 🤗 日本\u2028x",
    "e": "",
    "i": 7,
    "n": -3,
    "z": 0,
    "big": 12345678901234567890123,
    "f": 3.5,
    "g": -0.25,
    "h": 1e20,
    "b": True,
    "c": False,
    "none": None,
    "l": [3, 1, 2],
    "m": ["b", "A", "c", "a"],
    "mixed": [1, "a", None, True, 2.5, [1], {"k": 1}],
    "empty": [],
    "d": {"b": 1, "a": {"x": [1, 2], "y": None}, "C": "z", "items": 5},
    "users": [
        {"name": "Bob", "age": 30, "tags": ["x"], "on": True},
        {"name": "alice", "age": 25, "tags": [], "on": False},
        {"name": "Carol", "age": 30, "tags": ["y", "x"]},
    ],
}

rnd = random.Random()


def pick(*options):
    return rnd.choice(options)


NAMES = list(CONTEXT) + ["undef", "undef.x", "d.a", "d.a.x", "d['b']", "d.nope", "users[0]", "users[-1].name", "l[0]", "m[1]", "s[0]", "u[-3]", "l[9]"]


def const():
    return pick(
        "0", "1", "2", "-1", "3", "10", "1.0", "2.5", "-0.5", "1e3", "1_000", "0x1F", "''", "'a'", "'x y'", '"é"', "'%s'", "'{}'",
        "true", "False", "none", "[]", "[1, 2]", "['b', 'a']", "(1, 2)", "()", "(1,)", "{}", "{'a': 1}", "{'k': [1], 2: 'x'}", "'a\\nb'", "'\\u00e9\\x41'", "'a' 'b'",
        "range(3)", "range(5, 1, -2)", "dict(a=1)", "'1'", "' 42 '", "'3.7'", "'abc'|safe", "'<b>'|escape",
    )


def expr(depth=3):
    if depth <= 0 or rnd.random() < 0.15:
        return pick(rnd.choice(NAMES), rnd.choice(NAMES), const())
    k = rnd.random()
    sub = lambda: expr(depth - 1)
    if k < 0.25:
        op = pick("+", "-", "*", "/", "//", "%", "**", "~", "and", "or", "==", "!=", "<", "<=", ">", ">=", "in", "not in")
        if op == "**":
            return f"({pick('2', '3', 'i', 'n', 'f', 'g', '10')} ** {pick('0', '2', '3', '-1', '0.5', 'z')})"
        if op == "*":
            return f"({pick(sub(), 's', 'l', '2', 'i', 'f')} * {pick('2', '3', '0', '-1', 'i', 'f', 'b', sub())})"
        return f"({sub()} {op} {sub()})"
    if k < 0.30:
        return pick("not ", "-", "+") + sub()
    if k < 0.36:
        return f"({sub()} if {sub()}" + pick(f" else {sub()})", ")")
    if k < 0.44:
        return f"{sub()}[{pick('0', '-1', '1', chr(39) + 'a' + chr(39), ':2', '1:', '::-1', '-2:', '1:3', '::2', ':-1:2', sub())}]"
    if k < 0.48:
        return f"[{sub()}, {sub()}]" if rnd.random() < 0.5 else "{" + f"'k': {sub()}, {pick('1', chr(39) + 'z' + chr(39), 'i')}: {sub()}" + "}"
    if k < 0.72:
        return f"{sub()}|{filt(depth)}"
    if k < 0.82:
        return f"{sub()} is {pick('', 'not ')}{test(depth)}"
    if k < 0.84:
        return f"({sub()} {pick('<', '<=', '==')} {sub()} {pick('<', '!=', 'in')} {sub()})"
    return method(depth)


def filt(depth):
    sub = lambda: expr(depth - 2)
    simple = "abs capitalize count d default e escape first float forceescape int items join last length list lower max min reverse round safe sort string striptags sum title tojson trim unique upper urlencode wordcount xmlattr filesizeformat dictsort indent"
    if rnd.random() < 0.45:
        return rnd.choice(simple.split())
    a = sub()
    return pick(
        f"attr({pick(chr(39) + 'x' + chr(39), chr(39) + 'name' + chr(39), chr(39) + 'items' + chr(39), a)})",
        f"batch({pick('2', '3', '1', 'z')})|list", f"batch(2, {a})|list", f"slice({pick('2', '3', '5')})|list", f"slice(2, {a})|map('list')|list",
        f"center({pick('10', '3', '25')})", f"d({a})", f"default({a}, true)", "dictsort(true)", "dictsort(by='value')", "dictsort(reverse=true)",
        f"float({a})", f"int({a})", "int(0, 16)", f"format({a})", f"format({a}, {sub()})", f"join({pick(chr(39) + ', ' + chr(39), a)})", "join(', ', attribute='name')",
        "map('upper')|list", "map('string')|join('|')", "map(attribute='name')|list", "map(attribute='tags.0', default='none')|list", "map('int')|list", "map('length')|list",
        f"map('default', {a})|list", "selectattr('on')|list", "rejectattr('on')|list", "selectattr('age', 'gt', 26)|map(attribute='name')|join(',')", "selectattr('name', 'equalto', 'Bob')|list",
        "selectattr('nope', 'defined')|list", "select|list", "select('string')|list", "reject('number')|list", f"select('in', {a})|list", f"select('==', {a})|list", "reject|list",
        "sort(reverse=true)", "sort(attribute='age')", "sort(attribute='age,name')|map(attribute='name')|list", "sort(case_sensitive=true)", "groupby('age')", "groupby('tags.0', default='-')", "groupby('name')|map('first')|list",
        f"round({pick('1', '2', '0', '-1')})", f"round(1, '{pick('ceil', 'floor', 'common', 'x')}')", "min(attribute='age')", "max(attribute='name')", "max(case_sensitive=true)", "sum(attribute='age')", f"sum(start={a})", "unique(attribute='age')|list", "unique(true)|list",
        f"replace({pick(chr(39) + 'a' + chr(39), a)}, {pick(chr(39) + 'XX' + chr(39), sub())})", "replace('l', 'L', 1)", "replace('', '-')", f"trim({pick(chr(39) + ' H' + chr(39), a)})",
        f"truncate({pick('5', '9', '12', '3')})", "truncate(6, true)", "truncate(6, true, '>', 0)", "truncate(8, leeway=0)", f"indent({pick('2', chr(39) + '> ' + chr(39), '0')})", "indent(2, true)", "indent(first=true, blank=true)",
        "tojson(indent=2)", "tojson(ensure_ascii=true)", "tojson(sort_keys=true)", "tojson(separators=(',', ':'))", "tojson(indent=1, sort_keys=true)", "urlencode", "list|length", "list|first", "reverse|list", "string|length", "items|list", "dictsort|list|tojson", "map('tojson')|list|tojson",
        "filesizeformat(true)", "xmlattr(false)", "list|last", "nosuchfilter",
    )


def test(depth):
    a = expr(depth - 2)
    return pick(
        "odd", "even", "divisibleby 3", f"divisibleby({a})", "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "lower", "upper", "string", "mapping", "number", "sequence", "iterable", "callable", "escaped",
        f"sameas none", f"eq({a})", f"equalto({a})", f"ne({a})", f"lt({a})", f"ge({a})", f"in({a})", "filter", "test", "nosuchtest", f"greaterthan({a})",
    )


def method(depth):
    sub = lambda: expr(depth - 2)
    o = pick("s", "t", "u", "e", "'a,b,,c'", "'x'", sub(), "'<i>'|safe")
    q = lambda *x: "'" + pick(*x) + "'"
    return pick(
        f"{o}.upper()", f"{o}.lower()", f"{o}.title()", f"{o}.capitalize()", f"{o}.swapcase()", f"{o}.casefold()", f"{o}.strip()", f"{o}.lstrip({q(' H', 'x', 'ab')})", f"{o}.rstrip({q('o', ' ', 'u')})", f"{o}.strip(none)",
        f"{o}.split()", f"{o}.split({q(',', 'o', ' ', 'zz')})", f"{o}.split({q(',', 'l')}, {pick('1', '0', '-1', '2')})", f"{o}.rsplit({q(',', 'o')}, 1)", f"{o}.rsplit(none, 1)", f"{o}.split(none, 1)", f"{o}.split(maxsplit=1)", f"{o}.rsplit()",
        f"{o}.splitlines()", f"{o}.splitlines(true)", f"{o}.partition({q('o', ',', 'q')})", f"{o}.rpartition({q('o', ',', 'q')})", f"{o}.replace({q('o', 'l', '')}, {q('0', '')})", f"{o}.replace('l', 'L', {pick('1', '0', '-1')})",
        f"{o}.startswith({q('H', 'a', '')})", f"{o}.endswith(({q('u', 'x')}, {q('c', 's')}))", f"{o}.startswith('e', 1)", f"{o}.find({q('o', 'l', 'zz', '')})", f"{o}.find('o', 2, -2)", f"{o}.rfind({q('o', 'l')})", f"{o}.index({q('o', 'a')})", f"{o}.count({q('o', 'l', '')})", f"{o}.count('l', 3)",
        f"{o}.isdigit()", f"{o}.isalpha()", f"{o}.isalnum()", f"{o}.isspace()", f"{o}.isupper()", f"{o}.islower()", f"{o}.istitle()", f"{o}.isascii()", f"{o}.isidentifier()", f"{o}.isnumeric()", f"{o}.isprintable()",
        f"{o}.center({pick('9', '30', '4')}, {q('*', ' ')})", f"{o}.ljust(30)", f"{o}.rjust(30, '.')", f"{o}.zfill({pick('5', '30')})", f"{o}.expandtabs({pick('', '4')})", f"{o}.removeprefix({q('He', 'a')})", f"{o}.removesuffix({q('u', chr(92) + chr(39))})",
        f"{q(', ', '')}.join({pick('m', 'l', 'd', sub(), 'u')})", f"d.get({pick(q('a', 'q'), sub())})", f"d.get('q', {sub()})", "d.keys()|list", "d.values()|list", "d.items()|list", "d.items()", "d.keys()", "d.copy()", "l.count(1)", "m.index('a')", "l.index(9)", "l.copy()", "(1, 2).count(1)",
        "l.append(1)", "d.pop('a')", "d.update({})", "s.__class__", "d.__len__", "s.__class__()", "{}.fromkeys(m)", "dict.fromkeys(l, 0)", "i.bit_length()", "f.is_integer()", "i.real", f"dict({sub()})", f"dict(d, q={sub()})", "dict([(1, 2), ('a', i)])",
        f"namespace(a={sub()}).a", "namespace(d)['b']", "namespace(_x=1)", "joiner('|')()", "cycler(1, 2).next()", "s.nope", "s.nope()", "undef()", "i()", "s.format", "(s.upper)()", f"strftime_now({q('%d %B %Y', '%Y-%m-%d %H:%M', '%-d/%-m/%y %a %j %p')})",
        f"raise_exception({sub()})", "loop", "range(z)|list", "range(i, n, -4)|list", "range(200000)", "range(3)[1]", "range(9)[2:7:2]|list", "range(5)|last",
    )


def formatting():
    v = rnd.choice(NAMES)
    if rnd.random() < 0.5:
        spec = "%" + pick("", "", "-", "0", "+", " ", "#", "-0", "+0") + pick("", "5", "12", "1") + pick("", "", ".2", ".0", ".7") + pick(*"sdrifeEgGxXocau%")
        args = pick(v, f"({v},)", f"({v}, {rnd.choice(NAMES)})", "3.14159", "255", "-42", "'txt'", "(1.5,)", "1e10", "0.0001", "123456.789", "{'k': 1}")
        return "{{ " + f"'<{spec}>' % {args}" + " }}" if rnd.random() < 0.8 else "{{ " + f"'%(b)s{spec}' % {args}" + " }}"
    spec = pick("", "", ">8", "<8", "^9", "*^9", "08", "+", " ", ",", "_", "+,.2f", ".3f", ".2e", ".4g", "g", "e", "%", ".1%", "x", "#x", "#b", "08b", "o", "X", "d", "5d", "s", ".2", "10.2", "c", "=+8", "0=8", "012,", "n", "_x", ".0f", "#.0f", "r")
    conv = pick("", "", "", "!r", "!s", "!a", "!q")
    args = pick(v, "3.14159", "255", "-42", "'txt'", "1e10", "0.0001", "1234567.891", "1e22", "true", "i", "big", "f", "s")
    field = pick("", "", "0", "a", "0[a]", "0.a", "0[0]", "1")
    close = "" if rnd.random() < 0.02 else "}"
    return "{{ '<{" + field + conv + (":" + spec if spec else "") + close + ">'" + f".format({args}, a={v})" + " }}"



def sign():
    return pick("", "", "-", "+", "-")


def tag(body):
    return "{%" + sign() + pick(" ", "", "\n ") + body + pick(" ", " ", "\n") + pick("", "-", "+", "-") + "%}"


def out(body):
    return "{{" + pick("", "-", "", "+") + " " + body + " " + pick("", "-") + "}}"


def text():
    return "".join(pick(" ", "  ", "\n", "\n", "\t", "x", "y z", "\r\n", "{", "}", "%", "#", "é", "\n\n", "\x0b") for _ in range(rnd.randrange(0, 5)))


def whitespace(depth=3):
    parts = []
    for _ in range(rnd.randrange(1, 5)):
        parts.append(text())
        k = rnd.random()
        if k < 0.2:
            parts.append(out(pick("1", "'a'", "i", "{'a':{}}['a']", "'}}'")))
        elif k < 0.35:
            parts.append("{#" + sign() + pick(" c ", "", "\n c\n", "-", " {{ x }} ") + sign() + "#}")
        elif k < 0.45:
            parts.append(tag("raw") + text() + pick("{{ x }}", "{% if %}", "", "{# c #}") + text() + tag("endraw"))
        elif k < 0.55:
            parts.append(tag("set q = 1"))
        elif depth > 0:
            body = whitespace(depth - 1)
            parts.append(pick(
                tag("if " + pick("true", "false", "i")) + body + tag("endif"),
                tag("if c") + body + tag("else") + whitespace(depth - 1) + tag("endif"),
                tag("for x in l") + body + tag("endfor"),
                tag("set w") + body + tag("endset") + out("w"),
                tag("filter upper") + body + tag("endfilter"),
                tag("macro mm()") + body + tag("endmacro") + out("mm()"),
                tag("generation") + body + tag("endgeneration"),
                tag("with a = 1") + body + tag("endwith"),
            ))
        parts.append(text())
    return "".join(parts)


def statements(depth=3):
    e = lambda: expr(2)
    var = lambda: pick("a", "b", "q", "s", "l")
    parts = []
    for _ in range(rnd.randrange(1, 4)):
        body = (lambda: statements(depth - 1)) if depth > 0 else (lambda: "." + out(pick("a", "q", "x", "s")))
        parts.append(pick(
            lambda: out(e()), lambda: out(var()), lambda: f"{{% set {var()} = {e()} %}}", lambda: f"{{% set {var()}, {var()} = {pick('1, 2', '[3, 4]', e(), 'm[:2]')} %}}",
            lambda: f"{{% set {var()} %}}{body()}{{% endset %}}", lambda: f"{{% set {var()} | {pick('upper', 'trim', 'length')} %}}{body()}{{% endset %}}",
            lambda: f"{{% if {e()} %}}{body()}{pick('', '{% elif ' + e() + ' %}' + body(), '{% else %}' + body())}{{% endif %}}",
            lambda: f"{{% for x in {pick('l', 'm', 'd', 'users', 'empty', 'undef', 'range(4)', e())} {pick('', '', 'if x', 'if x != 1', 'if loop is defined')} %}}{loopbody(body)}{pick('', '{% else %}' + body())}{{% endfor %}}",
            lambda: f"{{% for x, y in {pick('d.items()', 'd|dictsort', '[[1, 2], [3, 4]]', 'users|map(' + chr(39) + 'list' + chr(39) + ')', e())} %}}{{{{ x }}}}{{{{ y }}}}{loopbody(body)}{{% endfor %}}",
            lambda: f"{{% for x in [1, [2, [3]], 4] recursive %}}{{{{ loop.depth }}}}:{{% if x is iterable %}}{{{{ loop(x) }}}}{{% else %}}{{{{ x }}}}{{% endif %}}{{% endfor %}}",
            lambda: f"{{% macro mac({pick('', 'a', 'a, b=2', 'a=q, b=a', 'x, caller=none')}) %}}{pick('', '{{ a }}{{ b }}', '{{ varargs }}{{ kwargs }}', '{{ caller() }}', '{{ caller(1) if caller is defined }}')}{body()}{{% endmacro %}}{{{{ mac({pick('', '1', '1, 2', 'a=3', '1, 2, 3', 'q=1', '*l', '**d', '*[1], b=5')}) }}}}",
            lambda: f"{{% macro cc({pick('', 'p')}) %}}[{{{{ caller({pick('', '1', 'l')}) }}}}]{{% endmacro %}}{{% call{pick('', '(v)', '(v=9)')} cc({pick('', '2')}) %}}{pick('{{ v }}', '')}{body()}{{% endcall %}}",
            lambda: f"{{% set ns = namespace(n=0) %}}{{% for x in l %}}{{% set ns.n = ns.n + x %}}{body()}{{% endfor %}}{{{{ ns.n }}}}",
            lambda: f"{{% with {var()} = {e()}, q = {var()} %}}{body()}{{% endwith %}}", lambda: f"{{% filter {pick('upper', 'replace(' + chr(39) + 'e' + chr(39) + ', 1)', 'trim|length')} %}}{body()}{{% endfilter %}}",
            lambda: "{% set s.x = 1 %}", lambda: f"{{% block b{rnd.randrange(10**6)} {pick('', 'scoped')} %}}{body()}{{{{ x }}}}{{% endblock %}}", lambda: f"{{% print {e()}, 1 %}}", lambda: f"{{% generation %}}{body()}{{% endgeneration %}}",
            lambda: "{% break %}", lambda: "{% set cy = cycler(1, 'b') %}{% for x in m %}{{ cy.next() }}{{ loop.cycle('o', 'e') }}{% endfor %}",
            lambda: "{% set gen = users|selectattr('on') %}{{ gen is iterable }}{{ gen|list|length }}{{ gen|list|length }}",
        )())
    return "".join(parts)


def loopbody(body):
    return pick("", "{{ loop.index }}", "{{ loop.last }}{{ loop.first }}", "{{ loop.length }}/{{ loop.revindex }}", "{{ loop.previtem }}>{{ loop.nextitem }}", "{{ loop.changed(x) }}", "{% if loop.index > 1 %}{% break %}{% endif %}", "{% if x == 1 %}{% continue %}{% endif %}", "{% set q = x %}{{ q }}", "{{ loop.index0 }}{{ x }}") + body()


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    rnd.seed(seed)
    for n in range(count):
        kind = ("expression", "statement", "whitespace", "format")[n % 4]
        template = {
            "expression": lambda: "{{ " + expr(rnd.randrange(1, 5)) + " }}",
            "statement": lambda: statements(rnd.randrange(1, 4)),
            "whitespace": lambda: whitespace(),
            "format": formatting,
        }[kind]()
        case = {"Name": f"{kind} {seed}/{n}", "Template": template, "Context": CONTEXT, "Out": None, "Err": ""}
        try:
            case["Out"] = utils._cached_compile_jinja_template(template).render(**CONTEXT)
            case["Out"].encode()
        except Exception as e:
            case["Out"], case["Err"] = None, f"{type(e).__name__}: {e}"
        if case["Out"] is not None and " at 0x" in case["Out"]:
            continue  # an address
        print(json.dumps(case))


main()
