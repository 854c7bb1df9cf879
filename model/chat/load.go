package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Files that templates are read from, in a checkpoint's directory.
const (
	templateFile = "chat_template.jinja"
	templateDir  = "additional_chat_templates"
	configFile   = "tokenizer_config.json"
)

const maxFile = 16 << 20 // bytes

// Sources are the templates of a checkpoint and what they need from its files.
type Sources struct {
	Templates     map[string]string // source by name; a single one is "default"
	SpecialTokens map[string]string // bos_token, eos_token, ...
}

// Load reads the templates of a checkpoint as transformers 5 does:
// chat_template.jinja and additional_chat_templates/*.jinja, or where there are
// none of them chat_template in tokenizer_config.json, one or a list of {name,
// template}. A checkpoint without templates is no error.
func Load(dir fs.FS) (Sources, error) {
	s := Sources{Templates: map[string]string{}, SpecialTokens: map[string]string{}}
	config, err := readFile(dir, configFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if err == nil {
		if err := s.readConfig(config); err != nil {
			return s, fmt.Errorf("read %s: %w", configFile, err)
		}
	}
	files, err := readTemplates(dir)
	if len(files) > 0 {
		s.Templates = files
	}
	return s, err
}

func readFile(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("read %s: more than %d bytes", name, maxFile)
	}
	return data, err
}

func readTemplates(dir fs.FS) (map[string]string, error) {
	files := map[string]string{}
	data, err := readFile(dir, templateFile)
	switch {
	case err == nil:
		files["default"] = string(data)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	names, err := fs.Glob(dir, templateDir+"/*.jinja")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := readFile(dir, name)
		if err != nil {
			return nil, err
		}
		files[strings.TrimSuffix(path.Base(name), ".jinja")] = string(data)
	}
	return files, nil
}

// specialNames are the tokens that transformers passes to templates.
var specialNames = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

func (s *Sources) readConfig(data []byte) error {
	var config map[string]json.RawMessage
	if err := json.Unmarshal(data, &config); err != nil {
		return err
	}
	for _, name := range specialNames {
		token, err := tokenText(config[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if token != "" {
			s.SpecialTokens[name] = token
		}
	}
	return s.readTemplate(config["chat_template"])
}

// tokenText reads a token: a text, or an object with its content.
func tokenText(data json.RawMessage) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	var text *string
	if json.Unmarshal(data, &text) == nil {
		if text == nil {
			return "", nil
		}
		return *text, nil
	}
	var token struct{ Content *string }
	if err := json.Unmarshal(data, &token); err != nil || token.Content == nil {
		return "", errors.New("want a text, or an object with content")
	}
	return *token.Content, nil
}

func (s *Sources) readTemplate(data json.RawMessage) error {
	if len(data) == 0 || string(data) == "null" {
		return nil
	}
	var one string
	if json.Unmarshal(data, &one) == nil {
		s.Templates["default"] = one
		return nil
	}
	var named []struct{ Name, Template *string }
	if err := json.Unmarshal(data, &named); err != nil {
		return errors.New("chat_template: want a text, or a list of name and template")
	}
	for i, t := range named {
		if t.Name == nil || t.Template == nil {
			return fmt.Errorf("chat_template %d: name or template is missing", i)
		}
		s.Templates[*t.Name] = *t.Template
	}
	return nil
}

// Select returns the source of the template for a conversation, with tools or
// without: the one called name, or where name is "" that for tools, and else the
// default.
func (s Sources) Select(name string, tools bool) (string, error) {
	if name == "" {
		name = "default"
		if _, ok := s.Templates["tool_use"]; ok && tools {
			name = "tool_use"
		}
	}
	source, ok := s.Templates[name]
	if !ok {
		if len(s.Templates) == 0 {
			return "", errors.New("the checkpoint has no chat template")
		}
		names := make([]string, 0, len(s.Templates))
		for n := range s.Templates {
			names = append(names, n)
		}
		slices.Sort(names)
		return "", fmt.Errorf("the checkpoint has no chat template %q, only: %s", name, strings.Join(names, ", "))
	}
	return source, nil
}
