package model

import (
	"fmt"
	"regexp"
	"time"

	"github.com/dlclark/regexp2"
)

// expression is a regular expression of an adapter's configuration, in Python's
// language. What Go's own package has not got, such as a look ahead, is left to
// one that backtracks, with a limit of time.
type expression struct {
	text string
	fast *regexp.Regexp
	slow *regexp2.Regexp
}

// expressionTime is far more than a path needs.
const expressionTime = time.Second

func compileExpression(text string) (*expression, error) {
	if fast, err := regexp.Compile(text); err == nil {
		return &expression{text: text, fast: fast}, nil
	}
	slow, err := regexp2.Compile(text, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("regular expression %.200q: %w", text, err)
	}
	slow.MatchTimeout = expressionTime
	return &expression{text: text, slow: slow}, nil
}

func (x *expression) matches(path string) (bool, error) {
	if x.fast != nil {
		return x.fast.MatchString(path), nil
	}
	ok, err := x.slow.MatchString(path)
	if err != nil {
		return false, fmt.Errorf("regular expression %.200q on %.200q: %w", x.text, path, err)
	}
	return ok, nil
}
