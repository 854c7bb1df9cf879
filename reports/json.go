package reports

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the report as one document, schema lorabench/report/1: numbers at
// full precision, null where there is none.
func JSON(w io.Writer, r *Report) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	return nil
}
