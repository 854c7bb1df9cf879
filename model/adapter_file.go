package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// The files of an adapter.
const (
	adapterConfigFile = "adapter_config.json"
	peftWeightsFile   = "adapter_model.safetensors"
	mlxWeightsFile    = "adapters.safetensors"
	ggufExtension     = ".gguf"
)

// AdapterFiles is the folder that LoadAdapter wants of the adapter at path: a
// folder, or one with nothing but the GGUF file.
func AdapterFiles(path string) (fs.FS, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return os.DirFS(path), nil
	}
	return OneFile(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}

// OneFile is a folder that has nothing but one of dir's files, a GGUF adapter.
func OneFile(dir fs.FS, name string) (fs.FS, error) {
	if !strings.EqualFold(path.Ext(name), ggufExtension) {
		return nil, fmt.Errorf("%s is neither a folder with %s nor a %s file", name, adapterConfigFile, ggufExtension)
	}
	return oneFile{dir, name}, nil
}

type oneFile struct {
	dir  fs.FS
	name string
}

func (f oneFile) Open(name string) (fs.File, error) {
	if name != f.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f.dir.Open(name)
}

func (f oneFile) ReadDir(string) ([]fs.DirEntry, error) {
	info, err := fs.Stat(f.dir, f.name)
	if err != nil {
		return nil, err
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
}

// AdapterError says why an adapter is refused: it does not fit this base, or it
// would change nothing.
type AdapterError struct {
	Adapter string
	Reason  string
}

func (e *AdapterError) Error() string { return fmt.Sprintf("adapter %s: %s", e.Adapter, e.Reason) }

// fitting makes an adapter of the tensors of its file. It collects all that is
// wrong, not only the first.
type fitting struct {
	e      *Engine
	a      *adapter
	source checkpoint.Source

	stored   map[string]string     // of each tensor not yet used: its name in a text-only base → in the file
	spelling architecture.Spelling // of the base that the adapter was trained on
	sites    map[string]site       // the base's linear layers, by their paths
	origins  []*origin
	faults   []string
	memory   error // it does not fit
	bytes    int64 // that were reserved
}

// origin says from which tensors of the file, by their names there, the change
// of a module was made, so that the proof can compute it anew. "" is none.
type origin struct {
	path                  string
	a, b                  string
	turnedA, turnedB      bool          // a is [in, r], b is [r, out]
	order                 func(int) int // row of b in the file; nil: the same
	scale                 float64
	magnitude             string
	weight, bias, addBias string
	rows                  string // of single tokens
	tokens                []int32
}

// openAdapter reads an adapter of any format and checks that every tensor of the
// file has its place in the base, and every module that the configuration
// targets its tensors. The caller closes the fitting's source.
func (e *Engine) openAdapter(name string, dir fs.FS) (*fitting, error) {
	f := &fitting{e: e, a: &adapter{name: name, layers: make([]layerUpdate, e.config.NumHiddenLayers)}, sites: map[string]site{}}
	for _, s := range e.sites() {
		f.sites[s.path] = s
	}
	err := f.open(dir)
	if err == nil {
		f.finish()
		err = f.result()
	}
	if err == nil {
		return f, nil
	}
	if f.source != nil {
		err = errors.Join(err, f.source.Close())
	}
	var tooLarge *MemoryError
	var unread *readError
	if errors.As(err, &tooLarge) || errors.As(err, &unread) {
		return nil, fmt.Errorf("adapter %s: %w", name, err)
	}
	return nil, &AdapterError{Adapter: name, Reason: err.Error()}
}

// readError is that of a file that cannot be read, whatever is in it.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// open finds out the format by the files that are there, and reads them.
func (f *fitting) open(dir fs.FS) error {
	there := func(name string) bool { _, err := fs.Stat(dir, name); return err == nil }
	if !there(adapterConfigFile) {
		file, err := onlyGGUF(dir)
		if err != nil {
			return err
		}
		return f.openGGUF(dir, file)
	}
	data, err := checkpoint.ReadJSON(dir, adapterConfigFile)
	if err != nil {
		return &readError{err}
	}
	keys, err := checkpoint.ParseObject(data)
	if err != nil {
		return fmt.Errorf("%s: %w", adapterConfigFile, err)
	}
	if _, peft := keys["peft_type"]; !peft && isMLX(keys) {
		return f.openMLX(dir, data)
	}
	return f.openPEFT(dir, data)
}

// onlyGGUF is the name of the only GGUF file of a folder without a configuration.
func onlyGGUF(dir fs.FS) (string, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return "", &readError{err}
	}
	var files []string
	for _, e := range entries {
		if strings.EqualFold(path.Ext(e.Name()), ggufExtension) {
			files = append(files, e.Name())
		}
	}
	switch len(files) {
	case 0:
		return "", &readError{fmt.Errorf("neither %s nor a %s file is there: %w", adapterConfigFile, ggufExtension, fs.ErrNotExist)}
	case 1:
		return files[0], nil
	}
	return "", fmt.Errorf("%d GGUF files are there: name one of %s", len(files), joinFaults(files))
}

