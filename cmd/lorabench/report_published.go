package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ailiance/lorabench/reports"
)

// reportPublished prints the table of published files, in its own shape.
func (o reportOptions) reportPublished(w io.Writer) error {
	asJSON := o.format == "json"
	if !asJSON && o.format != "text" && o.format != "md" {
		return usagef("--format %s: published tables are md, or json", o.format)
	}
	now := time.Now()
	moment, day := now.Format("2006-01-02 15:04:05"), now.Format("2006-01-02")
	var text bytes.Buffer
	info, err := os.Stat(o.published)
	if err != nil {
		return fmt.Errorf("--published: %w", err)
	}
	if info.IsDir() {
		files, err := publishedFolder(o.published)
		if err != nil {
			return err
		}
		if err := writeMatrix(&text, files, o.published, moment, asJSON); err != nil {
			return err
		}
		return o.write(w, text.Bytes())
	}
	raw, err := regularFile(o.published)
	if err != nil {
		return fmt.Errorf("--published: %w", err)
	}
	noJSON := func(f func() error) error {
		if asJSON {
			return usagef("--format json: of %s there is only the table", filepath.Base(o.published))
		}
		return f()
	}
	var object map[string]json.RawMessage
	var cells []reports.PPLCell
	switch {
	case strings.HasSuffix(o.published, ".txt"):
		err = noJSON(func() error { return reports.PublishedBenchTable(&text, string(raw), day) })
	case json.Unmarshal(raw, &cells) == nil && len(cells) > 0:
		joined := reports.JoinPerplexities(cells)
		if asJSON {
			return printJSON(w, joined)
		}
		name := fmt.Sprintf("`%s` (%d rows)", filepath.Base(o.published), len(cells))
		err = reports.PublishedComparison(&text, joined, name, name)
	case json.Unmarshal(raw, &object) != nil:
		err = fmt.Errorf("--published: %s: no published result file", o.published)
	case object["bench"] != nil && strings.Contains(string(object["metadata"]), `"domains"`):
		err = noJSON(func() error { return reports.PublishedDomains(&text, raw, "") })
	default:
		files := reports.PublishedFiles{}
		for _, name := range reports.PublishedFileNames() {
			if object[name] != nil {
				files[name] = object[name]
			}
		}
		err = writeMatrix(&text, files, filepath.Dir(o.published), moment, asJSON)
	}
	if err != nil {
		return err
	}
	return o.write(w, text.Bytes())
}

// publishedFolder reads the result files that a folder has.
func publishedFolder(dir string) (reports.PublishedFiles, error) {
	files := reports.PublishedFiles{}
	for _, name := range reports.PublishedFileNames() {
		raw, err := regularFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("--published: %w", err)
		}
		if !json.Valid(raw) {
			return nil, fmt.Errorf("--published: %s: no JSON", filepath.Join(dir, name))
		}
		files[name] = raw
	}
	return files, nil
}

// writeMatrix writes compare_base_vs_lora of the files.
func writeMatrix(w io.Writer, files reports.PublishedFiles, folder, moment string, asJSON bool) error {
	if len(files) == 0 {
		return fmt.Errorf("--published: %s: no result files: want some of %s", folder, strings.Join(reports.PublishedFileNames(), ", "))
	}
	names := reports.PublishedNames{Folder: strings.TrimSuffix(filepath.ToSlash(folder), "/")}
	var bases, adapters []string
	for _, file := range reports.PublishedFileNames() {
		for _, model := range reports.PublishedModels(files[file]) {
			list := &bases
			if strings.HasSuffix(file, "_lora.json") {
				list = &adapters
			}
			if !slices.Contains(*list, model) {
				*list = append(*list, model)
			}
		}
	}
	for _, known := range knownBases {
		if slices.Contains(bases, known) {
			names.Base = known
			break
		}
	}
	if names.Base == "" && len(bases) > 0 {
		names.Base = bases[0]
	}
	if names.Base == "gemma-e4b-ailiance-base" {
		names.Shown = "gemma-e4b-eu-kiki-base" // what the published table calls it
	}
	for _, nick := range adapters {
		names.Adapters = append(names.Adapters, reports.PublishedAdapter{Nick: nick, Alias: publishedAlias(nick)})
	}
	m := reports.NewPublishedMatrix(files, names)
	if asJSON {
		return m.JSON(w, moment)
	}
	return m.Markdown(w, moment)
}

// publishedAlias is the heading of an adapter's column.
func publishedAlias(nick string) string {
	if nick == "gemma-e4b-eukiki-final" {
		return "+eu-kiki"
	}
	short := strings.TrimPrefix(nick, "gemma-e4b-")
	return "+" + strings.TrimSuffix(strings.TrimSuffix(short, "-final"), "-test")
}
