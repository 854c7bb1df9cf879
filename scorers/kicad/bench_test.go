package kicad

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkReadNetlist reads the largest schematics that are here, files and
// all.
func BenchmarkReadNetlist(b *testing.B) {
	for _, name := range []string{"video/video", "kit-dev-coldfire-xilinx_5213/kit-dev-coldfire-xilinx_5213", "vme-wren/vme-wren"} {
		schematic := filepath.Join(*demos, name+".kicad_sch")
		if _, err := os.Stat(schematic); err != nil {
			continue
		}
		b.Run(filepath.Base(name), func(b *testing.B) {
			pins := 0
			for b.Loop() {
				n, err := ReadNetlist(b.Context(), schematic, readFile(b, schematic), beside(schematic), Limits{})
				if err != nil {
					b.Fatal(err)
				}
				pins = 0
				for _, net := range n.Nets {
					pins += len(net.Pins)
				}
			}
			b.ReportMetric(float64(pins)*float64(b.N)/b.Elapsed().Seconds(), "pins/s")
		})
	}
}
