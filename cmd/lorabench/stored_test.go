package main

import (
	"testing"

	"github.com/ailiance/lorabench"
)

func TestCommonPrefix(t *testing.T) {
	at := func(positions ...int) []lorabench.SampleResult {
		var arm []lorabench.SampleResult
		for _, p := range positions {
			arm = append(arm, lorabench.SampleResult{Position: p})
		}
		return arm
	}
	for _, tt := range []struct {
		name string
		arms [][]lorabench.SampleResult
		want int
	}{
		{"no variant", nil, 0},
		{"nothing stored", [][]lorabench.SampleResult{nil, nil}, 0},
		{"all have all", [][]lorabench.SampleResult{at(0, 1, 2), at(0, 1, 2)}, 3},
		{"one arm is shorter", [][]lorabench.SampleResult{at(0, 1, 2), at(0, 1)}, 2},
		{"a slow one is missing in one arm", [][]lorabench.SampleResult{at(0, 1, 2, 3, 4), at(0, 1, 3, 4)}, 2},
		{"different ones are missing", [][]lorabench.SampleResult{at(0, 1, 2, 4), at(0, 2, 3, 4)}, 1},
		{"the first is missing", [][]lorabench.SampleResult{at(1, 2, 3), at(0, 1, 2, 3)}, 0},
		{"one arm has nothing", [][]lorabench.SampleResult{at(0, 1), nil}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := commonPrefix(tt.arms); got != tt.want {
				t.Errorf("commonPrefix = %d, want %d", got, tt.want)
			}
		})
	}
}
