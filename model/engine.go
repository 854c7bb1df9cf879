package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/chat"
	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// Options are the settings of an Engine.
type Options struct {
	Threads     int   // 0: one for each processor
	MaxPosition int   // longest sequence; 0: what the model has
	MemoryBytes int64 // for weights, adapters, keys and values; 0: no limit

	// CacheBytes is the memory for keys and values. 0: what MemoryBytes leaves,
	// or, without a limit, DefaultCacheBytes.
	CacheBytes int64

	// Arithmetic of products; "": Float32. Another one is for where its speed is
	// worth other numbers.
	Arithmetic Arithmetic

	// TokensOnly leaves the tokenizer unread: generations have no text and no
	// stop strings, and end at the tokens that the configuration names.
	TokensOnly bool

	// TextOptional does without a tokenizer or template that cannot be read: Notes
	// say so, and the rest is as with TokensOnly.
	TextOptional bool
}

// UnsupportedError names what a checkpoint has that this version cannot compute.
type UnsupportedError = checkpoint.UnsupportedError

// Engine holds a base model and any number of adapters, and works on jobs. One
// goroutine at a time may call its methods.
type Engine struct {
	config     config
	decoder    *decoder
	tokenizer  Tokenizer // nil where the checkpoint has none
	templates  chat.Sources
	eos        []int32
	notes      []string
	hash       string // of the weights
	base       string // of all that the base computes with
	arithmetic Arithmetic
	pool       *kernel.Pool
	cache      *kvCache
	memory     budget
	mapped     checkpoint.Source // nil where all of it is in memory
	adapters   map[string]*adapter
	probed     *probedBase // nil once a job began
	closed     bool

	waiting []*bundle
	bundles map[uint64]*bundle // those that further jobs may join, by their tokens
	queued  int                // jobs of waiting
	full    bool               // the first of waiting needs room that a job must give back
	active  []*sequence
	step    uint64 // number of the step
	stamp   uint64 // of the rows of the batch
	planner planner
	batch   batch
	work    Work
}

// Tokenizer is what the engine needs of a tokenizer.
type Tokenizer interface {
	Encode(text string, addSpecial bool) ([]int32, error)
	Decode(ids []int32, skipSpecial bool) string
	Stream(skipSpecial bool) TextStream
	BOS() (id int32, ok bool)
	EOS() []int32
	AddsBOS() bool
	VocabSize() int        // ids are below it
	AddedTokens() []string // those looked for in texts, special ones among them
	Identity() string      // "sha256:…"
}

// TextStream turns tokens into text as they come.
type TextStream interface {
	Push(id int32) string
	Flush() string
}

// Open loads the checkpoint at path: a Hugging Face directory or a .gguf file.
// What this version cannot compute is an *UnsupportedError, what does not fit
// the memory a *MemoryError.
func Open(ctx context.Context, path string, opt Options) (*Engine, error) {
	dir, name, err := Files(path)
	if err != nil {
		return nil, err
	}
	return OpenFS(ctx, dir, name, opt)
}

// Files is what OpenFS wants of the checkpoint at path.
func Files(path string) (dir fs.FS, name string, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("open model: %w", err)
	case info.IsDir():
		return os.DirFS(path), ".", nil
	}
	folder, name := filepath.Split(path)
	if folder == "" {
		folder = "."
	}
	return os.DirFS(folder), name, nil
}

// OpenFS loads a checkpoint from a file system: the Hugging Face directory at
// its root (name "."), or the GGUF file called name.
func OpenFS(ctx context.Context, dir fs.FS, name string, opt Options) (*Engine, error) {
	return openParts(ctx, opt, func(opt Options, onFault func(error) bool) *parts { return readParts(ctx, dir, name, opt, onFault) })
}

// OpenSource loads a model whose tensors come from no file, such as one of
// random weights: config is its config.json, hash the identity of its weights.
// There is no tokenizer: generations are tokens only. src is closed.
func OpenSource(ctx context.Context, config []byte, src checkpoint.Source, hash string, opt Options) (*Engine, error) {
	return openParts(ctx, opt, func(_ Options, onFault func(error) bool) *parts { return partsOf(config, src, hash, onFault) })
}

// openParts makes an engine of what read returns.
func openParts(ctx context.Context, opt Options, read func(opt Options, onFault func(error) bool) *parts) (*Engine, error) {
	if opt.Threads == 0 {
		opt.Threads = runtime.NumCPU()
	}
	if opt.Threads < 1 || opt.Threads > maxThreads {
		return nil, fmt.Errorf("open model: %d threads, want 1 … %d", opt.Threads, maxThreads)
	}
	if opt.CacheBytes < 0 || opt.MemoryBytes < 0 || opt.MaxPosition < 0 {
		return nil, fmt.Errorf("open model: less than no memory or positions are allowed: %+v", opt)
	}
	with, err := opt.Arithmetic.resolve()
	if err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	opt.Arithmetic = with
	var fault error
	p := read(opt, func(err error) bool {
		fault = err
		return false
	})
	e := &Engine{adapters: map[string]*adapter{}}
	if fault == nil {
		err := e.loadBeside(ctx, p, opt, &fault)
		if fault == nil {
			fault = err
		}
	}
	if fault != nil {
		if p.source != nil {
			p.source.Close()
		}
		if e.pool != nil {
			e.pool.Close()
		}
		return nil, fmt.Errorf("open model: %w", fault)
	}
	e.closeUnlessMapped(p.source, p.config)
	e.tokenizer, e.templates, e.eos, e.notes, e.hash, e.base = p.tokenizer, p.templates, p.eos, p.notes, p.hash, p.base
	e.eos = e.endTokens()
	return e, nil
}

