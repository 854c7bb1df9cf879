package spice

import (
	"errors"
	"strings"
	"testing"
)

func TestSanitise(t *testing.T) {
	const circuit = "V1 in 0 1\nR1 in 0 1k\n.op\n"
	for _, tt := range []struct {
		name, deck string
		want       string // the circuit between our title and .end
		dropped    string // reasons, with a comma between
	}{
		{"a plain deck", "my title\n" + circuit + ".end\n", "* my title\n" + circuit, ""},
		{"no end", "my title\n" + circuit, "* my title\n" + circuit, ""},
		{"windows", "my title\r\nV1 in 0 1\r\n.op\r\n.end\r\n", "* my title\nV1 in 0 1\n.op\n", ""},
		{"byte order mark", "\ufeffmy title\n.op\n", "* my title\n.op\n", ""},
		{"no title", circuit + ".end\n", circuit, ""},
		{"no title, a directive", ".op\nV1 in 0 1\n", ".op\nV1 in 0 1\n", ""},
		{"a title that begins like an element", "RC low-pass filter, 1 kHz\n" + circuit, "* RC low-pass filter, 1 kHz\n" + circuit, ""},
		{"a title of four words", "Common source amplifier 2\n" + circuit, "* Common source amplifier 2\n" + circuit, ""},
		{"a control block", "t\n.control\nshell date\n.endc\n" + circuit, "* t\n" + circuit, whyControl},
		{"upper case, indented", "t\n \t.CONTROL\nrun\n  .ENDC\n" + circuit, "* t\n" + circuit, whyControl},
		{"prefix", "t\n.controlxyz\nrun\n.endc\n" + circuit, "* t\n" + circuit, whyControl},
		{"without end", "t\n" + circuit + ".control\nrun\n.end\nR2 in 0 1k\n", "* t\n" + circuit, whyControl},
		{"after the end", "t\n" + circuit + ".end\n\n.control\nshell date\n.endc\n", "* t\n" + circuit, whyAfterEnd},
		{"a control block as the first line", ".control\nshell date\n.endc\n" + circuit, circuit, whyControl},
		{"behind a byte that is no space", "t\n\xa0.control\nshell date\n.endc\n" + circuit, "* t\n" + circuit, whyControl},
		{"a comment that is run", "t\n*# shell date\n" + circuit, "* t\n" + circuit, whyScript},
		{"a script", "*ng_script\n" + circuit, circuit, whyScript},
		{"two things", "*ng_script\nV1 in 0 1\n*#run\n.control\nrun\n.endc\n.op\n", "V1 in 0 1\n.op\n", whyScript + ", " + whyScript + ", " + whyControl},
		{"ends of other things", "t\n.subckt s a b\nR1 a b 1\n.ends\n.if (1)\n.endif\n" + circuit, "* t\n.subckt s a b\nR1 a b 1\n.ends\n.if (1)\n.endif\n" + circuit, ""},
		{"an empty deck", "", "", ""},
	} {
		got, err := Sanitise(tt.deck)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var reasons []string
		for _, d := range got.Dropped {
			reasons = append(reasons, d.Reason)
		}
		if want := title + "\n" + tt.want + ".end\n"; got.Deck != want || strings.Join(reasons, ", ") != tt.dropped {
			t.Errorf("%s: got\n%s\ndropped %q, want\n%s\ndropped %q", tt.name, got.Deck, reasons, want, tt.dropped)
		}
		if again, err := Sanitise(got.Deck); err != nil || len(again.Dropped) > 0 {
			t.Errorf("%s: the result is not clean: dropped %+v, %v", tt.name, again.Dropped, err)
		}
	}
}

func TestSanitiseFirstLine(t *testing.T) {
	for line, element := range map[string]bool{
		"R1 in out 1k":                 true,
		"Rload out 0 {r}":              true,
		"C1 a b 100nF":                 true,
		"Vin in 0 AC 1":                true,
		"V1 in 0 SIN(0 1 1k)":          true,
		"I1 0 out 1m":                  true,
		"L1 a b 10uH IC=0":             true,
		"E1 out 0 p n 1e5":             true,
		"B1 out 0 V=v(a)*2":            true,
		"M1 d g s b NM W=1u L=1u":      true,
		"Q1 c b e known":               true,
		"X1 a b sub":                   true,
		"D1 a k dx":                    true,
		"Rf inn out 10k":               true,
		"Q1 amplifier stage test":      false,
		"Low-pass filter with R1 = 1k": false,
		"R-2R ladder 8 bit":            false,
		"LC tank circuit 10 MHz":       false,
		"Voltage divider":              false,
		"Inverting amplifier, gain 10": false,
		"* comment":                    false,
		"Colpitts oscillator at 1 MHz": false,
	} {
		s, err := Sanitise(line + "\n.model NM NMOS\n.model known NPN\n.model DX D\n.subckt SUB a b\n.ends\n.op\n.end\n")
		if err != nil || s.Untitled != element {
			t.Errorf("%q: taken for an element: %v, %v; want %v", line, s.Untitled, err, element)
		}
	}
}

