package model

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// maxShard is the largest file of weights that Fuse writes, in bytes.
const maxShard = 5 << 30

// write makes the folder beside out and renames it when it is whole.
func (f *fuser) write(ctx context.Context, dir fs.FS, out string) error {
	parent := filepath.Dir(filepath.Clean(out))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(parent, ".fuse-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	if err := f.writeWeights(ctx, temporary); err != nil {
		return err
	}
	if err := f.writeConfig(dir, temporary); err != nil {
		return err
	}
	if err := f.copyFiles(dir, temporary); err != nil {
		return err
	}
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	if err := os.Remove(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // an empty folder may be replaced
	}
	return os.Rename(temporary, out)
}

// writeWeights writes one file, or shards and their index.
func (f *fuser) writeWeights(ctx context.Context, dir string) error {
	var shards [][]fusedTensor
	room, total := 0, 0
	for _, t := range f.parts {
		n, err := t.info.Bytes()
		if err != nil {
			return err
		}
		if len(shards) == 0 || n > room {
			shards, room = append(shards, nil), maxShard
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], t)
		room -= n
		total += n
	}
	index := map[string]string{}
	for i, shard := range shards {
		name := checkpoint.WeightsFile
		if len(shards) > 1 {
			name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		}
		for _, t := range shard {
			index[t.info.Name] = name
		}
		if err := writeFile(filepath.Join(dir, name), func(w io.Writer) error { return writeShard(ctx, w, shard) }); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		f.fusion.Files = append(f.fusion.Files, name)
	}
	if len(shards) == 1 {
		return nil
	}
	f.fusion.Files = append(f.fusion.Files, checkpoint.IndexFile)
	return writeJSON(filepath.Join(dir, checkpoint.IndexFile), map[string]any{
		"metadata": map[string]any{"total_size": total}, "weight_map": index,
	})
}

func writeShard(ctx context.Context, w io.Writer, shard []fusedTensor) error {
	list := make([]checkpoint.TensorInfo, len(shard))
	for i, t := range shard {
		list[i] = t.info
	}
	return checkpoint.WriteSafetensors(w, map[string]string{"format": "pt"}, list, func(i int, w io.Writer) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		t := shard[i]
		if t.row == nil {
			_, err := w.Write(t.data)
			return err
		}
		rows, cols := 1, values(t.info.Shape)
		if len(t.info.Shape) == 2 {
			rows, cols = t.info.Shape[0], t.info.Shape[1]
		}
		row, bytes := make([]float32, cols), []byte(nil)
		for r := range rows {
			err := t.row(r, row)
			if i := slices.IndexFunc(row, func(x float32) bool { return x-x != 0 }); i >= 0 {
				return fmt.Errorf("row %d: merged value %d is %v", r, i, row[i])
			}
			if err == nil {
				bytes, err = t.info.DType.AppendFloat32s(bytes[:0], row)
			}
			if err == nil {
				_, err = w.Write(bytes)
			}
			if err != nil {
				return fmt.Errorf("row %d: %w", r, err)
			}
		}
		return nil
	})
}

// writeFile writes and syncs a file.
func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	if err := errors.Join(write(w), w.Flush()); err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// writeConfig writes config.json: the base's bytes, or what they say with the
// weights as they are now.
func (f *fuser) writeConfig(dir fs.FS, out string) error {
	data, err := checkpoint.ReadJSON(dir, checkpoint.ConfigFile)
	if err != nil {
		return err
	}
	f.fusion.Files = append(f.fusion.Files, checkpoint.ConfigFile)
	members, err := checkpoint.ParseObject(data)
	if err != nil {
		return err
	}
	changed := false
	for _, part := range []any{members, members["text_config"]} {
		object, ok := part.(checkpoint.Object)
		if !ok {
			continue
		}
		for _, key := range []string{"quantization", "quantization_config"} {
			if _, ok := object[key]; ok {
				delete(object, key)
				changed = true
			}
		}
		if f.fusion.Untied {
			object["tie_word_embeddings"] = false
			changed = true
		}
	}
	if changed {
		return writeJSON(filepath.Join(out, checkpoint.ConfigFile), members)
	}
	return writeFile(filepath.Join(out, checkpoint.ConfigFile), func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// maxSideFile is the largest file beside the weights that is copied, in bytes.
const maxSideFile = 256 << 20

// copyFiles copies tokenizer, template, generation settings and licence.
func (f *fuser) copyFiles(dir fs.FS, out string) error {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if !besideWeights(name) {
			continue
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			if err := checkLink(dir, name); err != nil {
				return err
			}
		}
		info, err := fs.Stat(dir, name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxSideFile {
			continue
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		err = writeFile(filepath.Join(out, name), func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil {
			return err
		}
		f.fusion.Files = append(f.fusion.Files, name)
	}
	return nil
}

// hubBlobs is where the links of a hub cache's snapshot lead.
const hubBlobs = "../../blobs/"

// checkLink refuses a link that leads out of the checkpoint: what is fused is
// published, and must not hold a file of this machine that a repository linked to.
// A folder that does not tell where links lead is confined: one of the hub cache.
func checkLink(dir fs.FS, name string) error {
	if _, tells := dir.(fs.ReadLinkFS); !tells {
		return nil
	}
	target, err := fs.ReadLink(dir, name)
	if err != nil {
		return err
	}
	target = filepath.ToSlash(target)
	if blob, ok := strings.CutPrefix(target, hubBlobs); ok && !strings.ContainsAny(blob, "/.") {
		return nil
	}
	if info, err := fs.Lstat(dir, target); err == nil && info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("%s links to %.200s, which is no file of the checkpoint: put the file itself there, or remove the link", name, target)
}

// besideWeights says whether a file of a checkpoint belongs to what is fused.
func besideWeights(name string) bool {
	switch name {
	case checkpoint.ConfigFile, checkpoint.IndexFile, adapterConfigFile:
		return false
	}
	upper := strings.ToUpper(name)
	if strings.HasPrefix(upper, "LICENSE") || strings.HasPrefix(upper, "NOTICE") {
		return true
	}
	return slices.Contains([]string{".json", ".jinja", ".model", ".txt"}, filepath.Ext(name)) && !strings.HasSuffix(name, ".index.json")
}