// openWeights opens the safetensors file of an adapter with a configuration.
func (f *fitting) openWeights(dir fs.FS, name string) error {
	if _, err := fs.Stat(dir, name); errors.Is(err, fs.ErrNotExist) {
		for _, pickle := range []string{"adapter_model.bin", "adapters.npz"} {
			if _, err := fs.Stat(dir, pickle); err == nil {
				return fmt.Errorf("only %s is there, a format that is not opened (a pickle can run code): save it as safetensors", pickle)
			}
		}
		return fmt.Errorf("%s is missing", name)
	}
	source, err := checkpoint.OpenSafetensors(dir, name)
	if err != nil {
		return err
	}
	f.source = source
	if f.a.hash, err = hashFiles(dir, adapterConfigFile, name); err != nil {
		return &readError{err}
	}
	return nil
}

// list takes stock of the file's tensors. path cuts a name of the file to the
// name in the base that the adapter was trained on.
func (f *fitting) list(path func(stored string) (string, bool)) {
	f.stored = map[string]string{}
	spelled := make([]int, len(architecture.Spellings()))
	for _, stored := range f.source.Names() {
		name, ok := path(stored)
		switch {
		case !ok:
			f.fault("tensor %s has no name of this format", stored)
			continue
		case f.e.config.BeyondText(name):
			f.a.skipped++
			continue
		}
		canonical := architecture.Canonical(name)
		if other, twice := f.stored[canonical]; twice {
			f.fault("tensors %s and %s are of the same module", other, stored)
		}
		f.stored[canonical] = stored
		f.a.tensors++
		for i, s := range architecture.Spellings() {
			if s.Path(canonical) == name {
				spelled[i]++
			}
		}
	}
	f.spelling = architecture.Spellings()[slices.Index(spelled, slices.Max(spelled))]
}

func (f *fitting) fault(format string, args ...any) {
	f.faults = append(f.faults, fmt.Sprintf(format, args...))
}

// result tells of all that was wrong.
func (f *fitting) result() error {
	if f.memory != nil {
		return f.memory
	}
	for _, name := range sortedKeys(f.stored) {
		f.fault("tensor %s belongs to no module that the adapter targets", f.stored[name])
	}
	modules := 0
	f.a.updates(func(string, *update) { modules++ })
	f.a.vectors(func([]float32) { modules++ })
	if f.a.embed != nil {
		modules++
	}
	idle := 0
	for _, s := range f.faults {
		if strings.HasSuffix(s, zeroSuffix) {
			idle++
		}
	}
	switch {
	case idle > 0 && idle == len(f.faults) && modules == 0:
		return fmt.Errorf("it would change nothing: A or B is zero in every one of its %d modules", idle)
	case len(f.faults) > 0:
		return errors.New(joinFaults(f.faults))
	case modules == 0:
		return errors.New("it changes no module of this model")
	}
	return nil
}

// finish derives what depends on several tensors.
func (f *fitting) finish() {
	for n := range f.a.layers {
		own := &f.a.layers[n]
		vectors := own.vectors
		changed := false
		for v := architecture.XIELUAlphaP; v <= architecture.XIELUEps; v++ {
			changed = changed || vectors[v] != nil
			if vectors[v] == nil {
				vectors[v] = f.e.decoder.layers[n].vectors[v]
			}
		}
		if changed {
			x := f.e.config.xieluOf(n, &vectors)
			own.xielu = &x
		}
		own.share()
	}
}

// reserve says whether there is memory for n more bytes.
func (f *fitting) reserve(n int64) bool {
	if f.memory == nil {
		f.bytes += n
		b := f.e.memory
		b.adapters += f.bytes
		_, f.memory = b.cacheBytes(f.e.config.leastCache())
	}
	return f.memory == nil
}

