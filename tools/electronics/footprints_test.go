package electronics

import (
	"testing"

	"github.com/ailiance/lorabench/scorers"
)

func TestFootprints(t *testing.T) { checkTask(t, "kicad_pcb", scorers.Tools{}, 200, 4) }
