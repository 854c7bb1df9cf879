package electronics

import (
	"testing"

	"github.com/ailiance/lorabench/scorers"
)

func TestKicadSchGen(t *testing.T) {
	checkTask(t, "kicad_sch_gen", scorers.Tools{}, 100, 5)
}

func TestSchExtract(t *testing.T) {
	checkTask(t, "sch_extract", scorers.Tools{}, 100, 4)
}