// loadBeside packs the weights while the rest of p is read and hashed. Where that
// sets fault, the weights are given up.
func (e *Engine) loadBeside(ctx context.Context, p *parts, opt Options, fault *error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var rest sync.WaitGroup
	rest.Go(func() {
		p.rest()
		if *fault != nil {
			stop(*fault)
		}
	})
	err := e.load(ctx, p.config, newWeights(p.source, p.config, opt.Arithmetic), opt)
	rest.Wait()
	return err
}

// maxThreads is far more than any machine that this runs on has.
const maxThreads = 4096

// ErrClosed is returned by Step, Submit and others after Close.
var ErrClosed = errors.New("the engine is closed")

// Close ends the engine's threads and forgets all jobs. A second Close does
// nothing.
func (e *Engine) Close() {
	if e.closed {
		return
	}
	e.closed = true
	e.abandon()
	e.pool.Close()
	if e.mapped != nil {
		e.mapped.Close()
	}
}

// Config is the checkpoint's configuration.
func (e *Engine) Config() architecture.Config { return *e.config.Config }

// Tokenizer returns the checkpoint's tokenizer, or nil where it has none.
func (e *Engine) Tokenizer() Tokenizer { return e.tokenizer }

// Hash is the hash of the base weights' files, "sha256:…".
func (e *Engine) Hash() string { return e.hash }

// Notes say what the checkpoint suggests and the engine does not do of its own accord.
func (e *Engine) Notes() []string { return e.notes }

// BaseIdentity is the hash of all that the base computes with, "sha256:…": a
// GGUF file, or the weights and the configuration beside them.
func (e *Engine) BaseIdentity() string { return e.base }

// MaxLength is the number of positions of the model.
func (e *Engine) MaxLength() int { return e.config.MaxPositionEmbeddings }

// Arithmetic names what the numbers are made with.
func (e *Engine) Arithmetic() string { return string(e.arithmetic) }

// identity is raised whenever a change can move a bit of a result: the order of
// a sum, a polynomial, the length of a block of keys, the rounding of a weight.
const identity = "lorabench-engine/3"

// Identity names the engine and the version of its arithmetic. Results of the
// same inputs with the same identity are equal bit for bit, on any machine.
func Identity() string { return identity }

// KernelPath names the code that computes: "avx512", "avx2", "neon",
// "portable" (C without vector instructions) or "go". It is a matter of speed: all give the same bits.
func KernelPath() string { return kernel.Path() }

// closeUnlessMapped closes the files of a checkpoint, whose weights are copies,
// unless a part is read where it lies.
func (e *Engine) closeUnlessMapped(src checkpoint.Source, cfg *architecture.Config) {
	if cfg.PerLayerInput > 0 {
		e.mapped = src
		return
	}
	src.Close()
}

func (e *Engine) load(ctx context.Context, cfg *architecture.Config, view weights, opt Options) error {
	if opt.MaxPosition > 0 {
		cfg.MaxPositionEmbeddings = min(cfg.MaxPositionEmbeddings, opt.MaxPosition)
	}
	e.config = config{Config: cfg, eps: float32(cfg.RMSNormEps)}
	size, err := view.packedBytes(e.config)
	if err != nil {
		return err
	}
	e.arithmetic = view.arithmetic
	switch note, err := view.checkArithmetic(); {
	case err != nil:
		return err
	case note != "":
		e.notes = append(e.notes, note)
	}
	e.memory = budget{allowed: opt.MemoryBytes, cache: opt.CacheBytes, weights: size + e.config.workingBytes(opt.Threads)}
	if err := e.share(); err != nil {
		return err
	}
	e.pool = kernel.NewPool(opt.Threads)
	e.batch.samplers = make([]sampler, e.pool.Threads())
	e.batch.head.slice = make([][]float32, e.pool.Threads())
	e.batch.embedLow = make([][]float32, e.pool.Threads())
	e.decoder, err = loadDecoder(ctx, e.config, view, e.pool)
	return err
}

// endTokens are all that end a text: those of the configuration, of the
// tokenizer, and of e.eos, ascending.
func (e *Engine) endTokens() []int32 {
	all := slices.Clone(e.eos)
	for _, id := range e.config.EOSTokenIDs {
		all = append(all, int32(id))
	}
	if e.tokenizer != nil {
		all = append(all, e.tokenizer.EOS()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// hashFiles is the sha256 over the files' names, sizes and contents.
func hashFiles(dir fs.FS, names ...string) (string, error) {
	h := sha256.New()
	for _, name := range names {
		if err := hashFile(h, dir, name); err != nil {
			return "", err
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

func hashFile(h io.Writer, dir fs.FS, name string) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "%s %d\n", name, info.Size())
	_, err = io.Copy(h, f)
	return err
}
