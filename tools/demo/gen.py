"""The demo's world: four task families, their training text, their held-out questions, and the SPICE checks.

Nothing is held out by chance. Each thing that a question tests (a sum, a town's question form, a circuit's
number or combination, a passage) is put on one side or the other by a hash of what it is, so training text
of any length never contains it.

    python gen.py            write ../../tasks/data/demo/*.jsonl
    python gen.py --check    the same, then the reference decks and the shortcut controls
"""

import argparse
import functools
import json
import math
import os
import random
import re
import subprocess
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "tasks", "data", "demo")
QUESTIONS = 240  # held-out questions of each family
SEED = 20240


def bucket(thing, n):
    """Which of n buckets a thing falls in: the same on every machine."""
    return zlib.crc32(("lorabench demo " + thing).encode()) % n


# A document is a list of (text, weight): how much the loss on that text counts. What the model will be asked
# to write counts 1; questions, which are drawn at random and cannot be predicted, count QUIET.
QUIET = 0.25

# --------------------------------------------------------------------------------------------- arithmetic

PEOPLE = "Anna Ben Clara David Emma Felix Greta Henry Ida Jonas Karla Leo".split()
THINGS = "apples books coins stamps marbles cards pens shells eggs plums".split()
GAIN = ["{p} buys {k} more.", "{q} gives {p} {k}.", "{p} finds {k}.", "Then {k} more arrive."]
LOSE = ["{p} gives {k} to {q}.", "{p} loses {k}.", "{p} sells {k}.", "Then {k} are broken."]


def sum_held(op, a, b):
    """One in twelve sums and differences with an operand of two digits is in no training text."""
    if op == "x" or (a < 10 and b < 10):
        return False
    if op == "+":
        a, b = sorted((a, b))
    return bucket(f"{a}{op}{b}", 12) == 0


def units_held(op, a, b):
    """One in twenty pairs of last digits is added or subtracted in no training text.

    A model of this size adds any numbers without fault once it has seen all pairs of digits; it has to guess
    these. So arithmetic stays below its ceiling, and practice cannot lift it there.
    """
    u, v = a % 10, b % 10
    if op == "+":
        u, v = sorted((u, v))
    return op != "x" and bucket(f"units {u}{op}{v}", 20) == 0


def one_step(rng, now):
    """A sum or difference that starts at now and stays within 1..99."""
    if now > 6 and (now > 80 or rng.random() < 0.5):
        k = rng.randint(2, min(48, now - 1))
        return "-", k, now - k
    k = rng.randint(2, min(48, 99 - now))
    return "+", k, now + k


def problem(rng, held):
    """A word problem of 2 to 4 steps; a held-out one needs at least one held-out sum, any other none (and no held-out digits)."""
    while True:
        p, q = rng.sample(PEOPLE, 2)
        thing = rng.choice(THINGS)
        steps = rng.choice((2, 3, 3, 4))
        facts, work = [], []
        if rng.random() < 0.25:
            a, b = rng.randint(2, 9), rng.randint(2, 9)
            now = a * b
            text = [f"{p} has {a} bags with {b} {thing} each."]
            facts.append(("x", a, b))
            work.append(f" {a} x {b} = {now}.")
            steps -= 1
        else:
            now = rng.randint(5, 70)
            text = [f"{p} has {now} {thing}."]
        for _ in range(steps):
            op, k, new = one_step(rng, now)
            text.append(rng.choice(GAIN if op == "+" else LOSE).format(p=p, q=q, k=k))
            facts.append((op, now, k))
            work.append(f" {now} {op} {k} = {new}.")
            now = new
        if any(sum_held(*f) for f in facts) == held and (held or not any(units_held(*f) for f in facts)):
            text.append(f"How many {thing} does {p} have?")
            return {"question": " ".join(text), "work": "".join(work), "answer": str(now), "facts": facts}


