package circuit

import "testing"

func TestSameValue(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"4.7k", "4k7", true}, {"4.7k", "4700", true}, {"4.7k", "4.70K", true}, {"4.7k", "4.7k\u03a9", true}, {"4.7k", "4.7 kohm", true},
		{"4.7k", "4700R", true}, {"4.7k", "4.7e3", true}, {"4.7k", "0.0047M", true}, {"4k7", "4k7 ohm", true}, {"4k7", "4K70", true},
		{"100n", "100nF", true}, {"100n", "0.1u", true}, {"100nF", "0.1\u00b5F", true}, {"100nF", "0.1\u03bcF", true}, {"100n", "1e-7", true}, {"100n", "100000pF", true},
		{"4u7", "4.7uF", true}, {"10u", "10uF", true}, {"10uH", "10u", true}, {"0.1", "100m", true}, {"0.1", "0R1", true}, {"470", "470R", true}, {"470", "470.0", true},
		{"16MHz", "16M", true}, {"16MHz", "16000000", true}, {"32.768kHz", "32768Hz", true}, {"5V1", "5.1V", true}, {"3V3", "3.3", true}, {"1Meg", "1M", true},
		{"LM358", "lm358", true}, {"BC547", "BC547 ", true}, {"1N4148", "1n4148", true}, {"2N3904", "2N3904", true}, {"", "", true},

		{"4.7k", "4.7M", false}, {"4.7k", "4.7", false}, {"4.7k", "47k", false}, {"1M", "1m", false}, {"100nF", "100nH", false}, {"100n", "100p", false},
		{"LM358", "LM324", false}, {"1N4148", "1N4007", false}, {"10k", "", false}, {"10k", "10k 1%", false}, {"10k", "R", false}, {"7805", "L7805", false},
		{"2N3904", "2.3904n", false}, {"4k7", "4k7k", false}, {"1.2.3k", "1.2.3k ", true}, {"1.2.3k", "1.2k", false}, {"4.7k7", "4.77k", false}, {"5V1", "51V", false},
		{"NaN", "nan", true}, {"Inf", "1e999", false}, {"1e999", "1e998", false}, {"-5V", "5V", false}, {"-12V", "-12", true}, {"500mA", "0.5A", true}, {"1A", "1V", false},
	} {
		if got := SameValue(tt.a, tt.b); got != tt.same {
			t.Errorf("SameValue(%q, %q) = %v", tt.a, tt.b, got)
		}
		if got := SameValue(tt.b, tt.a); got != tt.same {
			t.Errorf("SameValue(%q, %q) = %v", tt.b, tt.a, got)
		}
	}
}

func FuzzSameValue(f *testing.F) {
	f.Add("4k7", "4.7k")
	f.Add("1e308k", "\u00b5")
	f.Fuzz(func(t *testing.T, a, b string) {
		if SameValue(a, b) != SameValue(b, a) {
			t.Errorf("SameValue(%q, %q) depends on the order", a, b)
		}
		if !SameValue(a, a) {
			t.Errorf("%q is not itself", a)
		}
	})
}
