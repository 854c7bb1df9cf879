package spice

import (
	"errors"
	"strings"
	"testing"
)

const everything = "RCLDQE"

func TestParse(t *testing.T) {
	long := strings.Repeat("x", 250)
	for _, tt := range []struct {
		name, text, allowed string
		want                string // canonical deck, or the error from "!" on
	}{
		{"filter", "R1 in out 9.95k\nC1 out 0 10n\n.end\n", "RC", "r1 in out 9950\nc1 out 0 1e-08\n"},
		{"no newline at the end", "R1 in out 1k\n.end", "R", "r1 in out 1000\n"},
		{"windows line ends", "R1 in out 1k\r\n.END\r\n", "R", "r1 in out 1000\n"},
		{"blank lines and comments", "\n  \t\n* a comment; with $ {all} kinds é of things\nR1 in out 1k\n.end", "R", "r1 in out 1000\n"},
		{"forty lines", strings.Repeat("* c\n\n", 19) + "* c\nR1 in out 1k\n.end", "R", "r1 in out 1000\n"},
		{"comments count", strings.Repeat("* c\n\n", 20) + "R1 in out 1k\n.end", "R", "!more than 40 lines"},
		{"a long comment", "*" + long + "\nR1 in out 1k\n.end", "R", "r1 in out 1000\n"},
		{"after .end nothing is read", "R1 in out 1k\n.end\n.control\nshell touch x\n", "R", "r1 in out 1000\n"},
		{"lower case", "r1 IN Out 1K\n.end", "R", "r1 in out 1000\n"},
		{"gnd is node 0", "R1 in gnd 1\n.end", "R", "r1 in 0 1\n"},
		{"every suffix", "R1 a 0 1f\nR2 a 0 1p\nR3 a 0 1n\nR4 a 0 1u\nR5 a 0 1m\nR6 a 0 1k\nR7 a 0 1meg\nR8 a 0 1g\nR9 a 0 1t\n.end", "R",
			"r1 a 0 1e-15\nr2 a 0 1e-12\nr3 a 0 1e-09\nr4 a 0 1e-06\nr5 a 0 0.001\nr6 a 0 1000\nr7 a 0 1e+06\nr8 a 0 1e+09\nr9 a 0 1e+12\n"},
		{"exponents", "R1 a 0 1e3\nR2 a 0 .5e-3k\nR3 a 0 +2.\n.end", "R", "r1 a 0 1000\nr2 a 0 0.5\nr3 a 0 2\n"},
		{"diode", "D1 out b DX\n.model DX D\n.end", "D", "d1 out b dx\n.model dx d\n"},
		{"model before its use", ".MODEL QX NPN(BF=200 IS = 1e-15)\nQ1 out b e QX\n.end", "Q", "q1 out b e qx\n.model qx npn(bf=200 is=1e-15)\n"},
		{"model with a space", ".model QX PNP (bf=100)\nQ1 c b e qx\n.end", "Q", "q1 c b e qx\n.model qx pnp(bf=100)\n"},
		{"op-amp", "E1 out 0 in x 1meg\n.end", "E", "e1 out 0 in x 1e+06\n"},
		{"inverting op-amp", "E1 out 0 in x -1e5\n.end", "E", "e1 out 0 in x -100000\n"},
		{"empty deck", ".end", "R", ""},

		{"no end", "R1 in out 1k\n", "R", "!no .end"},
		{"empty", "", "R", "!no .end"},
		{"prose", "Here is your circuit:\n.end", "R", `!line 1: "Here is your circuit:": not an element`},
		{"end on the same line", "R1 in out 1k .end", "R", "!line 1"},
		{"letter not allowed", "L1 in out 1m\n.end", "RC", "!element L is not allowed, want one of RC"},
		{"source", "V2 in 0 5\n.end", everything, "!not an element"},
		{"current source", "I2 in 0 5\n.end", everything, "!not an element"},
		{"behavioural source", "B1 out 0 V=1\n.end", everything, "!not an element"},
		{"code model", "A1 in out filesource\n.end", everything, "!not an element"},
		{"subcircuit", "X1 in out sub\n.end", everything, "!not an element"},
		{"name twice", "R1 a 0 1\nr1 b 0 1\n.end", "R", "!line 2: \"r1 b 0 1\": element r1 is there twice"},
		{"zero", "R1 a 0 0\n.end", "R", "!want more than 0"},
		{"negative", "C1 a 0 -1n\n.end", "C", "!want more than 0"},
		{"units", "C1 a 0 10nF\n.end", "C", "!number \"10nf\""},
		{"ohms", "R1 a 0 10kohm\n.end", "R", "!number"},
		{"parameter", "R1 a 0 {rval}\n.end", "R", `!character '{'`},
		{"expression", "R1 a 0 '1+1'\n.end", "R", `!character '\''`},
		{"infinite", "R1 a 0 inf\n.end", "R", "!number"},
		{"not a number", "R1 a 0 nan\n.end", "R", "!number"},
		{"hexadecimal", "R1 a 0 0x10\n.end", "R", "!number"},
		{"out of range", "R1 a 0 1e400\n.end", "R", "!out of range"},
		{"too few words", "R1 a 1k\n.end", "R", "!3 words, want name, 2 nodes and a value"},
		{"too many words", "C1 a 0 1n ic=1\n.end", "C", "!want name, 2 nodes and a value"},
		{"diode with area", "D1 a 0 DX 2\n.model DX D\n.end", "D", "!want name, 2 nodes and a model"},
		{"model is not defined", "D1 a 0 DX\n.end", "D", "!model dx is not defined"},
		{"model of the wrong type", "Q1 c b e DX\n.model DX D\n.end", "Q", "!model dx is of type d"},
		{"model twice", ".model DX D\n.model dx D\n.end", "D", "!model dx is there twice"},
		{"model of another type", ".model M NMOS\n.end", "D", "!want D, NPN or PNP"},
		{"model parameter is a name", ".model DX D(file=x)\n.end", "D", "!number"},
		{"model parameter is a path", ".model DX D(is=/etc/passwd)\n.end", "D", "!number"},
		{"model parameters without end", ".model DX D(is=1\n.end", "D", "!want .model"},
		{"model without =", ".model DX D(is 1)\n.end", "D", "!want k=v"},
		{"parameter twice", ".model DX D(is=1 is=2)\n.end", "D", "!is there twice"},
		{"gain of an amplifier", "E1 out 0 in 0 10\n.end", "E", "!want at least 100000"},
		{"poly", "E1 out 0 poly 0 1meg\n.end", "E", "!keyword"},
		{"continuation", "R1 in out 1\n+ 1k\n.end", "R", "!continuation"},
		{"semicolon", "R1 in out 1k ; x\n.end", "R", `!character ';'`},
		{"dollar", "R1 in out 1k $ x\n.end", "R", `!character '$'`},
		{"double quote", "R1 in \"out\" 1k\n.end", "R", `!character '"'`},
		{"not ASCII", "R1 in out 1kΩ\n.end", "R", "!not ASCII"},
		{"control character", "R1 in\x00 out 1k\n.end", "R", "!control character 0x00"},
		{"old mac line ends", "R1 in out 1k\r.control\n.end", "R", "!control character 0x0d"},
		{"form feed", "R1 in out 1k\f\n.end", "R", "!control character"},
		{"a long line", "R1 in out " + long + "\n.end", "R", "!want at most 200"},
		{"a long name", "R" + strings.Repeat("1", 40) + " in out 1\n.end", "R", "!element name"},
		{"many lines", manyResistors(41) + ".end", "R", "!more than 40 lines"},
		{"analysis", "R1 a 0 1\n.ac dec 10 1 1k\n.end", "R", "!.ac is not allowed"},
		{"print", ".print ac v(out)\n.end", "R", "!.print is not allowed"},
		{"ends", "R1 a 0 1\n.ends\n.end", "R", "!.ends is not allowed"},
		{"a large text", "*" + strings.Repeat("x", 70000) + "\n.end", "R", "!longer than 65536 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse(tt.text, tt.allowed)
			if want, bad := strings.CutPrefix(tt.want, "!"); bad {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Parse = %v, want %q", err, want)
				}
				var line *LineError
				if err != nil && !errors.Is(err, ErrNoEnd) && !errors.As(err, &line) {
					t.Errorf("error %T is neither ErrNoEnd nor a LineError", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := d.String(); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func manyResistors(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("R")
		b.WriteString(strings.Repeat("1", i%20+1))
		b.WriteString([]string{"a", "b", "c"}[i/20])
		b.WriteString(" a 0 1\n")
	}
	return b.String()
}

func TestParseFortyLines(t *testing.T) {
	if d, err := Parse(manyResistors(40)+".end", "R"); err != nil || len(d.Elements) != 40 {
		t.Errorf("40 lines: %d elements, %v", len(d.Elements), err)
	}
}

// hostile decks: each is known to run a command, read a file or load code in
// plain ngspice.
func hostile(marker string) map[string]string {
	return map[string]string{
		"shell":                  ".control\nshell touch " + marker + "\n.endc\n",
		"upper case":             ".CONTROL\nshell touch " + marker + "\n.ENDC\n",
		"indented":               "   .control\n shell touch " + marker + "\n.endc\n",
		"prefix":                 ".controlxyz\nshell touch " + marker + "\n.endc\n",
		"without endc":           ".control\nshell touch " + marker + "\n",
		"windows line ends":      ".control\r\nshell touch " + marker + "\r\n.endc\r\n",
		"back-quotes":            ".control\necho `touch " + marker + "`\n.endc\n",
		"redirection":            ".control\necho x > " + marker + "\n.endc\n",
		"write":                  ".control\nop\nwrite " + marker + "\n.endc\n",
		"pre_shell":              ".control\npre_shell touch " + marker + "\n.endc\n",
		"comment that is run":    "*# shell touch " + marker + "\n",
		"script":                 "*ng_script\nshell touch " + marker + "\n",
		"codemodel":              ".control\ncodemodel /tmp/x.cm\n.endc\n",
		"pre_codemodel":          ".control\npre_codemodel /tmp/x.cm\n.endc\n",
		"include":                ".include /etc/passwd\n",
		"inc":                    ".inc /etc/passwd\n",
		"lib":                    ".lib /etc/passwd tt\n",
		"file source":            "a1 %v([out]) f1\n.model f1 filesource(file=\"/etc/passwd\" amploffset=[0] amplscale=[1])\n",
		"process":                "a1 [in] clk null [out] p1\n.model p1 d_process(process_file=\"/bin/touch\" process_params=[\"" + marker + "\"])\n",
		"model of a file source": ".model f1 filesource(file=1)\n",
		"save":                   ".save all\n",
		"measure":                ".measure tran x find v(out) at=1\n",
		"csparam":                ".csparam x={1}\n",
		"func":                   ".func f(x) {x}\n",
		"subckt":                 ".subckt a b\n.ends\n",
		"options":                ".options seed=random\n",
		"global":                 ".global x\n",
		"temp":                   ".temp 500\n",
		"if":                     ".if (1)\n.endif\n",
	}
}

func TestParseRefusesHostile(t *testing.T) {
	for name, text := range hostile("/tmp/marker") {
		for _, deck := range []string{
			text + "R1 in out 1k\n.end\n",
			"R1 in out 1k\n" + text + ".end\n",
		} {
			if d, err := Parse(deck, everything); err == nil {
				t.Errorf("%s: parsed to\n%s", name, d)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range hostile("/tmp/marker") {
		f.Add(text+".end", everything)
	}
	f.Add("R1 in out 9.95k\nC1 out 0 10n\n.end\n", "RC")
	f.Add(".model QX NPN(BF=200)\nQ1 out b e QX\nE1 out 0 in x 1meg\nD1 a 0 d\n.model d d\n.end", everything)
	f.Fuzz(func(t *testing.T, text, allowed string) {
		d, err := Parse(text, allowed)
		if err != nil {
			if len(err.Error()) > 500 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		// What is accepted is plain, and reads back as itself.
		out := d.String()
		if len(out) > 3*maxText || len(d.Elements)+len(d.Models) > maxLines {
			t.Fatalf("%d bytes, %d elements", len(out), len(d.Elements))
		}
		for i := range len(out) {
			if c := out[i]; c != '\n' && (c < ' ' || c > '~') || strings.IndexByte("`$;{}'\"<>|*#/\\", c) >= 0 {
				t.Fatalf("character %q in\n%s", c, out)
			}
		}
		for line := range strings.Lines(out) {
			if line[0] == '.' && !strings.HasPrefix(line, ".model ") {
				t.Fatalf("line %q", line)
			}
		}
		again, err := Parse(out+".end", allowed)
		if err != nil {
			t.Fatalf("own output refused: %v\n%s", err, out)
		}
		if again.String() != out {
			t.Fatalf("\n%swant\n%s", again.String(), out)
		}
	})
}
