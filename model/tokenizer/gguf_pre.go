package tokenizer

import (
	"encoding/json"
	"strings"
)

// preTokenizer is what a name in tokenizer.ggml.pre stands for: what the
// tokenizer.json has that such files are made of. Where llama.cpp splits
// otherwise than it (it does not compose characters, and takes fewer of them for
// digits), tokenizer.json counts: models were trained with that.
type preTokenizer struct {
	steps        []string // as tokenizer.json writes them
	nfc          bool
	ignoreMerges bool
	addBOS       bool // where the file does not say
}

const (
	stepDigits      = `{"type":"Digits","individual_digits":true}`
	stepNumbers     = `{"type":"Digits","individual_digits":false}`
	stepPunctuation = `{"type":"Punctuation","behavior":"Contiguous"}`
	stepBytes       = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}`
	stepGPT2        = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`
)

// Patterns of DeepSeek's and Bloom's tokenizers, which have no scanner of their own.
const (
	patternCased = `[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+`
	patternCJK   = `[一-龥ࠀ-一가-퟿]+`

	patternDeepSeek = `[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_` + "`" + `{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// stepSplit isolates the matches of a regular expression.
func stepSplit(expr string) string {
	quoted, _ := json.Marshal(expr) // a string can always be written
	return `{"type":"Split","pattern":{"Regex":` + string(quoted) + `},"behavior":"Isolated","invert":false}`
}

// preTokenizerOf returns what name stands for; ok is false where it is not known.
func preTokenizerOf(name string) (p preTokenizer, ok bool) {
	switch name {
	case "default": // llama.cpp's, for files that were made without a name
		p.steps = []string{stepSplit(`[\p{P}\$\+<=>\^~\|]+`), stepSplit(patternGPT2), stepSplit(`\p{N}+`), stepSplit(`[0-9][0-9][0-9]`), stepBytes}
	case "gpt-2", "phi-2":
		p.steps = []string{stepGPT2}
	case "mpt", "olmo":
		p.steps, p.nfc = []string{stepGPT2}, true
	case "smollm", "starcoder", "refact":
		p.steps = []string{stepDigits, stepGPT2}
	case "command-r":
		p.steps, p.nfc = []string{stepDigits, stepGPT2}, true
	case "falcon":
		p.steps = []string{stepPunctuation, stepGPT2, stepNumbers, stepSplit(`[0-9][0-9][0-9]`)}
	case "dbrx", "smaug-bpe", "glm4", "chatglm-bpe": // GPT-4's pattern, which is Llama 3's
		p.steps = []string{stepSplit(patternLlama3), stepBytes}
	case "llama3", "llama-v3", "llama-bpe":
		p.steps, p.ignoreMerges, p.addBOS = []string{stepSplit(patternLlama3), stepBytes}, true, true
	case "qwen2", "deepseek-r1-qwen", "megrez":
		p.steps, p.nfc = []string{stepSplit(patternQwen2), stepBytes}, true
	case "qwen35":
		p.steps, p.nfc = []string{stepSplit(patternQwen35), stepBytes}, true
	case "tekken":
		p.steps, p.ignoreMerges, p.addBOS = []string{stepSplit(patternTekken), stepBytes}, true, true
	case "deepseek-llm":
		p.steps = []string{stepSplit(`[\r\n]`), stepSplit(`\s?` + patternCased), stepSplit(`\s?[!-/:-~！-／：-～‘-‟　-。]+`), stepSplit(`\s+$`),
			stepSplit(patternCJK), stepDigits, stepBytes}
	case "deepseek-coder":
		p.steps = []string{stepSplit(`[\r\n]`), stepSplit(`\s?\p{L}+`), stepSplit(`\s?\p{P}+`), stepSplit(patternCJK), stepDigits, stepBytes}
	case "deepseek-v3":
		p.steps = []string{stepSplit(`\p{N}{1,3}`), stepSplit(`[一-龥぀-ゟ゠-ヿ]+`), stepSplit(patternDeepSeek), stepBytes}
	case "bloom":
		p.steps = []string{stepSplit(` ?[^(\s|[.,!?…。，、।۔،])]+`), stepBytes}
	case "gpt-4o":
		p.steps = []string{stepSplit(patternO200k), stepBytes}
	default:
		return p, false
	}
	return p, true
}

// json is the steps as one, as tokenizer.json writes it.
func (p preTokenizer) json() json.RawMessage {
	return json.RawMessage(`{"type":"Sequence","pretokenizers":[` + strings.Join(p.steps, ",") + `]}`)
}

// recipe is what the name stands for, without a vocabulary.
func (p preTokenizer) recipe() *recipe {
	r := &recipe{bos: -1, options: modelOptions{IgnoreMerges: p.ignoreMerges}, preTokenizer: p.json(), decoder: json.RawMessage(`{"type":"ByteLevel"}`)}
	if p.nfc {
		r.normalizer = json.RawMessage(`{"type":"NFC"}`)
	}
	return r
}
