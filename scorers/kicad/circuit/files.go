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
	name := "schematic.kicad_sch"
	flush := func() {
		if len(files) > 0 || strings.TrimSpace(body.String()) != "" {
			files = append(files, File{name, body.String()})
		}
		body.Reset()
	}
	marked := false
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, fileMark)
		if !ok {
			body.WriteString(line)
			continue
		}
		if marked || strings.TrimSpace(body.String()) != "" {
			flush()
		}
		body.Reset()
		marked = true
		name = path.Clean(strings.Trim(strings.TrimSpace(rest), `"`))
	}
	if marked || strings.TrimSpace(body.String()) != "" {
		files = append(files, File{name, body.String()})
	}
	return files
}
