package sandbox

import (
	"bufio"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// Libraries returns the files that the dynamic loader needs to start the ELF
// files named: their interpreter, the closure of the shared libraries they
// ask for, and the loader's cache. Libraries are looked for as ld.so does:
// RPATH or RUNPATH, the folders of /etc/ld.so.conf, the usual folders. One
// that is not found is an error. The result is sorted.
func Libraries(programs ...string) ([]string, error) { return LibrariesIn(nil, programs...) }

// LibrariesIn is Libraries where LD_LIBRARY_PATH names folders too.
func LibrariesIn(folders []string, programs ...string) ([]string, error) {
	found := map[string]string{} // library name → path
	files := map[string]bool{}
	var usual []string
	queue := append([]string(nil), programs...)
	var missing []string
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		o, err := readELF(path)
		if err != nil {
			return nil, err
		}
		if usual == nil {
			usual = libraryFolders(o.bits64)
		}
		if o.interpreter != "" {
			files[o.interpreter] = true
			found[filepath.Base(o.interpreter)] = o.interpreter
		}
		for _, name := range o.needed {
			if _, ok := found[name]; ok {
				continue
			}
			lib := findLibrary(name, slices.Concat(o.runpath, folders, usual), o)
			found[name] = lib
			if lib == "" {
				missing = append(missing, name+" (of "+path+")")
				continue
			}
			files[lib] = true
			queue = append(queue, lib)
		}
	}
	if len(missing) > 0 {
		sort.Strings(missing)
		return nil, fmt.Errorf("libraries of %s: not found: %s", programs[0], strings.Join(missing, ", "))
	}
	if _, err := os.Stat("/etc/ld.so.cache"); err == nil {
		files["/etc/ld.so.cache"] = true
	}
	out := make([]string, 0, len(files))
	for f := range files {
		out = append(out, f)
	}
	sort.Strings(out)
	return out, nil
}

type object struct {
	bits64      bool
	machine     elf.Machine
	interpreter string
	needed      []string
	runpath     []string
}

func readELF(path string) (object, error) {
	f, err := elf.Open(path)
	if err != nil {
		return object{}, fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	o := object{bits64: f.Class == elf.ELFCLASS64, machine: f.Machine}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err != nil {
				return object{}, fmt.Errorf("read interpreter of %s: %w", path, err)
			}
			o.interpreter = strings.TrimRight(string(b), "\x00")
		}
	}
	o.needed, err = f.ImportedLibraries()
	if err != nil {
		return object{}, fmt.Errorf("read needed libraries of %s: %w", path, err)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return object{}, err
	}
	origin := filepath.Dir(real)
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		values, err := f.DynString(tag)
		if err != nil {
			continue // a static program has no dynamic section
		}
		for _, v := range values {
			for _, dir := range strings.Split(v, ":") {
				dir = strings.NewReplacer("${ORIGIN}", origin, "$ORIGIN", origin).Replace(dir)
				if filepath.IsAbs(dir) && !strings.Contains(dir, "$") {
					o.runpath = append(o.runpath, dir)
				}
			}
		}
	}
	return o, nil
}

func findLibrary(name string, dirs []string, want object) string {
	if strings.Contains(name, "/") {
		return name
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		f, err := elf.Open(path)
		if err != nil {
			continue
		}
		fits := f.Machine == want.machine && (f.Class == elf.ELFCLASS64) == want.bits64
		f.Close()
		if fits {
			return path
		}
	}
	return ""
}

func libraryFolders(bits64 bool) []string {
	dirs := loaderConfig("/etc/ld.so.conf", 0)
	if bits64 {
		dirs = append(dirs, "/lib64", "/usr/lib64")
	}
	return append(dirs, "/lib", "/usr/lib")
}

// loaderConfig reads the folders of a file in the form of /etc/ld.so.conf.
func loaderConfig(path string, depth int) []string {
	f, err := os.Open(path)
	if err != nil || depth > 4 {
		return nil
	}
	defer f.Close()
	var dirs []string
	for s := bufio.NewScanner(f); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		line = strings.TrimSpace(line)
		if pattern, ok := strings.CutPrefix(line, "include"); ok {
			pattern = strings.TrimSpace(pattern)
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(filepath.Dir(path), pattern)
			}
			names, _ := filepath.Glob(pattern) // sorted
			for _, n := range names {
				dirs = append(dirs, loaderConfig(n, depth+1)...)
			}
			continue
		}
		if filepath.IsAbs(line) {
			dirs = append(dirs, line)
		}
	}
	return dirs
}

// link is a symbolic link that the confined root needs so that a path resolves
// as it does outside.
type link struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

// resolve follows the symbolic links among the folders of an absolute path and
// returns the path that the kernel arrives at, with the last element left as
// it is, and the links met on the way.
func resolve(path string, depth int) (string, []link, error) {
	if depth > 40 {
		return "", nil, fmt.Errorf("resolve %s: too many symbolic links", path)
	}
	parts := strings.Split(strings.Trim(filepath.Clean(path), "/"), "/")
	cur := "/"
	for i, p := range parts[:len(parts)-1] {
		next := filepath.Join(cur, p)
		info, err := os.Lstat(next)
		if err != nil {
			return "", nil, err
		}
		if info.Mode()&os.ModeSymlink == 0 {
			cur = next
			continue
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", nil, err
		}
		abs := target
		if !filepath.IsAbs(abs) {
			abs = filepath.Join(cur, abs)
		}
		rest := filepath.Join(append([]string{abs}, parts[i+1:]...)...)
		final, links, err := resolve(rest, depth+1)
		return final, append([]link{{next, target}}, links...), err
	}
	return filepath.Join(cur, parts[len(parts)-1]), nil, nil
}
