package architecture

import (
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// Spelling is how the modules of a decoder are named in a checkpoint: as in a
// text-only one, or as in one of the wrappers.
type Spelling struct{ decoder, head string }

// Spellings are all that there are, the text-only one first.
func Spellings() []Spelling {
	return []Spelling{{decoderPrefixes[0], ""}, {decoderPrefixes[1], ""}, {decoderPrefixes[2], headPrefixes[1]}}
}

// Path is the spelling's path of a module, for its path in a text-only
// checkpoint.
func (s Spelling) Path(path string) string {
	if rest, ok := strings.CutPrefix(path, decoderPrefixes[0]); ok {
		return s.decoder + rest
	}
	return s.head + path
}

// otherParts are the parts of a multimodal checkpoint beside the decoder.
var otherParts = []string{"vision_tower.", "audio_tower.", "multi_modal_projector.", "embed_vision.", "embed_audio."}

// BeyondText says whether a name in a multimodal checkpoint is of a part that
// sees or hears, which no text reaches.
func (c *Config) BeyondText(name string) bool {
	name = strings.TrimPrefix(name, "model.")
	return c.wrapper && slices.ContainsFunc(otherParts, func(part string) bool { return strings.HasPrefix(name, part) })
}

// GGUFArchitecture is what GGUF files of this architecture have as
// general.architecture, "" where there are none.
func (c *Config) GGUFArchitecture() string { return c.inGGUF().architecture.ggufName }

// GGUFRows is RowPermutation for a GGUF file that lies beside a base of any
// format, such as an adapter.
func (c *Config) GGUFRows(file *checkpoint.GGUF, name string) func(row int) int {
	return c.inGGUF().RowPermutation(file, name)
}

// inGGUF is the configuration as GGUF has it: a Mistral is a Llama there.
func (c *Config) inGGUF() *Config {
	if c.architecture != &mistral {
		return c
	}
	other := *c
	other.architecture = &llama
	return &other
}
