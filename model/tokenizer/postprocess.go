package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// parsePostProcessor returns the tokens that are put in front of a text and
// behind it.
func parsePostProcessor(data json.RawMessage, depth int) (before, after []int32, err error) {
	if data == nil {
		return nil, nil, nil
	}
	c, err := parseComponent(data)
	if err != nil {
		return nil, nil, err
	}
	switch kind := c.text("type", ""); kind {
	case "Sequence":
		err := sequence(c, "processors", depth, func(part json.RawMessage, depth int) error {
			front, back, err := parsePostProcessor(part, depth)
			before, after = append(front, before...), append(after, back...)
			return err
		})
		return before, after, err
	case "ByteLevel": // trims offsets, which nobody asks for here
		c.ignore("add_prefix_space", "trim_offsets", "use_regex")
	case "TemplateProcessing":
		before, after, err = parseTemplate(c)
		if err != nil {
			return nil, nil, err
		}
	case "BertProcessing", "RobertaProcessing":
		c.ignore("trim_offsets", "add_prefix_space")
		before, after = pairedID(c, "cls"), pairedID(c, "sep")
	default:
		return nil, nil, fmt.Errorf("type %.40q is not supported", kind)
	}
	return before, after, c.close()
}

// pairedID reads the id of a pair ["</s>", 2].
func pairedID(c *component, key string) []int32 {
	list := c.list(key)
	var token string
	var id int32
	if len(list) != 2 || json.Unmarshal(list[0], &token) != nil || json.Unmarshal(list[1], &id) != nil || id < 0 {
		c.fault("%s is %.60s, want a token and its id", key, orMissing(c.members[key]))
	}
	return []int32{id}
}

// parseTemplate reads a template such as <s> A </s>. The one for pairs of texts
// is left alone.
func parseTemplate(c *component) (before, after []int32, err error) {
	c.ignore("pair")
	specials := c.object("special_tokens")
	seen := false
	for i, raw := range c.list("single") {
		piece, err := parseComponent(raw)
		if err != nil {
			return nil, nil, fmt.Errorf("single: piece %d: %w", i, err)
		}
		if piece.members["Sequence"] != nil {
			s := piece.object("Sequence")
			s.ignore("type_id")
			if id := s.text("id", ""); id != "A" || seen {
				return nil, nil, fmt.Errorf("single: piece %d: sequence %.40q, want A, once", i, id)
			}
			seen = true
			if err := errors.Join(s.close(), piece.close()); err != nil {
				return nil, nil, fmt.Errorf("single: piece %d: %w", i, err)
			}
			continue
		}
		s := piece.object("SpecialToken")
		s.ignore("type_id")
		ids, err := templateToken(specials, s.text("id", ""))
		if err := errors.Join(err, s.close(), piece.close()); err != nil {
			return nil, nil, fmt.Errorf("single: piece %d: %w", i, err)
		}
		if seen {
			after = append(after, ids...)
		} else {
			before = append(before, ids...)
		}
	}
	if !seen {
		return nil, nil, errors.New("single: the text (sequence A) is missing")
	}
	return before, after, nil
}

func templateToken(specials *component, name string) ([]int32, error) {
	if specials.members[name] == nil {
		return nil, fmt.Errorf("%.40q is not among special_tokens", name)
	}
	token := specials.object(name)
	token.ignore("id", "tokens")
	var ids []int32
	if err := json.Unmarshal(token.raw("ids"), &ids); err != nil || len(ids) == 0 || slices.Min(ids) < 0 {
		return nil, fmt.Errorf("ids of special token %.40q are %.40s, want ids", name, orMissing(token.members["ids"]))
	}
	return ids, errors.Join(specials.err, token.close())
}
