package stats

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

type vectors struct {
	McNemar []struct {
		B, C     int
		TwoSided float64 `json:"two_sided"`
		Worse    float64 `json:"one_sided_worse"`
	}
	Tango  []boundsOfPairs `json:"tango95"`
	BP     []boundsOfPairs `json:"bonett_price95"`
	TangoZ []struct {
		B, C, N int
		Delta0  float64
		Z       float64
	} `json:"tango_z"`
	Holm, BH struct{ P, Adj []float64 }
	Wilson   []struct {
		K, N   int
		Lo, Hi float64
	} `json:"wilson95"`
	Clustered struct {
		CR0 float64 `json:"se_cr0"`
		CR1 float64 `json:"se_cr1"`
	}
	PassAtK []struct {
		N, C, K int
		V       float64
	} `json:"pass_at_k"`
	T      map[string]float64 `json:"t_quantile_975"`
	Normal map[string]float64 `json:"norm_quantile"`
}

type boundsOfPairs struct {
	B, C, N int
	Lo, Hi  float64
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

func TestVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "vectors", "stats", "stats_vectors.json"))
	if err != nil {
		t.Skip("../shared is not there")
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	for _, x := range v.McNemar {
		m := Pairs{x.B, x.C, x.B + x.C + 10}.McNemar()
		near(t, "mcnemar two-sided", m.TwoSided, x.TwoSided)
		near(t, "mcnemar worse", m.Worse, x.Worse)
	}
	for _, x := range v.Tango {
		i, err := Pairs{x.B, x.C, x.N}.Tango(0.95)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "tango lo", i.Lo, x.Lo)
		near(t, "tango hi", i.Hi, x.Hi)
	}
	for _, x := range v.BP {
		i, err := Pairs{x.B, x.C, x.N}.BonettPrice(0.95)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "bonett–price lo", i.Lo, x.Lo)
		near(t, "bonett–price hi", i.Hi, x.Hi)
	}
	for _, x := range v.TangoZ {
		near(t, "tango z", Pairs{x.B, x.C, x.N}.TangoZ(x.Delta0), x.Z)
	}
	for i, got := range Holm(v.Holm.P) {
		near(t, "holm", got, v.Holm.Adj[i])
	}
	for i, got := range BenjaminiHochberg(v.BH.P) {
		near(t, "benjamini–hochberg", got, v.BH.Adj[i])
	}
	for _, x := range v.Wilson {
		i, err := Wilson(x.K, x.N, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "wilson lo", i.Lo, x.Lo)
		near(t, "wilson hi", i.Hi, x.Hi)
	}
	e, err := ClusteredMean([]float64{1, 0, 1, 1, 0, 0, 1, 1}, []string{"a", "a", "b", "b", "c", "c", "d", "d"})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "clustered with correction", e.SE, v.Clustered.CR1)
	near(t, "clustered without", e.SE*math.Sqrt(3.0/4), v.Clustered.CR0)
	for _, x := range v.PassAtK {
		got, err := PassAtK(x.N, x.C, x.K)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "pass at k", got, x.V)
	}
	for df, want := range v.T {
		n, err := strconv.ParseFloat(df, 64)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "t quantile, df "+df, StudentQuantile(0.975, n), want)
	}
	for p, want := range v.Normal {
		x, err := strconv.ParseFloat(p, 64)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "normal quantile "+p, NormalQuantile(x), want)
	}
	if n := len(v.McNemar) + len(v.Tango) + len(v.BP) + len(v.TangoZ) + len(v.Wilson) + len(v.PassAtK) + len(v.T) + len(v.Normal); n != 7+7+3+4+4+5+5+5 {
		t.Errorf("%d vectors read, want 40", n)
	}
}
