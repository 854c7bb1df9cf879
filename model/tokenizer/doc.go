// Package tokenizer turns text into token ids and back, exactly as Hugging
// Face's Rust tokenizers do (compared with 0.23) from tokenizer.json, or the
// tokenizer.ggml keys of a GGUF file; as SentencePiece 0.2.3 does from
// tokenizer.model; as mistral_common does from tekken.json.
//
// A text goes through these steps, as in the Rust library:
//
//	added tokens → normalizer → normalized added tokens → pre-tokenizer → model → post-processor
//
// The model is byte-pair encoding, over bytes (GPT-2, Llama 3, Qwen, SmolLM, ...)
// or over characters with byte fallback (Llama 2, Mistral, Gemma); Unigram (T5);
// WordPiece (BERT); or a list of words. A component or an option that is not known
// is refused by name, never left out: a text split otherwise than in training
// scores lower, and nothing looks wrong.
//
// Unicode classes are those of the libraries under the Rust tokenizers, not
// Go's: Unicode 16 in regular expressions (Oniguruma), newer still in Digits
// (char::is_numeric), older in NFC and Punctuation.
//
// Regular expressions that published tokenizers use have scanners of their own.
// Others are translated from Oniguruma's language, or refused.
//
// Left out on purpose: training, the decoder CTC (speech), truncation, padding,
// offsets, pairs of sequences, chat templates (package chat),
// and the cleaning of spaces that transformers may do after decoding.
package tokenizer
