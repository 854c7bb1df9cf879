package checkpoint

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// maxHeader is the largest header that safetensors' own reader takes.
const maxHeader = 100_000_000

// Safetensors is one safetensors file.
//
// The format: header length as u64, JSON header {name: {dtype, shape,
// data_offsets: [begin, end]}}, data; all little-endian.
// Source: https://github.com/huggingface/safetensors.
type Safetensors struct {
	file     *file
	tensors  map[string]Tensor
	metadata map[string]string
}

// OpenSafetensors opens dir's file of that name. It refuses a header that is
// not exactly right: unknown types, repeated names, sizes that disagree with
// shapes, and data that overlap, leave holes, or do not end with the file.
func OpenSafetensors(dir fs.FS, name string) (*Safetensors, error) {
	f, err := openFile(dir, name)
	if err != nil {
		return nil, err
	}
	s, err := parseSafetensors(f)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return s, nil
}

// ParseSafetensors reads the bytes of a safetensors file; name is for its
// errors. The tensors are views of data.
func ParseSafetensors(name string, data []byte) (*Safetensors, error) {
	return parseSafetensors(&file{name: name, data: data})
}

func parseSafetensors(f *file) (*Safetensors, error) {
	s := &Safetensors{file: f, tensors: map[string]Tensor{}, metadata: map[string]string{}}
	if err := s.parse(f.data); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.name, err)
	}
	return s, nil
}

// span is where a tensor lies in the data.
type span struct {
	name       string
	begin, end int
}

func (s *Safetensors) parse(b []byte) error {
	if len(b) < 8 {
		return fmt.Errorf("%d bytes are no safetensors file", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	b = b[8:]
	if n > maxHeader {
		return fmt.Errorf("header of %d bytes, more than the %d that the format allows", n, maxHeader)
	}
	if n > uint64(len(b)) {
		return fmt.Errorf("header of %d bytes, but the file ends after %d", n, len(b))
	}
	header, data := b[:n], b[n:]
	spans, err := s.parseHeader(header, data)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return checkSpans(spans, len(data))
}

func (s *Safetensors) parseHeader(header, data []byte) ([]span, error) {
	r, err := newJSONReader(header)
	if err != nil {
		return nil, err
	}
	var spans []span
	err = r.object(func(name string) error {
		if name == "__metadata__" {
			if err := s.parseMetadata(r); err != nil {
				return fmt.Errorf("__metadata__: %w", err)
			}
			return nil
		}
		t, at, err := parseEntry(r, name, data)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", name, err)
		}
		s.tensors[name] = t
		spans = append(spans, at)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return spans, r.end()
}

// parseMetadata reads an object of strings, or null, as mlx writes for none.
func (s *Safetensors) parseMetadata(r *jsonReader) error {
	t, err := r.token()
	switch {
	case err != nil || t == nil:
		return err
	case t != json.Delim('{'):
		return fmt.Errorf("want an object, got %s", DescribeJSON(t))
	}
	return r.members(func(key string) (err error) {
		s.metadata[key], err = r.string()
		return err
	})
}

// parseEntry reads one tensor's entry of the header and cuts it from data.
func parseEntry(r *jsonReader, name string, data []byte) (Tensor, span, error) {
	t := Tensor{Name: name, Shape: []int{}}
	var offsets []int
	var dtype, shape bool
	err := r.object(func(key string) error {
		switch key {
		case "dtype":
			dtype = true
			s, err := r.string()
			if err != nil {
				return fmt.Errorf("dtype: %w", err)
			}
			var ok bool
			if t.DType, ok = safetensorsDType(s); !ok {
				return fmt.Errorf("dtype %.40q is not known", s)
			}
		case "shape":
			shape = true
			return readSizes(r, key, 8, &t.Shape)
		case "data_offsets":
			return readSizes(r, key, 2, &offsets)
		default:
			return fmt.Errorf("key %.40q is not known", key)
		}
		return nil
	})
	switch {
	case err != nil:
		return t, span{}, err
	case !dtype || !shape || len(offsets) != 2:
		return t, span{}, errors.New("want dtype, shape and data_offsets [begin, end]")
	}
	begin, end := offsets[0], offsets[1]
	if begin > end || end > len(data) {
		return t, span{}, fmt.Errorf("data_offsets [%d, %d] are not inside the %d bytes of data", begin, end, len(data))
	}
	want, err := t.DType.bytesOf(t.Shape)
	if err != nil {
		return t, span{}, err
	}
	if end-begin != want {
		return t, span{}, fmt.Errorf("data_offsets [%d, %d] hold %d bytes, want %d for %s %v", begin, end, end-begin, want, t.DType, t.Shape)
	}
	t.Data = data[begin:end:end]
	return t, span{name: name, begin: begin, end: end}, nil
}

// readSizes reads an array of at most most sizes.
func readSizes(r *jsonReader, key string, most int, list *[]int) error {
	err := r.array(func() error {
		if len(*list) == most {
			return fmt.Errorf("more than %d numbers", most)
		}
		n, err := r.size()
		*list = append(*list, n)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// checkSpans checks that the tensors cover the data once, without holes.
func checkSpans(spans []span, size int) error {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	last := span{name: "the header"}
	for _, s := range spans {
		switch {
		case s.begin < last.end:
			return fmt.Errorf("tensor %s: its bytes %d to %d overlap those of %s", s.name, s.begin, s.end, last.name)
		case s.begin > last.end:
			return fmt.Errorf("tensor %s: a hole of %d bytes between %s and it", s.name, s.begin-last.end, last.name)
		}
		last = s
	}
	if last.end != size {
		return fmt.Errorf("%d bytes after %s belong to no tensor", size-last.end, last.name)
	}
	return nil
}

// Names returns the names of all stored tensors, sorted.
func (s *Safetensors) Names() []string { return slices.Sorted(maps.Keys(s.tensors)) }

// Tensor returns the tensor with that name, or the one that the name is an
// alias of; see Aliases.
func (s *Safetensors) Tensor(name string) (Tensor, error) {
	if t, ok := s.tensors[name]; ok {
		return t, nil
	}
	if t, ok := s.tensors[s.metadata[name]]; ok {
		return t, nil
	}
	return Tensor{}, fmt.Errorf("%s: %w: %s", s.file.name, ErrNoTensor, name)
}

// Metadata returns the strings under __metadata__.
func (s *Safetensors) Metadata() map[string]string { return s.metadata }

// Aliases returns the names that share another tensor's storage, alias to
// stored name. transformers writes tied weights once and says in __metadata__
// which names were left out.
func (s *Safetensors) Aliases() map[string]string {
	aliases := map[string]string{}
	for alias, name := range s.metadata {
		_, stored := s.tensors[alias]
		if _, ok := s.tensors[name]; ok && !stored {
			aliases[alias] = name
		}
	}
	return aliases
}

// Hash returns the SHA-256 of the file as "sha256:" and hexadecimal digits.
func (s *Safetensors) Hash(ctx context.Context) (string, error) {
	return hashFiles(ctx, []*file{s.file})
}

// Forget lets what was read of the file so far leave memory.
func (s *Safetensors) Forget() { s.file.forget() }

// Close releases the file. The Data of its tensors is invalid after it.
func (s *Safetensors) Close() error {
	s.tensors = nil
	return s.file.close()
}
