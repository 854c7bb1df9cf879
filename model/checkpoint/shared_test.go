package checkpoint

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared is where the reference vectors lie, beside the repository.
const shared = "../../../shared"

// sharedDir returns the path of a folder of reference material, or skips.
func sharedDir(t testing.TB, path ...string) string {
	t.Helper()
	if _, err := os.Stat(shared); err != nil {
		t.Skip("../shared is not there")
	}
	dir := filepath.Join(append([]string{shared}, path...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readShared(t testing.TB, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(sharedDir(t, path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// safetensorsFile makes a file of a header as text and data.
func safetensorsFile(header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// wantError checks that err says what it should.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one that says %q", err, want)
	}
}

// nested returns the JSON value 0 in that many arrays.
func nested(levels int) string {
	return fmt.Sprint(strings.Repeat("[", levels), "0", strings.Repeat("]", levels))
}
