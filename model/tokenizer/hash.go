package tokenizer

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// hash returns what Tokenizer.Hash does. Every part is preceded by its name and
// every text by its length, so no two recipes write the same bytes.
func (r *recipe) hash() (sum [sha256.Size]byte, err error) {
	digest := sha256.New()
	w := bufio.NewWriter(digest)
	fmt.Fprintf(w, "vocabulary %d\n", len(r.vocab.tokens))
	for id, token := range r.vocab.tokens {
		if r.vocab.present[id] {
			fmt.Fprintf(w, "%d %d %s\n", id, len(token), token)
		}
	}
	fmt.Fprintf(w, "merges %d\n", len(r.merges))
	for _, m := range r.merges {
		fmt.Fprintf(w, "%d %d %s %s\n", len(m.left), len(m.right), m.left, m.right)
	}
	for _, part := range []any{r.options, r.added, r.before, r.after} {
		data, err := json.Marshal(part)
		if err != nil {
			return sum, err
		}
		fmt.Fprintf(w, "%s\n", data)
	}
	for _, raw := range []json.RawMessage{r.normalizer, r.preTokenizer, r.decoder} {
		data, err := canonicalJSON(raw)
		if err != nil {
			return sum, err
		}
		fmt.Fprintf(w, "%s\n", data)
	}
	if r.pieces != nil {
		data, err := json.Marshal(r.pieces)
		if err != nil {
			return sum, err
		}
		fmt.Fprintf(w, "%s\n", data)
	}
	if err := w.Flush(); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(digest.Sum(nil)), nil
}

// Identity is Hash as "sha256:" and hexadecimal digits.
func (t *Tokenizer) Identity() string {
	return "sha256:" + hex.EncodeToString(t.hash[:])
}
