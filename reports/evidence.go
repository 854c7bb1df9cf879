package reports

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ailiance/lorabench"
)

var runDate = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})-\d{6}`)

// EvidencePath returns the folder of a measurement below the output directory,
// with slashes: <date>/<run>/<task>/<variant>. The date is the run's, so that a
// run over midnight stays together. Names are made safe: none leaves the folder,
// and two names never become one.
func EvidencePath(m lorabench.Measurement) string {
	date := m.Started.UTC().Format("2006-01-02")
	if d := runDate.FindStringSubmatch(m.Run); d != nil {
		date = d[1] + "-" + d[2] + "-" + d[3]
	}
	return path.Join(date, safeName(m.Run), safeName(m.Task.Name), safeName(m.Variant.Name))
}

// safeName writes all but letters, digits and ._@+- as %XX, and a dot that comes
// first, so that a name is one path element on every system.
func safeName(name string) string {
	if name == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '_' || c == '@' || c == '+' || c == '-' || c == '.' && i > 0
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