func (f *fitting) has(name string) bool { _, ok := f.stored[name]; return ok }

// tensor takes a tensor off the list and checks its shape.
func (f *fitting) tensor(name string, shape ...int) (checkpoint.Tensor, bool) {
	stored, ok := f.stored[name]
	if !ok {
		f.fault("tensor %s is missing", name)
		return checkpoint.Tensor{}, false
	}
	delete(f.stored, name)
	t, err := f.source.Tensor(stored)
	if err != nil {
		f.fault("%v", err)
		return t, false
	}
	single := len(shape) == 0 && slices.Equal(t.Shape, []int{1})
	if !slices.Equal(t.Shape, shape) && !single {
		f.fault("tensor %s: shape %v, want %v%s", stored, t.Shape, shape, f.grown(name, t.Shape))
		return t, false
	}
	if err := t.CheckFinite(); err != nil {
		f.fault("%v", err)
		return t, false
	}
	return t, true
}

// grown explains the shape of a table of tokens that has another length than the
// base's. PEFT wants the base resized before it loads such an adapter, to a
// length that nothing in the adapter tells but this; the new rows that the
// adapter does not hold would be drawn at random.
func (f *fitting) grown(name string, shape []int) string {
	path := strings.TrimSuffix(name, ".weight")
	table := strings.HasPrefix(path, architecture.EmbedTokens) || strings.HasPrefix(path, architecture.LMHead)
	if !table || !slices.ContainsFunc(shape, func(n int) bool { return n > f.e.config.HiddenSize && n != f.e.config.VocabSize }) {
		return ""
	}
	return ": the vocabulary was resized before training, and the base must have the same one: in transformers, model.resize_token_embeddings, save model and tokenizer, and name that folder as the base"
}

// values reads a tensor as float32.
func (f *fitting) values(name string, shape ...int) []float32 {
	t, ok := f.tensor(name, shape...)
	if !ok || !f.reserve(4*int64(t.Values())) {
		return nil
	}
	x, err := t.Float32s()
	if err != nil {
		f.fault("%v", err)
	}
	return x
}

const zeroSuffix = "is all zero, so its module is not adapted"

// factor reads A or B as float32, which must not be zero. A turned one is stored
// as its transpose.
func (f *fitting) factor(name string, rows, cols int, turned bool) []float32 {
	shape := []int{rows, cols}
	if turned {
		shape = []int{cols, rows}
	}
	stored := f.stored[name]
	x := f.values(name, shape...)
	if x == nil {
		return nil
	}
	if !slices.ContainsFunc(x, func(v float32) bool { return v != 0 }) {
		f.fault("tensor %s %s", stored, zeroSuffix)
		return nil
	}
	if turned {
		x = transpose(x, cols, rows)
	}
	return x
}

// transpose turns [rows, cols] to [cols, rows].
func transpose(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}

// matrix packs a whole weight in the type that it is stored in.
func (f *fitting) matrix(name string, rows, cols int) *kernel.Matrix {
	t, ok := f.tensor(name, rows, cols)
	if !ok {
		return nil
	}
	format, ok := map[checkpoint.DType]kernel.Format{checkpoint.F16: kernel.F16, checkpoint.BF16: kernel.BF16}[t.DType]
	if !ok {
		format = kernel.F32
	}
	size, err := kernel.PackedBytes(format, rows, cols)
	if err != nil {
		f.fault("tensor %s: %v", t.Name, err)
		return nil
	}
	if !f.reserve(size) {
		return nil
	}
	if format != kernel.F32 {
		m, err := kernel.Pack(format, rows, cols, t.Data, nil)
		if err != nil {
			f.fault("tensor %s: %v", t.Name, err)
		}
		return m
	}
	x, err := t.Float32s()
	if err != nil {
		f.fault("%v", err)
		return nil
	}
	return kernel.PackF32(rows, cols, x)
}

// change is the change of a linear layer, new where there was none.
func (f *fitting) change(s site) *update {
	u := s.of(f.a)
	if *u == nil {
		*u = &update{}
	}
	return *u
}

// embed is the change of the embedding, new where there was none.
func (f *fitting) embed() *embedUpdate {
	if f.a.embed == nil {
		f.a.embed = &embedUpdate{}
	}
	return f.a.embed
}

// origin is where the change of a module comes from, new where there was none.
func (f *fitting) origin(path string) *origin {
	if i := slices.IndexFunc(f.origins, func(o *origin) bool { return o.path == path }); i >= 0 {
		return f.origins[i]
	}
	f.origins = append(f.origins, &origin{path: path})
	return f.origins[len(f.origins)-1]
}

