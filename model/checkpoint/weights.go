package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// The names that Hugging Face gives to the files of a checkpoint.
const (
	ConfigFile  = "config.json"
	WeightsFile = "model.safetensors"
	IndexFile   = "model.safetensors.index.json"
)

// maxIndex is the largest index that is read; those of the largest models have
// a few megabytes.
const maxIndex = 64 << 20

// Weights are the safetensors files of a Hugging Face (or MLX) folder: one, or
// the shards that an index names.
type Weights struct {
	shards []*Safetensors // sorted by file name
	owner  map[string]*Safetensors

	whole map[string]Tensor // weights with their scales, where they are quantised
	parts map[string]bool   // tensors that belong to one of those
}

// OpenWeights opens model.safetensors, or the shards of
// model.safetensors.index.json, of dir. The index and the shards must agree:
// every tensor is in the shard that the index names, and every tensor of a
// shard is in the index. os.DirFS(path) gives memory-mapped files.
//
// Where the folder's config.json says that weights are quantised, as MLX or FP8,
// a weight and its scales are one tensor: of the type that Tensor.DType says,
// with the shape of the values, under the name of the weight.
func OpenWeights(dir fs.FS) (*Weights, error) {
	q, err := quantizationOf(dir)
	if err != nil {
		return nil, err
	}
	w, err := openStored(dir)
	if err != nil || q == nil {
		return w, err
	}
	if err := w.quantized(q); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// openStored opens the tensors as they are stored.
func openStored(dir fs.FS) (*Weights, error) {
	single, err := exists(dir, WeightsFile)
	if err != nil {
		return nil, err
	}
	sharded, err := exists(dir, IndexFile)
	if err != nil {
		return nil, err
	}
	switch {
	case single && sharded: // as mlx-lm writes a model of one file
		index, err := readIndex(dir)
		if err != nil {
			return nil, err
		}
		for _, file := range slices.Sorted(maps.Values(index)) {
			if file != WeightsFile {
				return nil, fmt.Errorf("%s is there, and %s names %.80q: remove the one that is not meant", WeightsFile, IndexFile, file)
			}
		}
		return openShards(dir)
	case single:
		s, err := OpenSafetensors(dir, WeightsFile)
		if err != nil {
			return nil, err
		}
		w := &Weights{owner: map[string]*Safetensors{}}
		w.add(s)
		return w, nil
	case sharded:
		return openShards(dir)
	}
	for _, pickle := range []string{"pytorch_model.bin", "pytorch_model.bin.index.json"} {
		if there, _ := exists(dir, pickle); there {
			return nil, fmt.Errorf("only %s is there: a pickle can run code and is not opened; save the model as safetensors", pickle)
		}
	}
	return nil, fmt.Errorf("neither %s nor %s is there: %w", WeightsFile, IndexFile, fs.ErrNotExist)
}

func exists(dir fs.FS, name string) (bool, error) {
	_, err := fs.Stat(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func openShards(dir fs.FS) (*Weights, error) {
	index, err := readIndex(dir)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", IndexFile, err)
	}
	w := &Weights{owner: map[string]*Safetensors{}}
	for _, shard := range slices.Compact(slices.Sorted(maps.Values(index))) {
		s, err := OpenSafetensors(dir, shard)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: shard %s: %w", IndexFile, shard, err), w.Close())
		}
		w.add(s)
	}
	if err := w.agrees(index); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", IndexFile, err), w.Close())
	}
	return w, nil
}

// readIndex returns the weight_map: tensor to file name.
func readIndex(dir fs.FS) (map[string]string, error) {
	f, err := openFile(dir, IndexFile)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if len(f.data) > maxIndex {
		return nil, fmt.Errorf("%d bytes, more than %d", len(f.data), maxIndex)
	}
	return parseIndex(f.data)
}

func parseIndex(data []byte) (map[string]string, error) {
	r, err := newJSONReader(data)
	if err != nil {
		return nil, err
	}
	index := map[string]string{}
	err = r.object(func(key string) error {
		switch key {
		case "metadata": // total_size and total_parameters: told, not needed
			return r.skip()
		case "weight_map":
			return r.object(func(tensor string) error {
				shard, err := r.string()
				if err != nil {
					return fmt.Errorf("tensor %s: %w", tensor, err)
				}
				if !fs.ValidPath(shard) || shard == "." || strings.ContainsAny(shard, `\:`) {
					return fmt.Errorf("tensor %s: file %.80q is not inside the checkpoint's folder", tensor, shard)
				}
				index[tensor] = shard
				return nil
			})
		}
		return fmt.Errorf("key %.40q is not known", key)
	})
	if err != nil {
		return nil, err
	}
	if len(index) == 0 {
		return nil, errors.New("weight_map names no tensor")
	}
	return index, r.end()
}

