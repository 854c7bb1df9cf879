// Package checkpointtest writes checkpoint files for tests, right and wrong ones.
package checkpointtest

import (
	"encoding/binary"
	"strings"
)

// GGUF writes GGUF files, right and wrong ones.
type GGUF struct {
	Version uint32
	Pairs   []string
	Infos   []string
	Data    []byte
	// What the header says, where it is not what there is.
	TensorCount, KeyCount *uint64
}

// LE is a value in little-endian bytes.
func LE[T any](v T) string {
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Text is a string as GGUF stores it: its length, then its bytes.
func Text(s string) string { return LE(uint64(len(s))) + s }

// Pair adds metadata of a type by its number; value is as stored.
func (b *GGUF) Pair(key string, kind uint32, value string) {
	b.Pairs = append(b.Pairs, Text(key)+LE(kind)+value)
}

// Text, U32 and F32 add metadata of these types.
func (b *GGUF) Text(key, value string)    { b.Pair(key, 8, Text(value)) }
func (b *GGUF) U32(key string, v uint32)  { b.Pair(key, 4, LE(v)) }
func (b *GGUF) F32(key string, v float32) { b.Pair(key, 6, LE(v)) }

// Info adds a tensor entry; dims are fastest first, as in the file.
func (b *GGUF) Info(name string, dims []uint64, kind uint32, offset uint64) {
	s := Text(name) + LE(uint32(len(dims)))
	for _, d := range dims {
		s += LE(d)
	}
	b.Infos = append(b.Infos, s+LE(kind)+LE(offset))
}

// Tensor adds an F32 tensor after the others, aligned to 32 bytes.
func (b *GGUF) Tensor(name string, dims ...uint64) {
	n := uint64(1)
	for _, d := range dims {
		n *= d
	}
	b.Info(name, dims, 0, uint64(len(b.Data)))
	b.Data = append(b.Data, make([]byte, (4*n+31)/32*32)...)
}

// Bytes is the file.
func (b *GGUF) Bytes() []byte {
	tensors, keys := uint64(len(b.Infos)), uint64(len(b.Pairs))
	if b.TensorCount != nil {
		tensors = *b.TensorCount
	}
	if b.KeyCount != nil {
		keys = *b.KeyCount
	}
	s := "GGUF" + LE(b.Version) + LE(tensors) + LE(keys) + strings.Join(b.Pairs, "") + strings.Join(b.Infos, "")
	for len(s)%32 != 0 && len(b.Data) > 0 {
		s += "\x00"
	}
	return append([]byte(s), b.Data...)
}

// SmallGGUF is a llama of one layer: hidden 4, 2 heads of 2, 1 kv head, ffn 6,
// vocabulary 8.
func SmallGGUF() *GGUF {
	b := &GGUF{Version: 3}
	b.Text("general.architecture", "llama")
	b.U32("llama.block_count", 1)
	b.U32("llama.context_length", 16)
	b.U32("llama.embedding_length", 4)
	b.U32("llama.feed_forward_length", 6)
	b.U32("llama.attention.head_count", 2)
	b.U32("llama.attention.head_count_kv", 1)
	b.U32("llama.rope.dimension_count", 2)
	b.F32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	b.Tensor("token_embd.weight", 4, 8)
	b.Tensor("blk.0.attn_norm.weight", 4)
	b.Tensor("blk.0.attn_q.weight", 4, 4)
	b.Tensor("blk.0.attn_k.weight", 4, 2)
	b.Tensor("blk.0.attn_v.weight", 4, 2)
	b.Tensor("blk.0.attn_output.weight", 4, 4)
	b.Tensor("blk.0.ffn_norm.weight", 4)
	b.Tensor("blk.0.ffn_gate.weight", 4, 6)
	b.Tensor("blk.0.ffn_up.weight", 4, 6)
	b.Tensor("blk.0.ffn_down.weight", 6, 4)
	b.Tensor("output_norm.weight", 4)
	return b
}
