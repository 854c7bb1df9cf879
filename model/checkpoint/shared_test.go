package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared is where the reference vectors lie, beside the repository.
const shared = "../../../shared"

// sharedDir returns the path of a folder of reference material, or skips.
func sharedDir(t testing.TB, path ...string) string {
	t.Helper()
	if _, err := os.Stat(shared); err != nil {
		t.Skip("../shared is not there")
	}
	dir := filepath.Join(append([]string{shared}, path...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readShared(t testing.TB, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(sharedDir(t, path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readConfig(t testing.TB, path ...string) *Config {
	t.Helper()
	c, err := ParseConfig(readShared(t, path...))
	if err != nil {
		t.Fatalf("%v: %v", path, err)
	}
	return c
}

// safetensorsFile makes a file of a header as text and data.
func safetensorsFile(header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// wantError checks that err says what it should.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one that says %q", err, want)
	}
}

// withKey returns a JSON object with a key changed; nil removes it.
func withKey(t *testing.T, data []byte, key string, value any) []byte {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if m[key] = value; value == nil {
		delete(m, key)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ggufBuilder writes GGUF files, right and wrong ones.
type ggufBuilder struct {
	version uint32
	pairs   []string
	infos   []string
	data    []byte
	// What the header says, where it is not what there is.
	tensors, keys *uint64
}

func le[T any](v T) string {
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func ggufText(s string) string { return le(uint64(len(s))) + s }

func (b *ggufBuilder) pair(key string, kind ggufType, value string) {
	b.pairs = append(b.pairs, ggufText(key)+le(uint32(kind))+value)
}

func (b *ggufBuilder) text(key, value string)    { b.pair(key, ggufString, ggufText(value)) }
func (b *ggufBuilder) u32(key string, v uint32)  { b.pair(key, ggufUint32, le(v)) }
func (b *ggufBuilder) f32(key string, v float32) { b.pair(key, ggufFloat32, le(v)) }

// info adds a tensor entry; dims are fastest first, as in the file.
func (b *ggufBuilder) info(name string, dims []uint64, kind uint32, offset uint64) {
	s := ggufText(name) + le(uint32(len(dims)))
	for _, d := range dims {
		s += le(d)
	}
	b.infos = append(b.infos, s+le(kind)+le(offset))
}

// tensor adds an F32 tensor after the others, aligned to 32 bytes.
func (b *ggufBuilder) tensor(name string, dims ...uint64) {
	n := uint64(1)
	for _, d := range dims {
		n *= d
	}
	b.info(name, dims, 0, uint64(len(b.data)))
	b.data = append(b.data, make([]byte, (4*n+31)/32*32)...)
}

func (b *ggufBuilder) bytes() []byte {
	tensors, keys := uint64(len(b.infos)), uint64(len(b.pairs))
	if b.tensors != nil {
		tensors = *b.tensors
	}
	if b.keys != nil {
		keys = *b.keys
	}
	s := "GGUF" + le(b.version) + le(tensors) + le(keys) + strings.Join(b.pairs, "") + strings.Join(b.infos, "")
	for len(s)%32 != 0 && len(b.data) > 0 {
		s += "\x00"
	}
	return append([]byte(s), b.data...)
}

// smallGGUF is a llama of one layer: hidden 4, 2 heads of 2, 1 kv head, ffn 6,
// vocabulary 8.
func smallGGUF() *ggufBuilder {
	b := &ggufBuilder{version: 3}
	b.text("general.architecture", "llama")
	b.u32("llama.block_count", 1)
	b.u32("llama.context_length", 16)
	b.u32("llama.embedding_length", 4)
	b.u32("llama.feed_forward_length", 6)
	b.u32("llama.attention.head_count", 2)
	b.u32("llama.attention.head_count_kv", 1)
	b.u32("llama.rope.dimension_count", 2)
	b.f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	b.tensor("token_embd.weight", 4, 8)
	b.tensor("blk.0.attn_norm.weight", 4)
	b.tensor("blk.0.attn_q.weight", 4, 4)
	b.tensor("blk.0.attn_k.weight", 4, 2)
	b.tensor("blk.0.attn_v.weight", 4, 2)
	b.tensor("blk.0.attn_output.weight", 4, 4)
	b.tensor("blk.0.ffn_norm.weight", 4)
	b.tensor("blk.0.ffn_gate.weight", 4, 6)
	b.tensor("blk.0.ffn_up.weight", 4, 6)
	b.tensor("blk.0.ffn_down.weight", 6, 4)
	b.tensor("output_norm.weight", 4)
	return b
}

// nested returns the JSON value 0 in that many arrays.
func nested(levels int) string {
	return fmt.Sprint(strings.Repeat("[", levels), "0", strings.Repeat("]", levels))
}
