package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/benchmark"
)

// growthExample is a document with every kind of entry.
func growthExample() *growthDocument {
	d := benchExample()
	point := func(x int, y float64) *benchmark.Point {
		return &benchmark.Point{X: x, Value: &benchmark.Spread{Median: y, Min: y * 0.9, Max: y * 1.1, N: 5}, Shared: 0.5, OfCeiling: 0.4, Limit: "compute"}
	}
	return &growthDocument{
		Schema: "lorabench/growth/1", Model: d.Model, Machine: d.Machine,
		Curves: []*benchmark.Curve{
			{Axis: "samples", Name: "choice", Unit: "seconds", Points: []*benchmark.Point{point(100, 3), point(1000, 29), {X: 10000, Reason: "the budget was spent"}}},
			{Axis: "context", Name: "prefill", Unit: "tokens per second", Points: []*benchmark.Point{point(128, 900), point(512, 800)}},
			{Axis: "context", Name: "decode", Unit: "tokens per second", Points: []*benchmark.Point{{X: 128, Reason: "the budget was spent"}}},
		},
	}
}

func TestGrowthRenderings(t *testing.T) {
	var text, doc, picture bytes.Buffer
	if err := printGrowth(&text, growthExample()); err != nil {
		t.Fatal(err)
	}
	golden(t, "growth.txt", text.Bytes())
	if err := printJSON(&doc, growthExample()); err != nil {
		t.Fatal(err)
	}
	golden(t, "growth.json", doc.Bytes())
	if err := drawGrowth(&picture, growthExample()); err != nil {
		t.Fatal(err)
	}
	checkPicture(t, picture.String(), "samples", "context", "prefill", "seconds", "1000")
}

// checkPicture wants well-formed XML with these texts.
func checkPicture(t *testing.T, picture string, texts ...string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(picture))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range texts {
		if !strings.Contains(picture, ">"+text+"<") {
			t.Errorf("the picture does not say %q", text)
		}
	}
	if strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
		t.Error("the picture has numbers that are none")
	}
}

// TestGrowthOfLittle: no point, and a single one, have no range.
func TestGrowthOfLittle(t *testing.T) {
	for _, p := range []*benchmark.Point{{X: 1, Reason: "the budget was spent"}, {X: 1, Value: &benchmark.Spread{Median: 2, Min: 2, Max: 2, N: 1}}} {
		var picture bytes.Buffer
		d := &growthDocument{Curves: []*benchmark.Curve{{Axis: "samples", Name: "choice", Points: []*benchmark.Point{p}}}}
		if err := drawGrowth(&picture, d); err != nil {
			t.Fatal(err)
		}
		checkPicture(t, picture.String(), "samples")
	}
}

func TestGrowth(t *testing.T) {
	dir := t.TempDir()
	s := try(t, t.Context(), dir, "bench", "--growth", "--shape", "tiny", "--storage", "q8", "--quick", "--adapters", "1", "--repeats", "1", "--threads", "1", "--budget", "2s", "--svg", "growth.svg", "--json", "--quiet")
	if s.code != 0 {
		t.Fatalf("exit code %d: %s", s.code, s.err)
	}
	var d growthDocument
	if err := json.Unmarshal([]byte(s.out), &d); err != nil {
		t.Fatal(err)
	}
	if d.Schema != "lorabench/growth/1" || len(d.Curves) != 8 || d.Machine.Ceiling == nil {
		t.Errorf("%+v", d)
	}
	for _, c := range d.Curves {
		for _, p := range c.Points {
			if (p.Value == nil) == (p.Reason == "") {
				t.Errorf("%s, %s %d: %+v", c.Name, c.Axis, p.X, p)
			}
		}
	}
	picture, err := os.ReadFile(filepath.Join(dir, "growth.svg"))
	if err != nil {
		t.Fatal(err)
	}
	checkPicture(t, string(picture), "samples", "threads")
}