// lowRank adds scale·B·A to a linear layer.
func (f *fitting) lowRank(s site, nameA, nameB string, rank int, scale float64, turned bool, order func(int) int) *origin {
	o := f.origin(s.path)
	o.a, o.b, o.turnedA, o.turnedB, o.scale, o.order = f.stored[nameA], f.stored[nameB], turned, turned, scale, order
	A, B := f.factor(nameA, rank, s.in, turned), f.factor(nameB, s.out, rank, turned)
	if A == nil || B == nil {
		return nil
	}
	if order != nil {
		B = reorder(B, s.out, rank, order)
	}
	f.change(s).low = &lowRank{a: kernel.PackExact(rank, s.in, A), b: kernel.PackExact(s.out, rank, B), rank: rank, scale: scale}
	return o
}

// reorder takes row i of the result from row order(i).
func reorder(x []float32, rows, cols int, order func(int) int) []float32 {
	y := make([]float32, 0, len(x))
	for i := range rows {
		from := order(i)
		y = append(y, x[from*cols:(from+1)*cols]...)
	}
	return y
}

// lowRankEmbedding adds scale·B·A to the embedding. PEFT has A as [r, V] and B as
// [d, r]; mlx-lm and GGUF have A as [V, r], and mlx-lm has B as [r, d].
func (f *fitting) lowRankEmbedding(nameA, nameB string, rank int, scale float64, turnedA, turnedB bool) *origin {
	cfg := f.e.config
	o := f.origin(architecture.EmbedTokens)
	o.a, o.b, o.turnedA, o.turnedB, o.scale = f.stored[nameA], f.stored[nameB], turnedA, turnedB, scale
	A, B := f.factor(nameA, cfg.VocabSize, rank, !turnedA), f.factor(nameB, cfg.HiddenSize, rank, turnedB)
	if A == nil || B == nil {
		return nil
	}
	u := f.embed()
	u.a, u.b, u.scale = kernel.PackExact(cfg.VocabSize, rank, A), kernel.PackExact(cfg.HiddenSize, rank, B), scale
	return o
}

// replace puts a whole tensor of the file, name, in the place of one of the
// base's, spec.
func (f *fitting) replace(spec architecture.TensorSpec, name string) {
	cfg, a := f.e.config, f.a
	module, isWeight := strings.CutSuffix(spec.Name, ".weight")
	vector := func(to *[]float32, norm bool) {
		if *to = f.values(name, spec.Shape...); norm && cfg.UnitOffset {
			addOne(*to)
		}
	}
	stored := f.stored[name]
	switch module {
	case architecture.EmbedTokens:
		f.embed().weight = f.matrix(name, spec.Shape[0], spec.Shape[1])
		f.origin(module).weight = stored
		return
	case architecture.EmbedTokensPerLayer:
		f.fault("tensor %s: the embedding of the layers is read where it lies and cannot be replaced", stored)
		delete(f.stored, name)
		return
	case architecture.PerLayerProjectionNorm:
		vector(&a.perLayerNorm, true)
		return
	case architecture.FinalNorm:
		vector(&a.norm, true)
		return
	}
	if s, ok := f.sites[strings.TrimSuffix(module, ".bias")]; ok {
		if isWeight {
			f.change(s).weight = f.matrix(name, s.out, s.in)
			f.origin(s.path).weight = stored
		} else {
			f.change(s).bias = f.values(name, s.out)
			f.origin(s.path).bias = stored
		}
		return
	}
	n, in, _ := architecture.CutBlock(spec.Name)
	for v := range architecture.NumBlockVectors {
		if have, _, ok := cfg.VectorShape(n, v); ok && have == in {
			vector(&a.layers[n].vectors[v], v.IsNorm())
		}
	}
}

// specs are the base's tensors, the output layer among them where it is tied.
func (f *fitting) specs() []architecture.TensorSpec {
	cfg := f.e.config
	list := cfg.Tensors()
	if cfg.TieWordEmbeddings {
		list = append(list, architecture.TensorSpec{Name: architecture.LMHead + ".weight", Shape: []int{cfg.VocabSize, cfg.HiddenSize}})
	}
	return list
}

// moduleOf is the path of the module that has a tensor.
func moduleOf(tensor string) string { return tensor[:max(strings.LastIndexByte(tensor, '.'), 0)] }
