package model

import (
	"io/fs"

	"github.com/ailiance/lorabench/model/checkpoint"
)

func tokenizerOf(dir fs.FS) (Tokenizer, error)                { return nil, nil }
func tokenizerOfGGUF(src *checkpoint.GGUF) (Tokenizer, error) { return nil, nil }