def problem_doc(rng):
    d = problem(rng, False)
    return [(f"Q: {d['question']}\nA:", QUIET), (f"{d['work']} The answer is {d['answer']}.\n", 1.0)]


def dec(tenths):
    """55 -> '5.5', 50 -> '5'."""
    return f"{tenths / 10:g}"


def circuit_sum(rng):
    """A calculation that circuits need, in the words of a deck's working line; never a held-out one."""
    while True:
        kind = rng.choice(("table", "table", "table", "div", "div", "sym", "noninv"))
        if kind == "table":
            m = rng.choice(E24)
            return f"15.9 / {m:g} = {ohms(m)}."
        v = draw(rng, kind)
        if not number_held(kind, v):
            if kind == "div":
                return f"{v[0]} - {dec(v[1])} = {dec(v[0] * 10 - v[1])}."
            less = 7 if kind == "sym" else 10
            return f"{dec(v[0])} - {dec(less)} = {dec(v[0] - less)}."


def drill_doc(rng, circuits=0.35):
    """Eight bare calculations, either of whole numbers or of those that circuits need."""
    out = []
    plain = rng.random() >= circuits
    while len(out) < 8:
        if not plain:
            out.append(circuit_sum(rng))
            continue
        if rng.random() < 0.15:
            a, b = rng.randint(2, 9), rng.randint(2, 9)
            out.append(f"{a} x {b} = {a * b}.")
            continue
        a = rng.randint(5, 99)
        op, k, new = one_step(rng, a) if a < 97 else ("-", 9, a - 9)
        if not sum_held(op, a, k) and not units_held(op, a, k):
            out.append(f"{a} {op} {k} = {new}.")
    return [(" ".join(out) + "\n", 1.0)]


# ------------------------------------------------------------------------------------------ facts and choice

ATTRIBUTES = {
    "river": ("Lorn Isker Vell Tamar Osk Brenta Dwyn Salm Ruhe Merle Aven Thorne".split(),
              ["The river {v} flows through {t}.", "{t} lies on the river {v}.", "In {t} a bridge crosses the {v}.",
               "People in {t} fish in the {v}."],
              ["Which river flows through {t}?", "On which river does {t} lie?"]),
    "craft": ("glass rope cheese paper salt wool tiles honey clocks boots candles bells".split(),
              ["{t} is known for its {v}.", "Merchants come to {t} to buy {v}.", "The workshops of {t} make {v}.",
               "{t} sells {v} to the whole coast."],
              ["What is {t} known for?", "What do the workshops of {t} make?"]),
    "mayor": ("Alden Berit Corin Dagny Edmar Frida Gorm Hilda Ivo Jorun Kasper Liv".split(),
              ["The mayor of {t} is {v}.", "{v} was elected mayor of {t}.", "{t} is governed by {v}.",
               "{v} leads the council of {t}."],
              ["Who is the mayor of {t}?", "Who leads the council of {t}?"]),
    "flag": ("red blue green white black yellow orange purple brown silver golden grey".split(),
             ["The flag of {t} is {v}.", "A {v} flag flies over {t}.", "{t} chose {v} for its flag.",
              "The people of {t} carry a {v} banner."],
             ["What colour is the flag of {t}?", "Which colour has the banner of {t}?"]),
    "animal": ("fox owl bear hare crow wolf deer otter swan goat horse eagle".split(),
               ["The symbol of {t} is the {v}.", "A stone {v} stands at the gate of {t}.", "{t} honours the {v}.",
                "Children in {t} draw the {v}."],
               ["Which animal is the symbol of {t}?", "Which animal stands at the gate of {t}?"]),
}
TOWNS, CONTROLS = 150, 30


