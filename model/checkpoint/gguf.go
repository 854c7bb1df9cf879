package checkpoint

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// GGUF is one GGUF file: metadata and tensors.
//
// Source: docs/gguf.md, https://github.com/ggml-org/ggml.
type GGUF struct {
	Version   int // 2 or 3
	Alignment int // of the tensors' data, in bytes

	file     *file
	keys     []string
	metadata map[string]ggufValue
	tensors  map[string]Tensor
}

const (
	ggufMagic       = "GGUF"
	defaultAlign    = 32
	maxAlign        = 1 << 20
	maxDimensions   = 4
	maxGGUFKey      = 1<<16 - 1
	maxArrayDepth   = 4
	ropeFactorsName = "rope_freqs.weight"
)

// OpenGGUF opens dir's file of that name. Types that this package knows but
// cannot read as numbers are no error until such a tensor is used; an unknown
// type, data that overlap, leave holes or go past the end of the file, and
// everything else that is not as the format says, are errors.
func OpenGGUF(dir fs.FS, name string) (*GGUF, error) {
	f, err := openFile(dir, name)
	if err != nil {
		return nil, err
	}
	g, err := parseGGUF(f)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return g, nil
}

// ParseGGUF reads the bytes of a GGUF file; name is for its errors. Tensors and
// metadata are views of data.
func ParseGGUF(name string, data []byte) (*GGUF, error) {
	return parseGGUF(&file{name: name, data: data})
}

func parseGGUF(f *file) (*GGUF, error) {
	g := &GGUF{file: f, metadata: map[string]ggufValue{}, tensors: map[string]Tensor{}}
	if err := g.parse(f.data); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.name, err)
	}
	return g, nil
}

func (g *GGUF) parse(data []byte) error {
	if len(data) < 8 || string(data[:4]) != ggufMagic {
		return errors.New("no GGUF file: it does not begin with \"GGUF\"")
	}
	version := binary.LittleEndian.Uint32(data[4:])
	switch {
	case version == 2 || version == 3:
	case version&0xffff == 0:
		return errors.New("a GGUF file of a big-endian machine: not supported")
	default:
		return fmt.Errorf("GGUF version %d, want 2 or 3", version)
	}
	g.Version = int(version)
	c := &cursor{data: data, at: 8}
	const leastTensor = 8 + 4 + 4 + 8 // name, n_dims, type, offset
	const leastKey = 8 + 4 + 1        // key, type, value
	tensors, err := c.count("tensors", leastTensor)
	if err != nil {
		return err
	}
	pairs, err := c.count("metadata keys", leastKey)
	if err != nil {
		return err
	}
	for i := range pairs {
		if err := g.parsePair(c); err != nil {
			return fmt.Errorf("metadata key %d of %d: %w", i+1, pairs, err)
		}
	}
	if err := g.setAlignment(); err != nil {
		return err
	}
	spans := make([]span, 0, tensors)
	for i := range tensors {
		s, err := g.parseInfo(c)
		if err != nil {
			return fmt.Errorf("tensor %d of %d: %w", i+1, tensors, err)
		}
		spans = append(spans, s)
	}
	if err := g.checkSplit(); err != nil {
		return err
	}
	start := len(data)
	if pad := (g.Alignment - c.at%g.Alignment) % g.Alignment; pad <= len(data)-c.at {
		start = c.at + pad
	}
	return g.place(spans, data[start:])
}

// parsePair reads one key of the metadata and its value.
func (g *GGUF) parsePair(c *cursor) error {
	key, err := c.text()
	switch {
	case err != nil:
		return err
	case len(key) == 0 || len(key) > maxGGUFKey || !utf8.Valid(key):
		return fmt.Errorf("key %.40q is not text of 1 to %d bytes", key, maxGGUFKey)
	}
	name := string(key)
	if _, ok := g.metadata[name]; ok {
		return fmt.Errorf("%s is there twice", name)
	}
	kind, err := c.u32()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	v, err := c.value(ggufType(kind), 0)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	g.keys = append(g.keys, name)
	g.metadata[name] = v
	return nil
}

func (g *GGUF) setAlignment() error {
	const key = "general.alignment"
	g.Alignment = defaultAlign
	if !g.Has(key) {
		return nil
	}
	n, err := g.Int(key)
	if err != nil {
		return err
	}
	if n < 1 || n > maxAlign || n&(n-1) != 0 {
		return fmt.Errorf("%s is %d, want a power of two up to %d", key, n, maxAlign)
	}
	g.Alignment = n
	return nil
}

// checkSplit refuses one part of a model that was split into several files.
func (g *GGUF) checkSplit() error {
	if !g.Has("split.count") {
		return nil
	}
	n, err := g.Int("split.count")
	if err != nil {
		return err
	}
	if n > 1 {
		return fmt.Errorf("one of %d parts of a split model: join them with llama-gguf-split --merge", n)
	}
	return nil
}

