//go:build cgo

package results

import (
	"fmt"
	"testing"
)

// One transaction, and so one fsync, for each engine step.
func BenchmarkAppendAll(b *testing.B) {
	for _, batch := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("samples=%d", batch), func(b *testing.B) {
			s, err := Open(b.Context(), b.TempDir()+"/lorabench.db", Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if err := s.CreateRun(b.Context(), testRun("r")); err != nil {
				b.Fatal(err)
			}
			id, err := s.CreateMeasurement(b.Context(), testMeasurement("r", "base"))
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				results := make([]Measured, batch)
				for i := range results {
					results[i] = Measured{id, testResult(n)}
					n++
				}
				if err := s.AppendAll(b.Context(), results); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}

func BenchmarkSampleResults(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir()+"/lorabench.db", Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.CreateRun(b.Context(), testRun("r")); err != nil {
		b.Fatal(err)
	}
	id, err := s.CreateMeasurement(b.Context(), testMeasurement("r", "base"))
	if err != nil {
		b.Fatal(err)
	}
	const samples = 2000
	results := make([]Measured, samples)
	for i := range results {
		results[i] = Measured{id, testResult(i)}
	}
	if err := s.AppendAll(b.Context(), results); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		for _, err := range s.SampleResults(b.Context(), id) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != samples {
			b.Fatalf("%d samples, want %d", n, samples)
		}
	}
	b.ReportMetric(float64(samples*b.N)/b.Elapsed().Seconds(), "samples/s")
}