@functools.cache
def world():
    """Town -> attributes, kind (train: asked about in training; test: only stated; control: only named), fame.

    Fame is how often a town is spoken of, 0.08 to 1: the base knows the famous towns well and the others less
    well, so that a small loss of knowledge shows.
    """
    rng = random.Random(SEED)
    heads = "Bel Mar Tor Wen Hal Dun Gre Lis Nor Pel Rav Sto Ul Vin Zan".split()
    tails = "mar ton wick burg stead holm ford gate den ham".split()
    names = [h + m + t for h in heads for m in ("", "ba", "ri", "mo") for t in tails]
    rng.shuffle(names)
    towns = {}
    for i, name in enumerate(names[:TOWNS + CONTROLS]):
        kind = "control" if i >= TOWNS else ("test" if i % 3 == 0 else "train")
        fame = math.exp(math.log(0.08) * rng.random())
        towns[name] = {"kind": kind, "fame": fame, **{a: rng.choice(v[0]) for a, v in ATTRIBUTES.items()}}
    return towns


@functools.cache
def towns_of(*kinds):
    names = [t for t, d in world().items() if d["kind"] in kinds]
    return names, [world()[t]["fame"] for t in names]


def fact_doc(rng):
    r = rng.random()
    if r < 0.62:  # a town described
        t = rng.choices(*towns_of("train", "test"))[0]
        some = rng.sample(list(ATTRIBUTES), rng.randint(3, 5))
        return [(" ".join(rng.choice(ATTRIBUTES[a][1]).format(t=t, v=world()[t][a]) for a in some) + "\n", 1.0)]
    if r < 0.97:  # questions about towns whose question form is not held out
        doc = []
        for _ in range(2):
            t = rng.choices(*towns_of("train"))[0]
            a = rng.choice(list(ATTRIBUTES))
            doc += [(f"Question: {rng.choice(ATTRIBUTES[a][2]).format(t=t)}\nAnswer:", QUIET),
                    (f" {world()[t][a]}.\n", 1.0)]
        return doc
    return [(f"{rng.choice(towns_of('control')[0])} is a town.\n", 1.0)]


def choice(rng, t, a):
    """Distractors are what towns of a similar name have, so half-knowledge does not help."""
    right = world()[t][a]
    near = [world()[u][a] for u in towns_of("train", "test")[0] if u != t and (u[:3] == t[:3] or u[-3:] == t[-3:])]
    rng.shuffle(near)
    wrong = []
    for v in near + rng.sample(ATTRIBUTES[a][0], len(ATTRIBUTES[a][0])):
        if v != right and v not in wrong:
            wrong.append(v)
    options = wrong[:3] + [right]
    rng.shuffle(options)
    return {"question": rng.choice(ATTRIBUTES[a][2]).format(t=t), "choices": [o + "." for o in options],
            "gold": options.index(right)}


# --------------------------------------------------------------------------------------------------- SPICE

E24 = [1.0, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2.0, 2.2, 2.4, 2.7, 3.0, 3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6, 6.2, 6.8, 7.5, 8.2, 9.1]
CAPACITOR = {1: "1u", 2: "100n", 3: "10n", 4: "1n", 5: "100p"}
RESISTOR = {1: "1", 2: "10", 3: "100", 4: "1k", 5: "10k"}
FAMILIES = ["rclp", "rchp", "rllp", "rlhp", "div", "zener", "sym", "ce", "inv", "noninv"]
FILTERS = FAMILIES[:4]
SUPPLIES = [5, 6, 9, 10, 12, 15, 18, 20, 24]


def ohms(m):
    """The filters' table: 1 / (2 pi m) in three digits."""
    return f"{100 / (2 * math.pi * m):.3g}"


def draw(rng, family):
    """A circuit's number: (mantissa, decade) of a corner, (supply, tenths of a volt), or tenths."""
    if family in FILTERS:
        return rng.choice(E24), rng.randint(1, 5)
    if family == "div":
        vin = rng.choice(SUPPLIES)
        return vin, rng.randint(11, vin * 10 - 11)
    if family == "ce":
        return rng.randint(20, 65), rng.choice((9, 12, 15))
    return (rng.randint(*{"zener": (20, 99), "sym": (20, 99), "inv": (15, 150), "noninv": (15, 150)}[family]),)


