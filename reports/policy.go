package reports

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Tier says what a task's verdict does to the whole.
type Tier string

// The tiers.
const (
	Critical   Tier = "critical"   // blocks
	Supporting Tier = "supporting" // blocks
	Advisory   Tier = "advisory"   // is reported, never blocks
)

// Blocks reports whether a verdict of this tier counts.
func (t Tier) Blocks() bool { return t != Advisory }

// DefaultAlpha is the one-sided error of each verdict where a policy says nothing.
const DefaultAlpha = 0.05

// Policy is what was decided before the run about which lifts are acceptable.
type Policy struct {
	Default bool         `json:"default"` // no file: every measured task, its own margin
	SHA256  string       `json:"sha256"`  // of the file's bytes; "" by default
	Alpha   float64      `json:"alpha"`   // one-sided
	Tasks   []TaskPolicy `json:"tasks"`   // in the order of the file
	Claims  []Claim      `json:"claims"`
}

// TaskPolicy is what the gate asks of a task.
type TaskPolicy struct {
	Task       string   `json:"task"`
	Metric     string   `json:"metric"` // "": the task's primary metric
	Margin     *float64 `json:"margin"` // in the metric's unit; nil: the metric's own
	Tier       Tier     `json:"tier"`
	MinSamples int      `json:"min_samples"` // fewer pairs are INVALID
}

// Claim is a lift that the adapter must show: better than the base.
type Claim struct {
	Adapter string `json:"adapter"`
	Task    string `json:"task"`
	Metric  string `json:"metric"` // "": the task's primary metric
}

// DefaultPolicy makes every task critical, with its primary metric and that
// metric's own margin.
func DefaultPolicy(tasks []lorabench.TaskInfo) Policy {
	p := Policy{Default: true, Alpha: DefaultAlpha, Tasks: []TaskPolicy{}, Claims: []Claim{}}
	for _, t := range tasks {
		p.Tasks = append(p.Tasks, TaskPolicy{Task: t.Name, Tier: Critical})
	}
	return p
}

// PolicyError says what is wrong with a policy file, and on which line.
type PolicyError struct {
	Line    int // 0 where there is none
	Problem string
}

func (e *PolicyError) Error() string {
	if e.Line == 0 {
		return "policy: " + e.Problem
	}
	return fmt.Sprintf("policy: line %d: %s", e.Line, e.Problem)
}

// maxPolicy bounds a policy file, in bytes.
const maxPolicy = 1 << 18

// ParsePolicy reads a policy file: the keys alpha, tasks and claims, alone or
// below gate. It is strict: an unknown key, a key twice, or a value out of range
// is a [*PolicyError] with its line. Aliases and merge keys are not taken.
func ParsePolicy(data []byte) (Policy, error) {
	root, err := parseMapping(data)
	if err != nil {
		return Policy{}, err
	}
	if gate, ok := root.value("gate"); ok {
		if err := root.only("gate"); err != nil {
			return Policy{}, err
		}
		return readPolicy(data, gate)
	}
	return readPolicy(data, root.node)
}

// ParseGateSection reads the policy below gate of a larger file, lorabench.yaml;
// whoever reads that file checks its other keys. ok is false where there is none.
func ParseGateSection(data []byte) (p Policy, ok bool, err error) {
	root, err := parseMapping(data)
	if err != nil {
		return Policy{}, false, err
	}
	gate, ok := root.value("gate")
	if !ok {
		return Policy{}, false, nil
	}
	p, err = readPolicy(data, gate)
	return p, err == nil, err
}

func readPolicy(data []byte, node ast.Node) (Policy, error) {
	p := Policy{
		SHA256: fmt.Sprintf("sha256:%x", sha256.Sum256(data)), Alpha: DefaultAlpha,
		Tasks: []TaskPolicy{}, Claims: []Claim{},
	}
	m, err := newMapping(node, "gate")
	if err != nil {
		return Policy{}, err
	}
	if err := m.only("alpha", "tasks", "claims"); err != nil {
		return Policy{}, err
	}
	if alpha, ok := m.value("alpha"); ok {
		if p.Alpha, err = number(alpha, "alpha"); err != nil {
			return Policy{}, err
		}
		if !(p.Alpha > 0 && p.Alpha < 0.5) {
			return Policy{}, problem(alpha, "alpha: %v, want above 0 and below 0.5 (one-sided)", p.Alpha)
		}
	}
	tasks, ok := m.value("tasks")
	if !ok {
		return Policy{}, problem(node, "no tasks, want at least one")
	}
	byName, err := newMapping(tasks, "tasks")
	if err != nil {
		return Policy{}, err
	}
	for i, name := range byName.keys {
		task, err := readTask(name, byName.values[i])
		if err != nil {
			return Policy{}, err
		}
		p.Tasks = append(p.Tasks, task)
	}
	if len(p.Tasks) == 0 {
		return Policy{}, problem(tasks, "no tasks, want at least one")
	}
	if claims, ok := m.value("claims"); ok {
		if p.Claims, err = readClaims(claims); err != nil {
			return Policy{}, err
		}
	}
	return p, nil
}

