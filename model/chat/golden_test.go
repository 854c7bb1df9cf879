package chat

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ailiance/lorabench/model/chat/jinja"
)

const shared = "../../../shared"

// noon is when testdata/golden.py rendered.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

var (
	//go:embed testdata/golden.tsv
	golden string
	//go:embed testdata/conversations.json
	conversations []byte
	//go:embed testdata/differs.json
	differs []byte
)

// readShared reads a file of ../shared, unpacked where it is packed.
func readShared(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared, path))
	if os.IsNotExist(err) {
		t.Skipf("%s is not there", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return data
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return data
}

// vector is a line of the vectors in shared/vectors/chat/jinja.
type vector struct {
	Name, Template, Expected, Target string
	ChatTemplate                     string `json:"chat_template"`
	Context, Data                    json.RawMessage
	Functions                        []string `json:"functions_in_context"`
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	var vectors []vector
	for _, name := range []string{"jinja_feature_vectors.jsonl.gz", "jinja_e2e_vectors.jsonl.gz"} {
		s := bufio.NewScanner(bytes.NewReader(readShared(t, "vectors/chat/jinja/"+name)))
		s.Buffer(nil, 1<<24)
		for s.Scan() {
			var v vector
			if err := json.Unmarshal(s.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			vectors = append(vectors, v)
		}
	}
	return vectors
}

// readTemplates returns the source of each template of golden.tsv.
func readSources(t *testing.T) map[string]string {
	t.Helper()
	sources := map[string]string{}
	files, err := filepath.Glob(filepath.Join(shared, "vectors/llama_cpp/chat_templates/*.jinja"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		sources[filepath.Base(f)] = string(readShared(t, "vectors/llama_cpp/chat_templates/"+filepath.Base(f)))
	}
	for _, v := range readVectors(t) {
		if v.ChatTemplate != "" {
			sources[v.Name] = v.ChatTemplate
		}
	}
	configs, err := filepath.Glob(filepath.Join(shared, "data/tokenizers/*/tokenizer_config.json*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range configs {
		name := filepath.Base(filepath.Dir(f))
		s := Sources{Templates: map[string]string{}, SpecialTokens: map[string]string{}}
		if err := s.readConfig(readShared(t, "data/tokenizers/"+name+"/"+filepath.Base(f))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if source, err := s.Select("", false); err == nil {
			sources[name] = source
		}
	}
	return sources
}

// conversation is one of testdata/conversations.json.
type conversation struct {
	Name  string
	Input Input
}

func readConversations(t *testing.T) []conversation {
	t.Helper()
	v, err := DecodeJSON(conversations)
	if err != nil {
		t.Fatal(err)
	}
	var all []conversation
	for _, item := range v.(*jinja.List).Items {
		d := item.(*Dict)
		in := Input{Now: noon, SpecialTokens: map[string]string{"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}}
		in.Messages, in.Tools, in.Documents = dicts(d, "messages"), dicts(d, "tools"), dicts(d, "documents")
		in.AddGenerationPrompt = flag(d, "add_generation_prompt")
		in.ContinueFinalMessage = flag(d, "continue_final_message")
		if kwargs, ok := d.Get("kwargs"); ok {
			in.Kwargs = map[string]Value{}
			for name, v := range kwargs.(*Dict).All {
				in.Kwargs[name] = v
			}
		}
		name, _ := d.Get("name")
		all = append(all, conversation{name.(string), in})
	}
	return all
}

func dicts(d *Dict, key string) []*Dict {
	v, ok := d.Get(key)
	if !ok {
		return nil
	}
	list := []*Dict{}
	for _, item := range v.(*jinja.List).Items {
		list = append(list, item.(*Dict))
	}
	return list
}

func flag(d *Dict, key string) bool {
	v, _ := d.Get(key)
	return v == true
}

// TestGolden compares with what transformers makes of each conversation with each
// published template; see testdata/golden.py.
func TestGolden(t *testing.T) {
	sources := readSources(t)
	all := readConversations(t)
	for line := range strings.Lines(golden) {
		row := strings.Split(strings.TrimSpace(line), "\t")
		source, ok := sources[row[0]]
		if !ok || len(row) != len(all)+1 {
			t.Errorf("template %s: source there: %t; %d results for %d conversations", row[0], ok, len(row)-1, len(all))
			continue
		}
		template, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
			continue
		}
		for i, c := range all {
			got, err := template.Render(c.Input)
			if h := hash(got, err); h != row[i+1] {
				t.Errorf("%s, %s: got %s (%v), want %s; prompt:\n%.400s", row[0], c.Name, h, err, row[i+1], got)
			}
		}
	}
}

// TestVectors compares with the vectors' expected texts, or where jinja2 makes
// others (they come from an implementation in JavaScript, which prints true and
// adds texts to numbers) with its.
func TestVectors(t *testing.T) {
	other := map[string]string{}
	if err := json.Unmarshal(differs, &other); err != nil {
		t.Fatal(err)
	}
	delete(other, "REPLACE") // replace(count=1): an error only before Python 3.13
	for _, v := range readVectors(t) {
		if v.Functions != nil {
			continue // functions of the caller's: a chat template is given none
		}
		source, context, want := v.Template, v.Context, v.Expected
		if v.ChatTemplate != "" {
			source, context, want = v.ChatTemplate, v.Data, v.Target
		}
		text, err := renderVector(source, context)
		wantHash, differs := other[v.Name]
		if !differs {
			wantHash = hash(want, nil)
		}
		if got := hash(text, err); got != wantHash {
			t.Errorf("%s: got %s: %q, %v, want %s: %q", v.Name, got, text, err, wantHash, want)
		}
	}
}

// hash is a result as testdata/golden.py writes it.
func hash(text string, err error) string {
	if err != nil {
		return "error"
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:12]
}

func renderVector(source string, context []byte) (string, error) {
	template, err := jinja.Parse(source)
	if err != nil {
		return "", err
	}
	v, err := DecodeJSON(context)
	if err != nil {
		return "", err
	}
	vars := map[string]Value{}
	for name, v := range v.(*Dict).All {
		vars[name] = v
	}
	return template.Render(vars, noon)
}
