package model

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// AdapterError says why an adapter is refused: it does not fit this base, or it
// would change nothing.
type AdapterError struct {
	Adapter string
	Reason  string
}

func (e *AdapterError) Error() string { return fmt.Sprintf("adapter %s: %s", e.Adapter, e.Reason) }

// linear names one of the linear layers of a block.
type linear int

const (
	qProj linear = iota
	kProj
	vProj
	oProj
	gateProj
	upProj
	downProj
	numLinears
)

// linearPaths are the module paths inside a block, by their Hugging Face names.
var linearPaths = [numLinears]string{
	"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
	"mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
}

func modulePath(layer int, l linear) string {
	return fmt.Sprintf("model.layers.%d.%s", layer, linearPaths[l])
}

// lowRank is an adapter's update of one linear layer: y += scale · B · (A · x).
//
// Source: Hu et al. 2021, "LoRA", §4.1, https://arxiv.org/abs/2106.09685.
type lowRank struct {
	a, b  *kernel.Matrix // [r, in], [out, r]
	rank  int
	scale float64
}

// adapter is a LoRA adapter resident beside the base weights.
type adapter struct {
	name    string
	layers  [][numLinears]*lowRank
	tensors int
	hash    string
}

// Where PEFT keeps an adapter.
const (
	peftConfigFile  = "adapter_config.json"
	peftWeightsFile = "adapter_model.safetensors"
	peftPrefix      = "base_model.model."
)

// openAdapter reads a PEFT adapter and checks that every tensor of the file has
// its place in the base, and every module that the configuration targets its
// tensors. It reports all that is wrong, not only the first.
func (e *Engine) openAdapter(name string, dir fs.FS) (*adapter, error) {
	refuse := func(format string, args ...any) (*adapter, error) {
		return nil, &AdapterError{Adapter: name, Reason: fmt.Sprintf(format, args...)}
	}
	data, err := checkpoint.ReadJSON(dir, peftConfigFile)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", name, err)
	}
	config, err := parsePEFT(data)
	if err != nil {
		return refuse("%v", err)
	}
	if _, err := fs.Stat(dir, peftWeightsFile); errors.Is(err, fs.ErrNotExist) {
		if _, err := fs.Stat(dir, "adapter_model.bin"); err == nil {
			return refuse("only adapter_model.bin is there: a pickle can run code and is not opened; save it as safetensors")
		}
		return refuse("%s is missing", peftWeightsFile)
	}
	weights, err := checkpoint.OpenSafetensors(dir, peftWeightsFile)
	if err != nil {
		return refuse("%v", err)
	}
	defer weights.Close()
	a := &adapter{name: name, layers: make([][numLinears]*lowRank, e.config.NumHiddenLayers)}
	if a.hash, err = hashFiles(dir, peftConfigFile, peftWeightsFile); err != nil {
		return nil, fmt.Errorf("adapter %s: %w", name, err)
	}
	if err := e.attach(a, config, weights); err != nil {
		return refuse("%v", err)
	}
	return a, nil
}