func readTask(name string, node ast.Node) (TaskPolicy, error) {
	t := TaskPolicy{Task: name, Tier: Critical}
	if _, ok := node.(*ast.NullNode); ok || node == nil {
		return t, nil
	}
	m, err := newMapping(node, name)
	if err != nil {
		return t, err
	}
	if err := m.only("metric", "margin", "tier", "min_samples"); err != nil {
		return t, err
	}
	if v, ok := m.value("metric"); ok {
		if t.Metric, err = text(v, "metric"); err != nil {
			return t, err
		}
	}
	if v, ok := m.value("margin"); ok {
		margin, err := number(v, "margin")
		if err != nil {
			return t, err
		}
		if !(margin > 0) {
			return t, problem(v, "margin: %v, want above 0, in the metric's unit", margin)
		}
		t.Margin = &margin
	}
	if v, ok := m.value("tier"); ok {
		tier, err := text(v, "tier")
		if err != nil {
			return t, err
		}
		t.Tier = Tier(tier)
		if t.Tier != Critical && t.Tier != Supporting && t.Tier != Advisory {
			return t, problem(v, "tier: %q, want critical, supporting or advisory", tier)
		}
	}
	if v, ok := m.value("min_samples"); ok {
		n, err := number(v, "min_samples")
		if err != nil {
			return t, err
		}
		if n < 0 || n > 1e9 || n != math.Trunc(n) {
			return t, problem(v, "min_samples: %v, want a whole number", n)
		}
		t.MinSamples = int(n)
	}
	return t, nil
}

func readClaims(node ast.Node) ([]Claim, error) {
	claims := []Claim{}
	if _, ok := node.(*ast.NullNode); ok {
		return claims, nil
	}
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		return nil, problem(node, "claims: want a list")
	}
	for _, v := range list.Values {
		m, err := newMapping(v, "claim")
		if err != nil {
			return nil, err
		}
		if err := m.only("adapter", "task", "metric"); err != nil {
			return nil, err
		}
		var c Claim
		for _, f := range []struct {
			key      string
			to       *string
			optional bool
		}{{"adapter", &c.Adapter, false}, {"task", &c.Task, false}, {"metric", &c.Metric, true}} {
			v, ok := m.value(f.key)
			if !ok && !f.optional {
				return nil, problem(m.node, "claim without %s", f.key)
			}
			if ok {
				if *f.to, err = text(v, f.key); err != nil {
					return nil, err
				}
			}
		}
		claims = append(claims, c)
	}
	return claims, nil
}

// mapping is a YAML mapping in the order of the file.
type mapping struct {
	node   ast.Node
	keys   []string
	lines  []int
	values []ast.Node
}

func (m *mapping) value(key string) (ast.Node, bool) {
	i := slices.Index(m.keys, key)
	if i < 0 {
		return nil, false
	}
	return m.values[i], true
}

// only refuses keys that are not in want.
func (m *mapping) only(want ...string) error {
	for i, key := range m.keys {
		if !slices.Contains(want, key) {
			return &PolicyError{Line: m.lines[i], Problem: fmt.Sprintf("unknown key %q, want %s", key, strings.Join(want, ", "))}
		}
	}
	return nil
}

// parseMapping parses the one document of a file. The YAML parser is foreign
// code on foreign bytes: should it panic, the file is refused.
func parseMapping(data []byte) (m *mapping, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, &PolicyError{Problem: fmt.Sprintf("not YAML that can be read: %v", r)}
		}
	}()
	if len(data) > maxPolicy {
		return nil, &PolicyError{Problem: fmt.Sprintf("%d bytes, want at most %d", len(data), maxPolicy)}
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
			return nil, &PolicyError{Line: at.GetToken().Position.Line, Problem: at.GetMessage()}
		}
		return nil, &PolicyError{Problem: err.Error()}
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			return nil, problem(doc.Body, "a second document, want one")
		}
		body = doc.Body
	}
	if body == nil {
		return nil, &PolicyError{Problem: "empty, want alpha, tasks and claims"}
	}
	return newMapping(body, "policy")
}

func newMapping(node ast.Node, what string) (*mapping, error) {
	m := &mapping{node: node}
	var entries []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	default:
		return nil, problem(node, "%s: want keys and values", what)
	}
	for _, e := range entries {
		var key string
		switch k := e.Key.(type) {
		case *ast.StringNode:
			key = k.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			key = e.Key.GetToken().Value
		default:
			return nil, problem(e.Key, "%s: want plain keys", what)
		}
		if slices.Contains(m.keys, key) {
			return nil, problem(e.Key, "key %q twice", key)
		}
		m.keys = append(m.keys, key)
		m.lines = append(m.lines, lineOf(e.Key))
		m.values = append(m.values, e.Value)
	}
	return m, nil
}

func lineOf(node ast.Node) int {
	if node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return 0
	}
	return node.GetToken().Position.Line
}

func problem(node ast.Node, format string, args ...any) error {
	return &PolicyError{Line: lineOf(node), Problem: fmt.Sprintf(format, args...)}
}

func number(node ast.Node, what string) (float64, error) {
	var x float64
	switch n := node.(type) {
	case *ast.FloatNode:
		x = n.Value
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			x = float64(v)
		case uint64:
			x = float64(v)
		default:
			x = math.NaN()
		}
	default:
		return 0, problem(node, "%s: want a number", what)
	}
	if !finite(x) {
		return 0, problem(node, "%s: want a finite number", what)
	}
	return x, nil
}

func text(node ast.Node, what string) (string, error) {
	s, ok := node.(*ast.StringNode)
	if !ok || s.Value == "" {
		return "", problem(node, "%s: want a name", what)
	}
	return s.Value, nil
}
