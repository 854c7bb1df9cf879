package shape

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// Adapter is what a random adapter is to be.
type Adapter struct {
	Rank    int
	Modules []string // the last names of the linear layers: "q_proj", …
	First   int      // the first block that it reaches; those before are the base's
	DoRA    bool
	Seed    uint64
}

// Files is the adapter as the folder that PEFT would have written for a model of
// that configuration.
func (a Adapter) Files(cfg *architecture.Config) (fs.FS, error) {
	if a.Rank < 1 || a.First < 0 || a.First >= cfg.NumHiddenLayers {
		return nil, fmt.Errorf("adapter of rank %d on blocks from %d: want a rank of 1 or more and a block below %d", a.Rank, a.First, cfg.NumHiddenLayers)
	}
	list, inputs, err := a.tensors(cfg)
	if err != nil {
		return nil, err
	}
	config := map[string]any{"peft_type": "LORA", "r": a.Rank, "lora_alpha": a.Rank, "target_modules": a.Modules, "use_dora": a.DoRA}
	if a.First > 0 {
		var layers []int
		for n := a.First; n < cfg.NumHiddenLayers; n++ {
			layers = append(layers, n)
		}
		config["layers_to_transform"] = layers
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	var weights bytes.Buffer
	r := newRandom(a.Seed)
	err = checkpoint.WriteSafetensors(&weights, nil, list, func(i int, w io.Writer) error {
		values := storages[0].fill(product(list[i].Shape), r)
		if in := inputs[i]; in > 0 {
			magnitudes(values, in)
		}
		_, err := w.Write(values)
		return err
	})
	return files{"adapter_config.json": text, "adapter_model.safetensors": weights.Bytes()}, err
}

// tensors are those of the file; inputs is of each that is a magnitude of DoRA
// the length of the rows that it scales.
func (a Adapter) tensors(cfg *architecture.Config) (list []checkpoint.TensorInfo, inputs []int, err error) {
	seen := map[string]bool{}
	add := func(name string, in int, shape ...int) {
		list = append(list, checkpoint.TensorInfo{Name: "base_model.model." + name, DType: checkpoint.F32, Shape: shape})
		inputs = append(inputs, in)
	}
	for n := a.First; n < cfg.NumHiddenLayers; n++ {
		for l := range architecture.NumLinears {
			out, in, ok := cfg.LinearShape(n, l)
			_, name, _ := strings.Cut(l.Path(), ".")
			if !ok || !slices.Contains(a.Modules, name) {
				continue
			}
			seen[name] = true
			path := architecture.ModulePath(n, l)
			add(path+".lora_A.weight", 0, a.Rank, in)
			add(path+".lora_B.weight", 0, out, a.Rank)
			if a.DoRA {
				add(path+".lora_magnitude_vector", in, out)
			}
		}
	}
	for _, m := range a.Modules {
		if !seen[m] {
			return nil, nil, fmt.Errorf("adapter on %.40q: the model has no such linear layer", m)
		}
	}
	if len(list) == 0 {
		return nil, nil, fmt.Errorf("adapter on no module")
	}
	return list, inputs, nil
}

// magnitudes makes values of about the norm of a row of weights.
func magnitudes(b []byte, in int) {
	norm := float32(math.Sqrt(float64(in)))
	for i := 0; i < len(b); i += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(b[i:])&^(1<<31)) * norm
		binary.LittleEndian.PutUint32(b[i:], math.Float32bits(v))
	}
}

// files is a folder in memory.
type files map[string][]byte

// Open opens a file; there are no folders in it.
func (f files) Open(name string) (fs.File, error) {
	data, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{bytes.NewReader(data), info{name, int64(len(data))}}, nil
}

type file struct {
	*bytes.Reader
	info info
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

type info struct {
	name string
	size int64
}

func (i info) Name() string     { return i.name }
func (i info) Size() int64      { return i.size }
func (info) Mode() fs.FileMode  { return 0o444 }
func (info) ModTime() time.Time { return time.Time{} }
func (info) IsDir() bool        { return false }
func (info) Sys() any           { return nil }