// attach maps tensors to modules, one to one.
func (e *Engine) attach(a *adapter, config *peftConfig, weights checkpoint.Source) error {
	for _, path := range []string{"model.embed_tokens", "lm_head"} {
		if config.targets(path, -1) {
			return fmt.Errorf("target_modules names %s: LoRA on the embedding or the output layer is not supported", path)
		}
	}
	unused := map[string]bool{}
	for _, tensor := range weights.Names() {
		unused[tensor] = true
	}
	a.tensors = len(unused)
	faults := e.unknownTargets(config)
	modules := 0
	for layer := range e.config.NumHiddenLayers {
		for l := range numLinears {
			path := modulePath(layer, l)
			if !config.targets(path, layer) {
				continue
			}
			nameA, nameB := peftPrefix+path+".lora_A.weight", peftPrefix+path+".lora_B.weight"
			if !unused[nameA] && !unused[nameB] {
				faults = append(faults, path+" is targeted and has no tensors")
				continue
			}
			delete(unused, nameA)
			delete(unused, nameB)
			rank, scale, err := config.scale(path)
			if err != nil {
				return err
			}
			out, in := e.config.linearShape(l)
			A, err := adapterTensor(weights, nameA, rank, in)
			if err != nil {
				faults = append(faults, err.Error())
			}
			B, err := adapterTensor(weights, nameB, out, rank)
			if err != nil {
				faults = append(faults, err.Error())
			}
			if A == nil || B == nil {
				continue
			}
			modules++
			a.layers[layer][l] = &lowRank{a: kernel.PackF32(rank, in, A), b: kernel.PackF32(out, rank, B), rank: rank, scale: scale}
		}
	}
	for _, tensor := range sortedKeys(unused) {
		faults = append(faults, fmt.Sprintf("tensor %s belongs to no module that the configuration targets", tensor))
	}
	if n := countSuffix(faults, zeroSuffix); n > 0 && n == len(faults) && modules == 0 {
		return fmt.Errorf("it would change nothing: lora_A or lora_B is zero in every one of its %d modules", n)
	}
	if len(faults) > 0 {
		return errors.New(joinFaults(faults))
	}
	if modules == 0 {
		return fmt.Errorf("target_modules names no linear layer of this model (its layers have %s)", strings.Join(linearPaths[:], ", "))
	}
	return nil
}

// unknownTargets reports what the configuration names and the base does not
// have: the adapter was then made for another model.
func (e *Engine) unknownTargets(config *peftConfig) (faults []string) {
	for _, name := range config.Target.suffixes {
		one := moduleFilter{suffixes: []string{name}}
		found := false
		for layer := range e.config.NumHiddenLayers {
			for l := range numLinears {
				found = found || one.matches(modulePath(layer, l))
			}
		}
		if !found {
			faults = append(faults, fmt.Sprintf("target_modules names %.60q: this model has no such linear layer", name))
		}
	}
	for _, layer := range config.Layers {
		if layer < 0 || layer >= e.config.NumHiddenLayers {
			faults = append(faults, fmt.Sprintf("layers_to_transform names layer %d: this model has %d, from 0", layer, e.config.NumHiddenLayers))
		}
	}
	return faults
}

const zeroSuffix = "is all zero, so its module is not adapted"

// adapterTensor reads one tensor of an adapter as float32 and checks its shape
// and that it is finite and not zero.
func adapterTensor(weights checkpoint.Source, name string, rows, cols int) ([]float32, error) {
	t, err := weights.Tensor(name)
	if err != nil {
		return nil, fmt.Errorf("tensor %s is missing", name)
	}
	if !slices.Equal(t.Shape, []int{rows, cols}) {
		return nil, fmt.Errorf("tensor %s: shape %v, want [%d %d]", name, t.Shape, rows, cols)
	}
	values, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	zero := true
	for i, v := range values {
		if v != v || v-v != 0 {
			return nil, fmt.Errorf("tensor %s: value %d is %v", name, i, v)
		}
		zero = zero && v == 0
	}
	if zero {
		return nil, fmt.Errorf("tensor %s %s", name, zeroSuffix)
	}
	return values, nil
}

func countSuffix(list []string, suffix string) int {
	n := 0
	for _, s := range list {
		if strings.HasSuffix(s, suffix) {
			n++
		}
	}
	return n
}

// zeroed returns a copy of a with every B zero: its logits must equal the base's.
func (a *adapter) zeroed() *adapter {
	z := &adapter{name: a.name + " with B = 0", layers: make([][numLinears]*lowRank, len(a.layers))}
	for i := range a.layers {
		for l, m := range a.layers[i] {
			if m != nil {
				zero := *m
				zero.b = kernel.PackF32(m.b.Rows(), m.b.Cols(), make([]float32, m.b.Rows()*m.b.Cols()))
				z.layers[i][l] = &zero
			}
		}
	}
	return z
}