func TestSanitiseRefuses(t *testing.T) {
	for _, tt := range []struct{ line, reason string }{
		{".include /etc/passwd", whyFile},
		{".INC models.txt", whyFile},
		{"  .lib 'a.lib' tt", whyFile},
		{".inc\n+ lude /etc/passwd", whyFile},
		{".i\n+nclude /etc/passwd", whyFile},
		{"a1 %v([o]) f1\n.model f1 filesource(file=\"/etc/passwd\")", whyFile},
		{".model f1 file\n+source(file=\"x\")", whyFile},
		{".model f1\n* comment\n+ d_source (input_file = \"x\")", whyFile},
		{".model f1 d_state(state_file=\"x\")", whyFile},
		{".model t1 table2d(offset=0 gain=1 order=2 file=\"x\")", whyFile},
		{".model f1 x(file\n+ \n+   =\"x\")", whyFile},
		{".model p1 d_process(process_file=\"/bin/sh\")", whyProcess},
		{"R1 a 0 `date`", whyQuote},
		{"R1 a 0 1k\x00", whyControlC},
		{"R1 a 0 1k\r.control", whyControlC},
		{"R1 a 0 1k\x0c", whyControlC},
		{"codemodel x.so", whyFile},
	} {
		s, err := Sanitise("t\nV1 a 0 1\n" + tt.line + "\n.op\n.end\n")
		var line *LineError
		if !errors.As(err, &line) || line.Reason != tt.reason {
			t.Errorf("%q: %v\n%s\nwant it refused: %s", tt.line, err, s.Deck, tt.reason)
		}
	}
	for _, deck := range []string{strings.Repeat("R1 a 0 1\n", 1<<18), strings.Repeat("x", 2<<20)} {
		if _, err := Sanitise(deck); err == nil {
			t.Errorf("a deck of %d bytes is not refused", len(deck))
		}
	}
	for _, fine := range []string{
		"R1 profile 0 1k", ".ic v(file)=1", ".param filein=1 profile=2", ".model libra NPN(bf=100)", ".options reltol=1e-4", ".save all",
		"B1 a 0 v=table(v(b), 0, 0)", ".measure tran x find v(out) at=1", "* a comment with ` and .include",
	} {
		if _, err := Sanitise("t\n" + fine + "\n"); err != nil {
			t.Errorf("%q is refused: %v", fine, err)
		}
	}
}

// dangerous is what no line of a sanitised deck begins with or has.
func dangerous(deck string) string {
	for i, line := range strings.Split(deck, "\n") {
		bare := strings.ToLower(strings.TrimLeftFunc(line, blank))
		switch {
		case strings.HasPrefix(bare, ".control"), strings.HasPrefix(bare, "*#"), strings.HasPrefix(bare, "*ng_script"), strings.HasPrefix(bare, ".inc"), strings.HasPrefix(bare, ".lib"):
			return line
		case !strings.HasPrefix(bare, "*") && strings.ContainsAny(line, "`\x00\r\f\v"):
			return line
		case i == 0 && line != title:
			return line
		}
	}
	return ""
}

func FuzzSanitise(f *testing.F) {
	for _, text := range hostile("/tmp/marker") {
		f.Add("t\n" + text + "R1 in 0 1k\n.op\n.end\n")
		f.Add(text + ".end")
	}
	f.Add("t\n.mod\n+el x file\n+source(file=1)\n\xa0.control\n")
	f.Fuzz(func(t *testing.T, deck string) {
		s, err := Sanitise(deck)
		if err != nil {
			return
		}
		if line := dangerous(s.Deck); line != "" {
			t.Errorf("%q is left of\n%q", line, deck)
		}
		if again, err := Sanitise(s.Deck); err != nil || len(again.Dropped) > 0 {
			t.Errorf("the result of\n%q\nis not clean: %+v, %v", deck, again, err)
		}
	})
}