// parseInfo reads the entry of one tensor; the span counts from the start of
// the data, and is not checked yet.
func (g *GGUF) parseInfo(c *cursor) (span, error) {
	b, err := c.text()
	switch {
	case err != nil:
		return span{}, err
	case len(b) == 0 || !utf8.Valid(b):
		return span{}, fmt.Errorf("name %.40q is not text", b)
	}
	name := string(b)
	if _, ok := g.tensors[name]; ok {
		return span{}, fmt.Errorf("%s is there twice", name)
	}
	wrap := func(err error) (span, error) { return span{}, fmt.Errorf("%s: %w", name, err) }
	n, err := c.u32()
	if err != nil {
		return wrap(err)
	}
	if n > maxDimensions {
		return wrap(fmt.Errorf("%d dimensions, want at most %d", n, maxDimensions))
	}
	shape := make([]int, n)
	for i := range shape { // fastest dimension first in the file
		dim, err := c.u64()
		if err != nil {
			return wrap(err)
		}
		if dim == 0 || dim > math.MaxInt {
			return wrap(fmt.Errorf("dimension %d is %d", i, dim))
		}
		shape[len(shape)-1-i] = int(dim)
	}
	id, err := c.u32()
	if err != nil {
		return wrap(err)
	}
	dtype, ok := ggmlDType(id)
	if !ok {
		return wrap(fmt.Errorf("storage type %d is not known", id))
	}
	offset, err := c.u64()
	if err != nil {
		return wrap(err)
	}
	size, err := dtype.bytesOf(shape)
	if err != nil {
		return wrap(err)
	}
	if offset > uint64(len(c.data)) || size > len(c.data)-int(offset) {
		return wrap(fmt.Errorf("%d bytes at offset %d are more than the file holds", size, offset))
	}
	if offset%uint64(g.Alignment) != 0 {
		return wrap(fmt.Errorf("offset %d is not a multiple of %d", offset, g.Alignment))
	}
	g.tensors[name] = Tensor{Name: name, DType: dtype, Shape: shape}
	return span{name: name, begin: int(offset), end: int(offset) + size}, nil
}

// place cuts the tensors from data, and checks that they cover it once: each
// begins at the first aligned offset after the one before it.
func (g *GGUF) place(spans []span, data []byte) error {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	last := span{name: "the header"}
	next := 0
	for _, s := range spans {
		switch {
		case s.begin < last.end:
			return fmt.Errorf("tensor %s: its bytes %d to %d overlap those of %s", s.name, s.begin, s.end, last.name)
		case s.begin > next:
			return fmt.Errorf("tensor %s: a hole of %d bytes between %s and it", s.name, s.begin-next, last.name)
		case s.end > len(data):
			return fmt.Errorf("tensor %s: its bytes %d to %d go past the %d bytes of data", s.name, s.begin, s.end, len(data))
		}
		t := g.tensors[s.name]
		t.Data = data[s.begin:s.end:s.end]
		g.tensors[s.name] = t
		last, next = s, s.end+(g.Alignment-s.end%g.Alignment)%g.Alignment
	}
	if len(data) > next {
		return fmt.Errorf("%d bytes after %s belong to no tensor", len(data)-next, last.name)
	}
	return nil
}

// Names returns the names of all stored tensors, sorted.
func (g *GGUF) Names() []string { return slices.Sorted(maps.Keys(g.tensors)) }

// Tensor returns the tensor with that name (blk.0.attn_q.weight; see
// GGUFName).
func (g *GGUF) Tensor(name string) (Tensor, error) {
	t, ok := g.tensors[name]
	if !ok {
		return Tensor{}, fmt.Errorf("%s: %w: %s", g.file.name, ErrNoTensor, name)
	}
	return t, nil
}

// RopeFactors returns the divisors of the rotary frequencies that the file has
// for long contexts (tensor rope_freqs.weight, [head_dim/2]), or nil where it
// has none. They are what Llama 3's scaling comes to. A divisor that is not
// positive and finite is an error.
func (g *GGUF) RopeFactors() ([]float32, error) {
	t, ok := g.tensors[ropeFactorsName]
	if !ok {
		return nil, nil
	}
	factors, err := t.Float32s()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", g.file.name, err)
	}
	for i, f := range factors {
		if !(f > 0) || math.IsInf(float64(f), 0) {
			return nil, fmt.Errorf("read %s: tensor %s: value %d is %v, want a positive divisor", g.file.name, t.Name, i, f)
		}
	}
	return factors, nil
}

// Hash returns the SHA-256 of the file as "sha256:" and hexadecimal digits. It
// covers weights, metadata and tokenizer: they are one file.
func (g *GGUF) Hash(ctx context.Context) (string, error) {
	return hashFiles(ctx, []*file{g.file})
}

// Forget lets what was read of the file so far leave memory.
func (g *GGUF) Forget() { g.file.forget() }

// Close releases the file. The Data of its tensors, and metadata, are invalid
// after it; strings and slices that were got from metadata stay.
func (g *GGUF) Close() error {
	g.tensors, g.metadata, g.keys = nil, nil, nil
	return g.file.close()
}

// cursor reads a GGUF file from its beginning.
type cursor struct {
	data []byte
	at   int
}

func (c *cursor) take(n int) ([]byte, error) {
	if n > len(c.data)-c.at {
		return nil, fmt.Errorf("the file ends at byte %d, inside what should be %d bytes from %d on", len(c.data), n, c.at)
	}
	b := c.data[c.at : c.at+n : c.at+n]
	c.at += n
	return b, nil
}

func (c *cursor) u32() (uint32, error) {
	b, err := c.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (c *cursor) u64() (uint64, error) {
	b, err := c.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// count reads a number of things of at least least bytes each.
func (c *cursor) count(what string, least int) (int, error) {
	n, err := c.u64()
	if err != nil {
		return 0, fmt.Errorf("number of %s: %w", what, err)
	}
	if left := len(c.data) - c.at; n > uint64(left/least) {
		return 0, fmt.Errorf("%d %s do not fit the %d bytes that are left", n, what, left)
	}
	return int(n), nil
}

// text reads a string: length as u64, bytes.
func (c *cursor) text() ([]byte, error) {
	n, err := c.count("bytes of a string", 1)
	if err != nil {
		return nil, err
	}
	return c.take(n)
}