def number_held(family, v):
    """Whether no training text holds this number of this family.

    Filters: one in five of (family, mantissa, decade). Divider: one in five of (supply, output). Gains: one
    number in four, whatever the supply. Limits: one number in three.
    """
    if family in FILTERS:
        # a Latin square, so that each family and each decade has its share of the 24 mantissas
        i = E24.index(v[0])
        return (i * 2 + v[1] + FILTERS.index(family)) % 5 == 0
    key = v if family == "div" else v[:1]
    return bucket(f"{family} {key}", {"div": 5, "zener": 3, "sym": 3}.get(family, 4)) == 0


def corner(v):
    f = round(v[0] * 10 ** v[1], 6)
    return f, (f"{f / 1000:g} kHz" if f >= 1000 else f"{f:g} Hz")


AC_IN = "V1 in 0 DC 0 AC 1"


def circuit(rng, family, v):
    """One circuit: goal (one of three wordings), deck, and the bench that checks it."""
    if family in FILTERS:
        f, fs = corner(v)
        kind, shape = family[:2].upper(), {"lp": "low-pass", "hp": "high-pass"}[family[2:]]
        goal = rng.choice((f"{kind} {shape}, corner {fs}", f"{shape} filter ({kind}), cutoff {fs}", f"first-order {kind} {shape}, -3 dB at {fs}"))
        x = ohms(v[0])
        through, ground = (("R1", x + "k"), ("C1", CAPACITOR[v[1]])) if kind == "RC" else (("L1", x + "m"), ("R1", RESISTOR[v[1]]))
        if family[2:] == "hp":
            through, ground = ground, through
        deck = [f"* 15.9 / {v[0]:g} = {x}", f"{through[0]} in out {through[1]}", f"{ground[0]} out 0 {ground[1]}"]
        bench = {"sources": [AC_IN], "analysis": f"ac dec 100 {f / 100:g} {f * 100:.8g}", "elements": kind, "require": {kind[0]: 1, kind[1]: 1},
                 "checks": [{"kind": "corner", "node": "out", "shape": shape.replace("-", ""), "target": f, "tolerance": 0.02}]}
    elif family == "div":
        vin, vo, rest = v[0], dec(v[1]), dec(v[0] * 10 - v[1])
        goal = rng.choice((f"divider {vin} V to {vo} V", f"resistive divider, {vin} V in, {vo} V out", f"make {vo} V from {vin} V with two resistors"))
        deck = [f"* {vin} - {vo} = {rest}", f"R1 in out {rest}k", f"R2 out 0 {vo}k"]
        bench = {"sources": [f"V1 in 0 DC {vin}"], "analysis": "op", "elements": "R", "require": {"R": 2},
                 "checks": [{"kind": "dc", "node": "out", "target": float(vo), "tolerance": 0.005}]}
    elif family in ("zener", "sym"):
        lim = dec(v[0])
        if family == "zener":
            goal = rng.choice((f"Zener limiter, limit {lim} V", f"clip a 12 V sine at {lim} V with a Zener", f"Zener clamp at {lim} V"))
            deck = ["R1 in out 10k", "D1 0 out DZ", f".model DZ D(BV={lim})"]
            low, need = -0.4, 1
        else:
            goal = rng.choice((f"symmetric Zener limiter, {lim} V", f"clip a 12 V sine at plus and minus {lim} V", f"two-Zener clamp at {lim} V"))
            bv = dec(v[0] - 7)
            deck = [f"* {lim} - 0.7 = {bv}", "R1 in out 2k", "D1 m out DZ", "D2 m 0 DZ", f".model DZ D(BV={bv})"]
            low, need = round(0.06 - v[0] / 10, 3), 2
        bench = {"sources": ["V1 in 0 SIN(0 12 1k)"], "analysis": "tran 10u 3m", "elements": "RD", "require": {"R": 1, "D": need},
                 "checks": [{"kind": "peak", "node": "out", "target": v[0] / 10, "tolerance": 0.06, "min_below": low}]}
    elif family == "ce":
        g, vcc = dec(v[0]), v[1]
        goal = rng.choice((f"common-emitter stage, {vcc} V supply, gain {g}", f"BJT amplifier, gain {g}, supply {vcc} V", f"NPN stage on {vcc} V with gain {g}"))
        deck = ["C1 in b 10u", f"R1 vcc b {vcc * 10 - 17}k", "R2 b 0 17k", f"R3 vcc out {g}k", "R4 e 0 970", "Q1 out b e QN", ".model QN NPN(BF=200)"]
        bench = {"sources": [f"V1 vcc 0 DC {vcc}", "V2 in 0 DC 0 AC 1"], "analysis": "ac lin 1 1000 1000", "elements": "RCQ", "require": {"Q": 1, "R": 2},
                 "checks": [{"kind": "gain", "node": "out", "target": -v[0] / 10, "tolerance": 0.015}]}
    else:
        g = dec(v[0])
        if family == "inv":
            goal = rng.choice((f"inverting amplifier, gain {g}", f"op-amp inverter with gain {g}", f"amplify by minus {g}"))
            deck = ["R1 in x 1k", f"R2 x out {g}k", "E1 out 0 0 x 1meg"]
        else:
            goal = rng.choice((f"non-inverting amplifier, gain {g}", f"op-amp, non-inverting, gain {g}", f"amplify by plus {g}"))
            deck = [f"* {g} - 1 = {dec(v[0] - 10)}", "R1 x 0 1k", f"R2 x out {dec(v[0] - 10)}k", "E1 out 0 in x 1meg"]
        bench = {"sources": [AC_IN], "analysis": "ac lin 1 1000 1000", "elements": "RE", "require": {"E": 1, "R": 2},
                 "checks": [{"kind": "gain", "node": "out", "target": v[0] / (-10 if family == "inv" else 10), "tolerance": 0.005}]}
    return {"family": family, "prompt": f"Goal: {goal}\nDeck:\n", "reference": "\n".join(deck + [".end"]) + "\n", "bench": bench, "number": v}


