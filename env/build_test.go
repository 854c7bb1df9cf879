package env

import (
	"reflect"
	"runtime/debug"
	"testing"
)

func TestDescribeBuild(t *testing.T) {
	main := debug.Module{Path: "github.com/ailiance/lorabench", Version: "(devel)"}
	for _, tt := range []struct {
		name              string
		info              debug.BuildInfo
		version, revision string
		want              Build
	}{
		{
			"vcs", debug.BuildInfo{GoVersion: "go1.26.8", Main: main, Settings: []debug.BuildSetting{
				{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T15:04:05Z"}, {Key: "vcs.modified", Value: "true"},
				{Key: "GOAMD64", Value: "v1"}, {Key: "CGO_ENABLED", Value: "1"}, {Key: "CGO_CFLAGS", Value: "-I/home/me"}, {Key: "-ldflags", Value: "secret"},
			}}, "", "",
			Build{Module: main.Path, Version: "(devel)", Revision: "abc", Time: "2026-01-02T15:04:05Z", Dirty: ptr(true), Go: "go1.26.8", Compiler: "gc", Settings: []string{"CGO_ENABLED=1", "GOAMD64=v1"}},
		},
		{
			"-buildvcs=false with ldflags", debug.BuildInfo{GoVersion: "go1.26.8", Main: main}, "v1.2.3", "def",
			Build{Module: main.Path, Version: "v1.2.3", Revision: "def", Go: "go1.26.8", Compiler: "gc", Settings: []string{}},
		},
		{
			"installed", debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: main.Path, Version: "v0.3.0"}, Settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "false"}}}, "v1.2.3", "",
			Build{Module: main.Path, Version: "v0.3.0", Revision: Unknown, Dirty: ptr(false), Go: "go1.26.8", Compiler: "gc", Settings: []string{}},
		},
		{
			"nothing", debug.BuildInfo{}, "", "",
			Build{Module: Unknown, Version: Unknown, Revision: Unknown, Compiler: "gc", Settings: []string{}},
		},
	} {
		if got := describeBuild(&tt.info, tt.version, tt.revision); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ args, want []string }{
		{[]string{"lorabench", "run", "--max-new-tokens", "5", "--tokens", "F.json", "--special-tokens=x"}, nil},
		{[]string{"--api-key", "s3", "x"}, []string{"--api-key", Redacted, "x"}},
		{[]string{"--api-key=s3"}, []string{"--api-key=" + Redacted}},
		{[]string{"-token", "s3", "--hf_token=s3", "--PASSWORD", "s3"}, []string{"-token", Redacted, "--hf_token=" + Redacted, "--PASSWORD", Redacted}},
		{[]string{"--token"}, []string{"--token"}},
		{[]string{"--engine", "http://me:s3@host:8000/v1?key=s3"}, []string{"--engine", "http://REDACTED@host:8000/v1?REDACTED"}},
		{[]string{"--engine=https://s3@host/v1"}, []string{"--engine=https://REDACTED@host/v1"}},
		{[]string{"--engine=https://host/v1", "hf:org/name@main", "math=DIR"}, nil},
		{[]string{"http://%zz@host"}, []string{Redacted}},
		{nil, []string{}},
	} {
		want := tt.want
		if want == nil {
			want = tt.args
		}
		if got := Redact(tt.args); !reflect.DeepEqual(got, want) {
			t.Errorf("Redact(%q) = %q, want %q", tt.args, got, want)
		}
	}
}