// agrees checks the index against the shards, and tells of all that is wrong.
func (w *Weights) agrees(index map[string]string) error {
	var faults []string
	for _, tensor := range slices.Sorted(maps.Keys(index)) {
		shard := w.shard(index[tensor])
		if _, ok := shard.tensors[tensor]; !ok {
			faults = append(faults, fmt.Sprintf("tensor %s is not in %s", tensor, shard.file.name))
		}
	}
	for _, s := range w.shards {
		for _, tensor := range s.Names() {
			switch index[tensor] {
			case s.file.name:
			case "":
				faults = append(faults, fmt.Sprintf("tensor %s of %s is not in weight_map", tensor, s.file.name))
			default:
				faults = append(faults, fmt.Sprintf("tensor %s is in %s too", tensor, s.file.name))
			}
		}
	}
	return joinFaults(faults)
}

func (w *Weights) shard(name string) *Safetensors {
	i, _ := slices.BinarySearchFunc(w.shards, name, func(s *Safetensors, name string) int {
		return strings.Compare(s.file.name, name)
	})
	return w.shards[i]
}

func (w *Weights) add(s *Safetensors) {
	w.shards = append(w.shards, s)
	for name := range s.tensors {
		w.owner[name] = s
	}
}

// Names returns the names of all tensors, sorted: of a quantised weight and its
// scales only that of the weight.
func (w *Weights) Names() []string {
	names := make([]string, 0, len(w.owner))
	for name := range w.owner {
		if !w.parts[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Tensor returns the tensor with that name, or the one of the same shard that
// the name is an alias of (tied weights; see Safetensors.Aliases).
func (w *Weights) Tensor(name string) (Tensor, error) {
	t, err := w.stored(name)
	if whole, ok := w.whole[t.Name]; ok {
		return whole, nil
	}
	if err == nil && w.parts[t.Name] {
		return Tensor{}, fmt.Errorf("%w: %s (it belongs to a quantised weight)", ErrNoTensor, name)
	}
	return t, err
}

func (w *Weights) stored(name string) (Tensor, error) {
	if s, ok := w.owner[name]; ok {
		return s.Tensor(name)
	}
	for _, s := range w.shards {
		if t, err := s.Tensor(name); err == nil {
			return t, nil
		}
	}
	return Tensor{}, fmt.Errorf("%w: %s", ErrNoTensor, name)
}

// Files returns the names of the safetensors files, sorted.
func (w *Weights) Files() []string {
	names := make([]string, len(w.shards))
	for i, s := range w.shards {
		names[i] = s.file.name
	}
	return names
}

// Hash returns the identity of the weights, "sha256:" and hexadecimal digits.
// Of one file it is the SHA-256 of its bytes, whatever its name. Of shards it is
// what this prints:
//
//	sha256sum model-*.safetensors | sha256sum
//
// the SHA-256 of one line per shard in order of name: hexadecimal SHA-256, two
// spaces, name, newline. The configuration is not part of it. It reads all
// bytes, as many files at once as there are processors.
func (w *Weights) Hash(ctx context.Context) (string, error) {
	files := make([]*file, len(w.shards))
	for i, s := range w.shards {
		files[i] = s.file
	}
	return hashFiles(ctx, files)
}

// Forget lets what was read of the files so far leave memory.
func (w *Weights) Forget() {
	for _, s := range w.shards {
		s.Forget()
	}
}

// Close releases the files. The Data of their tensors is invalid after it.
func (w *Weights) Close() error {
	var errs []error
	for _, s := range w.shards {
		errs = append(errs, s.Close())
	}
	w.owner, w.shards, w.whole, w.parts = nil, nil, nil, nil
	return errors.Join(errs...)
}

// joinFaults makes one error of a list of faults: the first few, and how many
// more there are. It is nil for an empty list.
func joinFaults(faults []string) error {
	const most = 8
	if len(faults) == 0 {
		return nil
	}
	if n := len(faults) - most; n > 0 {
		return fmt.Errorf("%s; and %d more", strings.Join(faults[:most], "; "), n)
	}
	return errors.New(strings.Join(faults, "; "))
}