def deck(rng, family=None):
    """A circuit that training may hold."""
    family = family or rng.choice(FAMILIES)
    while True:
        v = draw(rng, family)
        if not number_held(family, v):
            return circuit(rng, family, v)


def deck_doc(rng, families=None):
    d = deck(rng, rng.choice(families) if families else None)
    return [(d["prompt"], QUIET), (d["reference"], 1.0)]


# Checks. The rules are those of the scorer in Go; the two must agree.

NUMBER = r"[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?"
VALUE = re.compile(rf"^({NUMBER})(f|p|n|u|m|k|meg|g|t)?$", re.I)
NODE = re.compile(r"^[a-z0-9_]+$", re.I)
MODEL = re.compile(rf"^\.model [a-z]\w{{0,15}} (?:D|NPN|PNP)(?:\((?:[a-z]\w{{0,7}}=-?{NUMBER}(?:f|p|n|u|m|k|meg|g|t)?\s?)+\))?$", re.I)


def parse(text, bench):
    """The deck's element and model lines, or the reason why there are none to simulate: (lines, reason)."""
    if ".end" not in text:
        return None, "no .end"
    rows = text[:text.index(".end")].split("\n")
    if len(rows) > 40:
        return None, "more than 40 lines"
    lines, names = [], set()
    for i, row in enumerate(rows, 1):
        s = row.strip()
        if not s or s.startswith("*"):
            continue
        if len(s) > 200 or not s.isascii() or re.search(r"[{}'\"`;$+\\]", s):
            return None, f"line {i}: not allowed: {s[:40]}"
        if s.lower().startswith(".model"):
            if not MODEL.match(s):
                return None, f"line {i}: model: {s[:40]}"
            lines.append(s)
            continue
        f = s.split()
        letter, name = s[0].upper(), f[0].lower()
        if letter not in bench["elements"] or not re.match(r"^[a-z]\w*$", name):
            return None, f"line {i}: element not allowed: {s[:40]}"
        if name in names:
            return None, f"line {i}: {name} twice"
        names.add(name)
        nodes, rest = {"D": 2, "Q": 3, "E": 4}.get(letter, 2), 1
        if len(f) != 1 + nodes + rest or not all(NODE.match(n) for n in f[1:1 + nodes]):
            return None, f"line {i}: form: {s[:40]}"
        last = f[-1]
        if letter in "RLC" and (not VALUE.match(last) or float(VALUE.match(last)[1]) <= 0):
            return None, f"line {i}: value: {s[:40]}"
        if letter == "E" and (not VALUE.match(last) or number(last) < 1e5):
            return None, f"line {i}: not an ideal op-amp: {s[:40]}"
        if letter in "DQ" and not re.match(r"^[a-z]\w*$", last, re.I):
            return None, f"line {i}: model name: {s[:40]}"
        lines.append(s)
    for letter, least in bench["require"].items():
        if sum(n[0].upper() == letter for n in names) < least:
            return None, f"fewer than {least} of {letter}"
    return lines, None


