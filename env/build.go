package env

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
)

// Build is which lorabench this is.
type Build struct {
	Module     string   `json:"module"`
	Version    string   `json:"version"`  // "v0.3.1", "(devel)" or "unknown"
	Revision   string   `json:"revision"` // commit, or "unknown"
	Time       string   `json:"time,omitempty"`
	Dirty      *bool    `json:"dirty"`                // the checkout had changes; null where unknown
	Executable string   `json:"executable,omitempty"` // "sha256:…" of the program's file
	Go         string   `json:"go"`
	Compiler   string   `json:"compiler"`
	Settings   []string `json:"settings"` // what changes the machine code: "GOAMD64=v1", "CGO_ENABLED=1"
}

// ReadBuild returns the build's own account of itself. Where that has no version
// or no revision, the ones given to the linker stand in; they may be empty.
func ReadBuild(version, revision string) Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return describeBuild(info, version, revision)
}

func describeBuild(info *debug.BuildInfo, version, revision string) Build {
	b := Build{
		Module: info.Main.Path, Version: info.Main.Version, Go: info.GoVersion, Compiler: runtime.Compiler, Settings: []string{},
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			dirty := s.Value == "true"
			b.Dirty = &dirty
		case "-compiler":
			b.Compiler = s.Value
		case "-race", "-tags", "CGO_ENABLED", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFIPS140":
			b.Settings = append(b.Settings, s.Key+"="+s.Value)
		}
	}
	slices.Sort(b.Settings)
	if version != "" && (b.Version == "" || b.Version == "(devel)") {
		b.Version = version
	}
	if b.Revision == "" {
		b.Revision = revision
	}
	for _, text := range []*string{&b.Module, &b.Version, &b.Revision} {
		if *text == "" {
			*text = Unknown
		}
	}
	return b
}

// executableHash identifies the program by its content, or returns "".
func executableHash(ctx context.Context) string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	hash := sha256.New()
	buffer := make([]byte, 1<<20)
	for ctx.Err() == nil {
		n, err := file.Read(buffer)
		hash.Write(buffer[:n])
		if err == io.EOF {
			return "sha256:" + hex.EncodeToString(hash.Sum(nil))
		}
		if err != nil {
			break
		}
	}
	return ""
}
