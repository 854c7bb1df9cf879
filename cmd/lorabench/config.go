package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"
)

// configFile is read from the current directory.
const configFile = "lorabench.yaml"

// maxConfig bounds it, in bytes.
const maxConfig = 1 << 20

// configError says what is wrong with the config file, and on which line.
type configError struct {
	line    int
	problem string
}

func (e *configError) Error() string {
	return fmt.Sprintf("%s: line %d: %s", configFile, e.line, e.problem)
}

// notInConfig are flags of run that a file must not decide.
var notInConfig = map[string]bool{"resume": true, "help": true}

// applyConfig gives the flags that the command line does not set what
// lorabench.yaml says: a key a flag, a list where a flag can be repeated, a
// mapping for adapters (name: directory) and budgets (task: duration). The key
// gate is the policy's. An unknown key is an error.
func applyConfig(flags *pflag.FlagSet) error {
	data, err := os.ReadFile(configFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(data) > maxConfig {
		return fmt.Errorf("%s: %d bytes, want at most %d", configFile, len(data), maxConfig)
	}
	file, err := parser.ParseBytes(data, 0)
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil {
		return &configError{syntax.Token.Position.Line, syntax.Message}
	}
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", configFile, err)}
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil
	}
	root, ok := file.Docs[0].Body.(*ast.MappingNode)
	if !ok || len(file.Docs) > 1 {
		return &configError{1, "want one mapping: model: …, tasks: […], gate: …"}
	}
	seen := map[string]bool{}
	for _, entry := range root.Values {
		key, line := entry.Key.String(), entry.GetToken().Position.Line
		if seen[key] {
			return &configError{line, key + " is there twice"}
		}
		seen[key] = true
		if key == "gate" {
			continue
		}
		flag := flags.Lookup(key)
		if flag == nil || notInConfig[key] {
			return &configError{line, fmt.Sprintf("unknown key %s: want a flag of run (lorabench run --help), or gate", key)}
		}
		values, err := configValues(entry.Value)
		if err != nil {
			return &configError{line, key + ": " + err.Error()}
		}
		if flag.Changed {
			continue
		}
		for _, value := range values {
			if err := flags.Set(key, value); err != nil {
				return &configError{line, key + ": " + err.Error()}
			}
		}
	}
	return nil
}

// configValues are a key's values, as the command line would spell them.
func configValues(node ast.Node) ([]string, error) {
	switch n := node.(type) {
	case *ast.SequenceNode:
		var all []string
		for _, item := range n.Values {
			text, err := configScalar(item)
			if err != nil {
				return nil, err
			}
			all = append(all, text)
		}
		return all, nil
	case *ast.MappingNode:
		var all []string
		for _, entry := range n.Values {
			text, err := configScalar(entry.Value)
			if err != nil {
				return nil, err
			}
			all = append(all, entry.Key.String()+"="+text)
		}
		return all, nil
	}
	text, err := configScalar(node)
	return []string{text}, err
}

func configScalar(node ast.Node) (string, error) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return strings.TrimRight(n.Value.Value, "\n"), nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	}
	return "", errors.New("want a text, a number, true or false, a list of these, or name: value")
}