def number(s):
    m = VALUE.match(s)
    scale = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "meg": 1e6, "g": 1e9, "t": 1e12}
    return float(m[1]) * scale.get((m[2] or "").lower(), 1)


def simulate(lines, bench, node):
    """Rows of [x, re, im] (ac), [t, v] (tran) or [[v]] (op); None where ngspice gives none."""
    vector = {"a": f"vr({node}) vi({node})"}.get(bench["analysis"][0], f"v({node})")
    ours = ["Vlb_" + s[1:] for s in bench["sources"]]
    with tempfile.TemporaryDirectory() as d:
        with open(os.path.join(d, "deck.cir"), "w") as f:
            f.write("\n".join(["* demo", *ours, *lines, ".control", "set wr_singlescale", bench["analysis"], f"wrdata out.txt {vector}", "quit", ".endc", ".end"]) + "\n")
        try:
            subprocess.run(["ngspice", "-b", "-n", "deck.cir"], cwd=d, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)
            with open(os.path.join(d, "out.txt")) as f:
                rows = [[float(x) for x in r.split()] for r in f]
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
    return rows if rows and all(math.isfinite(x) for r in rows for x in r) else None


def holds(check, rows):
    kind, target = check["kind"], check["target"]
    if kind == "corner":
        f, mag = [r[0] for r in rows], [math.hypot(r[1], r[2]) for r in rows]
        if check["shape"] == "highpass":
            f, mag = f[::-1], mag[::-1]
        if len(f) < 100 or not 0.9 < mag[0] < 1.1 or mag[-1] >= 0.1:
            return False
        j = next(i for i, m in enumerate(mag) if m < math.sqrt(0.5))
        part = (mag[j - 1] - math.sqrt(0.5)) / (mag[j - 1] - mag[j])
        return abs(f[j - 1] * (f[j] / f[j - 1]) ** part / target - 1) <= check["tolerance"]
    if kind == "gain":
        _, re_, im = rows[0]
        return (re_ > 0) == (target > 0) and abs(math.hypot(re_, im) / abs(target) - 1) <= check["tolerance"]
    if kind == "dc":
        return abs(rows[0][-1] / target - 1) <= check["tolerance"]
    v = [r[1] for r in rows]
    return abs(max(v) - target) <= check["tolerance"] and min(v) < check["min_below"]


def score(text, bench):
    """(passes, reason)."""
    lines, reason = parse(text, bench)
    if reason:
        return False, reason
    for c in bench["checks"]:
        rows = simulate(lines, bench, c["node"])
        if rows is None:
            return False, "no simulation"
        if not holds(c, rows):
            return False, c["kind"]
    return True, ""


def score_all(pairs):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda p: score(*p), pairs))


# ------------------------------------------------------------------------------------------------- English

