package stats

import (
	"fmt"
	"math"
)

// bets is the number of steps of the grid of bets; the last is left out.
const bets = 40

// Betting is an e-process against a hypothesis on the mean damage δ of
// differences in [−1, 1]: wealth that is expected not to grow while the
// hypothesis holds. It may be looked at after every sample; the chance that it
// ever reaches 1/α under the hypothesis is at most α.
//
// It is not for concurrent use.
//
// Source: Waudby-Smith and Ramdas 2024, JRSS-B 86; without replacement: the
// same, NeurIPS 2020.
type Betting struct {
	sign       float64 // −1 turns the hypothesis round
	margin     float64
	population int // 0: new samples like these; else drawn without replacement
	seen       int
	sum        float64
	wealth     [bets - 1]float64 // logarithms
	certain    bool              // the hypothesis can no longer hold
}

// NonInferiority bets against δ ≥ margin: wealth 1/α is a PASS. population 0
// asks about new samples like these, else about the mean of a benchmark of that
// many samples that come in random order.
func NonInferiority(margin float64, population int) (*Betting, error) {
	return newBetting(1, margin, population)
}

// Breach bets against δ ≤ margin: wealth 1/α is a BREACH.
func Breach(margin float64, population int) (*Betting, error) {
	return newBetting(-1, margin, population)
}

func newBetting(sign, margin float64, population int) (*Betting, error) {
	if !(margin > -1 && margin < 1) || population < 0 {
		return nil, fmt.Errorf("betting: %w: margin %v, want between -1 and 1; population %d", ErrDomain, margin, population)
	}
	return &Betting{sign: sign, margin: sign * margin, population: population}, nil
}

// Observe takes the next sample's damage d in [−1, 1] and returns [Betting.E].
func (b *Betting) Observe(d float64) (float64, error) {
	if !(d >= -1 && d <= 1) {
		return b.E(), fmt.Errorf("betting: %w: difference %v, want -1 to 1", ErrDomain, d)
	}
	if b.population > 0 && b.seen == b.population {
		return b.E(), fmt.Errorf("betting: %w: all %d samples were seen", ErrDomain, b.population)
	}
	d *= b.sign
	margin := b.margin
	if b.population > 0 { // the mean that the rest must have for the hypothesis
		margin = (float64(b.population)*b.margin - b.sum) / float64(b.population-b.seen)
	}
	b.seen++
	b.sum += d
	if margin > 1+1e-12 {
		b.certain = true
	}
	limit := 1 / (1 - b.margin)
	for j := range b.wealth {
		bet := limit * float64(j+1) / bets
		if margin < 1 {
			bet = min(bet, float64(bets-1)/bets/(1-margin))
		}
		b.wealth[j] += math.Log1p(bet * (margin - d))
	}
	if b.seen == b.population && b.sum < float64(b.population)*b.margin-1e-9 {
		b.certain = true
	}
	return b.E(), nil
}

// E returns the wealth: the e-value of what was seen so far. It is infinite
// where the hypothesis cannot hold whatever the remaining samples are.
func (b *Betting) E() float64 {
	if b.certain {
		return math.Inf(1)
	}
	highest := math.Inf(-1)
	for _, w := range b.wealth {
		highest = max(highest, w)
	}
	var sum float64
	for _, w := range b.wealth {
		sum += math.Exp(w - highest)
	}
	return math.Exp(highest) * sum / float64(len(b.wealth))
}

// DiscordantE is the two-sided e-process of δ = 0 on discordant pairs:
// 2^{b+c}·B(b+½, c+½)/B(½, ½).
func DiscordantE(b, c int) (float64, error) {
	if b < 0 || c < 0 {
		return 0, fmt.Errorf("e-value: %w: b=%d c=%d", ErrDomain, b, c)
	}
	return math.Exp(float64(b+c)*math.Ln2 + logBeta(float64(b)+0.5, float64(c)+0.5) - math.Log(math.Pi)), nil
}

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}
