//go:build unix

package env

import "testing"

func TestPeakMemory(t *testing.T) {
	before, err := PeakMemory()
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	block := make([]byte, before+size) // more than there ever was
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	after, err := PeakMemory()
	if err != nil {
		t.Fatal(err)
	}
	if after < before+size/2 || after > 16*(before+size) || block[0] != 1 {
		t.Errorf("%d bytes at most, %d before %d were written", after, before, len(block))
	}
}