ADJ = "old small quiet bright tired happy tall young brave clever".split()
WHO = "farmer sailor teacher child baker gardener doctor painter soldier miller".split()
DID = "watched followed carried painted found remembered cleaned repaired".split()
WHAT = "house boat letter garden wall basket lamp ladder window wagon".split()
WHERE = ["near the river", "behind the church", "in the morning", "before the storm", "on the hill", "after dinner", "at the market", "under the old tree"]
AND = ["because it was late", "while the rain fell", "and then went home", "although nobody asked", "so that the others could rest"]
THEN = ["Nobody said a word.", "The next day the sun came out.", "It was a long walk back.", "Everyone was pleased.", "Later they all sat by the fire."]
SKY = ["rain in the north", "sun over the coast", "fog along the river", "snow on the hills", "strong wind from the west", "a clear and cold night"]
EVENT = ["the fair opens", "the ferry leaves", "the library closes", "the choir meets", "the council sits", "the market begins"]
HOUR = "seven eight nine ten eleven noon".split()
DAY = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ASKED = ["Please bring a coat.", "Please be on time.", "All are welcome.", "Children pay half.", "Dogs must wait outside.", "The gate will be shut after that."]


def passage(rng, domain, held):
    """A short passage; one in eight first sentences is in no training text."""
    while True:
        if domain == "story":
            s = f"The {rng.choice(ADJ)} {rng.choice(WHO)} {rng.choice(DID)} the {rng.choice(ADJ)} {rng.choice(WHAT)} {rng.choice(WHERE)}"
            first = s + (" " + rng.choice(AND) if rng.random() < 0.5 else "") + "."
            who = rng.choice(WHO)
            rest = f" Then the {who} {rng.choice(DID)} a {rng.choice(ADJ)} {rng.choice(WHAT)} {rng.choice(WHERE)}. {rng.choice(THEN)}"
        else:
            day = rng.choice(DAY)
            first = f"On {day} expect {rng.choice(SKY)} and {rng.choice(SKY)}."
            rest = f" On {day} {rng.choice(EVENT)} at {rng.choice(HOUR)}, and on {rng.choice(DAY)} {rng.choice(EVENT)} at {rng.choice(HOUR)}. {rng.choice(ASKED)}"
        if (bucket(first, 8) == 0) == held:
            return first + rest


def english_doc(rng):
    return [(passage(rng, rng.choice(("story", "notice")), False) + "\n", 1.0)]


# ------------------------------------------------------------------------------------------ training stream

KINDS = {"problem": problem_doc, "drill": drill_doc, "fact": fact_doc, "english": english_doc, "deck": deck_doc}


def stream(seed, mix, n, deck_weights=None):
    """n documents; mix is {kind: share of documents}."""
    rng = random.Random(seed)
    for kind in rng.choices(list(mix), list(mix.values()), k=n):
        if kind == "deck" and deck_weights:
            yield deck_doc(rng, rng.choices(list(deck_weights), list(deck_weights.values())))
        else:
            yield KINDS[kind](rng)


# ----------------------------------------------------------------------------------------- held-out questions


