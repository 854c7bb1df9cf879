package circuit

import (
	"path"
	"strings"
)

// File is a file of a schematic.
type File struct {
	Name string
	Text string
}

const fileMark = ";; file "

// Split takes a text of several files apart. A line ";; file NAME" stands in
// front of each; the first is the root. A text without such a line is one file.
func Split(text string) []File {
	var files []File
	var body strings.Builder
	name, marked := "schematic.kicad_sch", false
	end := func() {
		if marked || strings.TrimSpace(body.String()) != "" {
			files = append(files, File{name, body.String()})
		}
		body.Reset()
	}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, fileMark)
		if !ok {
			body.WriteString(line)
			continue
		}
		end()
		name, marked = path.Clean(strings.Trim(strings.TrimSpace(rest), `"`)), true
	}
	end()
	return files
}
