package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
)

// configure takes from tokenizer_config.json what tokenizer.json does not say:
// BOS, EOS, chat template, and whether BOS and EOS are put around a text. The
// file holds arbitrary arguments of a Python class, so unknown keys are none of
// our business.
func (r *recipe) configure(data []byte) error {
	c, err := parseComponent(data)
	if err != nil {
		return err
	}
	if c.boolean("split_special_tokens", false) {
		c.fault("split_special_tokens true is not supported")
	}
	if r.template, err = parseChatTemplate(c.raw("chat_template")); err != nil {
		return fmt.Errorf("chat_template: %w", err)
	}
	if err := r.addConfigured(c); err != nil {
		return fmt.Errorf("added_tokens_decoder: %w", err)
	}
	bos, err := r.namedToken(c, "bos_token")
	if err != nil {
		return err
	}
	eos, err := r.namedToken(c, "eos_token")
	if err != nil {
		return err
	}
	r.bos = bos
	if eos >= 0 {
		r.eos = []int32{eos}
	}
	if raw := c.raw("add_bos_token"); raw != nil {
		if r.before, err = around(r.before, bos, c.boolean("add_bos_token", false)); err != nil {
			return fmt.Errorf("add_bos_token: %w", err)
		}
	}
	if raw := c.raw("add_eos_token"); raw != nil {
		slices.Reverse(r.after)
		if r.after, err = around(r.after, eos, c.boolean("add_eos_token", false)); err != nil {
			return fmt.Errorf("add_eos_token: %w", err)
		}
		slices.Reverse(r.after)
	}
	return c.err
}

// around sees to it that a list begins with id, or does not.
func around(list []int32, id int32, want bool) ([]int32, error) {
	has := len(list) > 0 && list[0] == id
	switch {
	case want && id < 0:
		return nil, fmt.Errorf("true, but there is no such token")
	case want && !has:
		return slices.Insert(list, 0, id), nil
	case !want && has:
		return list[1:], nil
	}
	return list, nil
}

// namedToken returns the id of the token under key, or -1 for none: a string, or
// an object with its content.
func (r *recipe) namedToken(c *component, key string) (int32, error) {
	raw := c.raw(key)
	if raw == nil {
		return -1, nil
	}
	var content string
	if raw[0] == '{' {
		content = c.object(key).text("content", "")
	} else {
		content = c.text(key, "")
	}
	for _, a := range r.added {
		if a.Content == content {
			return a.ID, nil
		}
	}
	if id, ok := r.vocab.ids[content]; ok {
		return id, nil
	}
	return -1, fmt.Errorf("%s %.60q is not in the vocabulary", key, content)
}

// addConfigured adds the tokens that only tokenizer_config.json has.
func (r *recipe) addConfigured(c *component) error {
	raw := c.raw("added_tokens_decoder")
	if raw == nil {
		return nil
	}
	have := map[int32]string{}
	for _, a := range r.added {
		have[a.ID] = a.Content
	}
	return eachMember(raw, func(key string, value json.RawMessage) error {
		var a addedToken
		if err := json.Unmarshal(value, &a); err != nil {
			return fmt.Errorf("token %.40q: %w", key, err)
		}
		if err := json.Unmarshal([]byte(key), &a.ID); err != nil || a.Content == "" {
			return fmt.Errorf("token %.40q: want an id, and content that is not empty", key)
		}
		content, ok := have[a.ID]
		if ok && content != a.Content {
			return fmt.Errorf("token %d is %.60q, and in %s %.60q", a.ID, a.Content, File, content)
		}
		if !ok {
			r.added = append(r.added, a)
		}
		return nil
	})
}

// parseChatTemplate returns the source of a template, or of the one called
// default among several.
func parseChatTemplate(raw json.RawMessage) (string, error) {
	if raw == nil {
		return "", nil
	}
	var source string
	if json.Unmarshal(raw, &source) == nil {
		return source, nil
	}
	var list []struct{ Name, Template string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", fmt.Errorf("%.40s is neither a template nor a list of named ones", raw)
	}
	for _, t := range list {
		if t.Name == "default" {
			return t.Template, nil
		}
	}
	return "", nil
}