def questions():
    """The held-out questions of each family, distinct by their prompt."""
    rng = random.Random(SEED + 1)
    arithmetic, seen = [], set()
    while len(arithmetic) < QUESTIONS:
        d = problem(rng, True)
        if d["question"] not in seen:
            seen.add(d["question"])
            arithmetic.append({"id": f"arithmetic-{len(arithmetic) + 1:04d}", "question": d["question"], "answer": d["answer"], "facts": d["facts"]})
    pairs = [(t, a) for t in towns_of("test")[0] for a in ATTRIBUTES]
    rng.shuffle(pairs)
    choices = [{"id": f"choice-{i + 1:04d}", **choice(rng, *p)} for i, p in enumerate(pairs[:QUESTIONS])]
    controls = [choice(rng, t, a) for t in towns_of("control")[0] for a in ATTRIBUTES]
    spice = []
    for family in FAMILIES:
        numbers, tries = set(), 0
        while len(numbers) < QUESTIONS // len(FAMILIES):
            v = draw(rng, family)
            if number_held(family, v):
                numbers.add(v)
            tries += 1
            if tries > 100000:
                raise SystemExit(f"{family}: only {len(numbers)} numbers are held out, want {QUESTIONS // len(FAMILIES)}")
        spice.append([circuit(rng, family, v) for v in sorted(numbers)])
        rng.shuffle(spice[-1])
    spice = [{"id": f"spice-{i + 1:04d}", **d} for i, d in enumerate(d for row in zip(*spice) for d in row)]
    text, seen = [], set()
    while len(text) < QUESTIONS:
        domain = ("story", "notice")[len(text) % 2]
        s = passage(rng, domain, True)
        if s not in seen:
            seen.add(s)
            text.append({"id": f"text-{len(text) + 1:04d}", "text": s, "domain": domain})
    return {"arithmetic": arithmetic, "choice": choices, "spice": spice, "text": text, "control": controls}


def write(q):
    os.makedirs(DATA, exist_ok=True)
    for name in ("arithmetic", "choice", "spice", "text"):
        with open(os.path.join(DATA, name + ".jsonl"), "w") as f:
            for row in q[name]:
                f.write(json.dumps({k: v for k, v in row.items() if k not in ("number", "facts")}) + "\n")


def controls(q):
    """How far copying gets: nearest and random training decks, nearest training problems; and what leaks."""
    rng = random.Random(SEED + 2)
    spice = q["spice"]

    def rate(name, texts):
        by = {}
        for d, (ok, _) in zip(spice, score_all([(t, d["bench"]) for t, d in zip(texts, spice)])):
            by.setdefault(d["family"], []).append(ok)
        print(f"{name}: {sum(map(sum, by.values()))}/{len(spice)}", {f: sum(v) for f, v in by.items()}, flush=True)

    def far(a, b):
        """Numbers apart on a log scale; another decade, supply or structure is further than any number."""
        x, y = a["number"], b["number"]
        if a["family"] == "div":
            return (x[0] != y[0]) * 10 + abs(math.log(x[1] / y[1]))
        d = abs(math.log(x[0] / y[0]))
        return d + (10 if x[1:] != y[1:] else 0)

    rate("references", [d["reference"] for d in spice])
    train = {}
    for _ in range(20000):
        d = deck(rng)
        train.setdefault(d["family"], []).append(d)
    rate("random training deck of the family", [rng.choice(train[d["family"]])["reference"] for d in spice])
    rate("nearest of 20000 training decks of the family", [min(train[d["family"]], key=lambda t: far(d, t))["reference"] for d in spice])
    goals = {d["prompt"] for v in train.values() for d in v}
    print("goals also in training:", sum(d["prompt"] in goals for d in spice))
    by_ops = {}
    texts = set()
    for _ in range(60000):
        d = problem(rng, False)
        texts.add(d["question"])
        by_ops.setdefault("".join(f[0] for f in d["facts"]), []).append(d)
    rng2 = random.Random(SEED + 1)
    tests, seen = [], set()
    while len(tests) < QUESTIONS:
        d = problem(rng2, True)
        if d["question"] not in seen:
            seen.add(d["question"])
            tests.append(d)
    nums = lambda d: [d["facts"][0][1]] + [f[2] for f in d["facts"]]
    hit = 0
    for d in tests:
        same = by_ops.get("".join(f[0] for f in d["facts"]), [])
        near = min(same, key=lambda t: sum(abs(a - b) for a, b in zip(nums(d), nums(t))), default={"answer": None})
        hit += near["answer"] == d["answer"]
    print(f"arithmetic, answer of the nearest of 60000 training problems: {hit}/{len(tests)}; problems also in training: {sum(d['question'] in texts for d in tests)}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--check", action="store_true")
    a = p.parse_args()
    q = questions()
    write(q)
    if a.check:
        controls(q)
