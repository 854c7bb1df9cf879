package hub

import (
	"context"
	"crypto/rand"
	"crypto/sha1" // git's: it names contents, and keeps nobody out
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// Fetch brings what the engine reads of a reference into the cache, as far as it is
// not there, and returns it as Find does. The revision is resolved first, and all
// files are of that one commit. The snapshot has none of them before all are whole.
// What was fetched when an error or ctx ends it is kept, and is not fetched again.
func (c Cache) Fetch(ctx context.Context, client Client, ref Ref, kind Kind) (*Snapshot, error) {
	s, err := client.open()
	if err != nil {
		return nil, err
	}
	defer s.close()
	pinned, err := c.fetch(ctx, s, ref, kind)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("fetch %s: %w", ref, err)
	}
	return c.Find(pinned, kind)
}

func (c Cache) fetch(ctx context.Context, s *session, ref Ref, kind Kind) (Ref, error) {
	pinned := ref
	var err error
	if pinned.Revision, err = s.resolve(ctx, ref); err != nil {
		return pinned, err
	}
	files, err := s.files(ctx, pinned)
	if err != nil {
		return pinned, err
	}
	some, err := wanted(files, pinned, kind)
	if err != nil {
		return pinned, err
	}
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return pinned, err
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return pinned, err
	}
	defer root.Close()
	f := fetcher{session: s, root: root, ref: pinned}
	if err := f.blobs(ctx, some); err != nil {
		return pinned, err
	}
	if last := some[len(some)-1]; path.Base(last.Path) == checkpoint.IndexFile {
		index, err := f.index(last)
		if err != nil {
			return pinned, err
		}
		more, err := shards(files, pinned, index)
		if err != nil {
			return pinned, err
		}
		if err := f.blobs(ctx, more); err != nil {
			return pinned, err
		}
		some = append(some, more...)
	}
	// Nothing is opened without its configuration, the first of all: its link is the last.
	for _, e := range slices.Backward(some) {
		if err := f.link(e); err != nil {
			return pinned, err
		}
	}
	if ref.Revision == pinned.Revision {
		return pinned, nil
	}
	return pinned, f.replace(path.Join(ref.folder(), "refs", ref.Revision), func(name string) error {
		return root.WriteFile(name, []byte(pinned.Revision), 0o666)
	})
}

// fetcher brings files of one commit into the cache.
type fetcher struct {
	*session
	root *os.Root
	ref  Ref
}

func (f *fetcher) blobPath(e entry) string { return path.Join(f.ref.folder(), "blobs", e.blob()) }

// whole reports whether the cache has the content. Its name is its hash, which was
// compared when it was fetched.
func (f *fetcher) whole(e entry) bool {
	info, err := f.root.Stat(f.blobPath(e))
	return err == nil && info.Mode().IsRegular() && info.Size() == e.size()
}

func (f *fetcher) blobs(ctx context.Context, some []entry) error {
	var missing []entry
	bytes := int64(0)
	for _, e := range some {
		if err := e.check(); err != nil {
			return err
		}
		if !f.whole(e) {
			missing = append(missing, e)
			bytes += e.size()
		}
	}
	if len(missing) == 0 {
		return nil
	}
	f.Say("fetching %s: %d files, %s", f.ref, len(missing), size(bytes))
	for _, dir := range []string{path.Join(f.ref.folder(), "blobs"), path.Join(".locks", f.ref.folder())} {
		if err := f.root.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	for _, e := range missing {
		if err := f.blob(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
	}
	return nil
}

// blob fetches one content, while no other process does.
func (f *fetcher) blob(ctx context.Context, e entry) error {
	lock, err := f.lock(ctx, e)
	if err != nil {
		return err
	}
	defer lock.Close()
	if f.whole(e) {
		return nil // the other process had it
	}
	name := f.blobPath(e)
	p, err := f.open(ctx, e, name+".incomplete")
	if err != nil {
		return err
	}
	defer p.file.Close()
	resumed := p.n > 0
	err = f.download(ctx, e, p)
	if resumed && errors.Is(err, errHash) {
		f.Say("%s: what was there is not its beginning: once more from the start", e.Path)
		if err = p.reset(); err == nil {
			err = f.download(ctx, e, p)
		}
	}
	if errors.Is(err, errHash) {
		return errors.Join(err, f.root.Remove(name+".incomplete"))
	}
	if err != nil {
		return err
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	return f.root.Rename(name+".incomplete", name)
}

// lock waits until no other process fetches the content.
func (f *fetcher) lock(ctx context.Context, e entry) (*os.File, error) {
	file, err := f.root.OpenFile(path.Join(".locks", f.ref.folder(), e.blob()+".lock"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		ok, err := tryLock(file)
		if ok {
			return file, nil
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock: %w", err), file.Close())
		}
		if !told {
			f.Say("%s: another process fetches it: waiting", e.Path)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), file.Close())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// errHash says that a content is not the one that the hub told of.
var errHash = errors.New("the content has another hash than the hub tells")

// partial is a content that is being fetched: n bytes are there and hashed.
type partial struct {
	file    *os.File
	of      entry
	hash    hash.Hash
	n       int64
	told    time.Time
	attempt int64 // n when the attempt began
}

// open takes up what an earlier attempt left.
func (f *fetcher) open(ctx context.Context, e entry, name string) (*partial, error) {
	file, err := f.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	p := &partial{file: file, of: e, told: time.Now()}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", name)
	}
	if err == nil && info.Size() > e.size() {
		err = p.reset()
	} else if err == nil {
		p.begin()
		p.n, err = io.Copy(p.hash, reader{ctx, file})
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return p, nil
}

// reader is a file that is not read on when ctx has ended.
type reader struct {
	ctx  context.Context
	file *os.File
}

func (r reader) Read(b []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.file.Read(b)
}

func (p *partial) begin() {
	p.n = 0
	if p.of.LFS != nil {
		p.hash = sha256.New()
		return
	}
	p.hash = sha1.New()
	fmt.Fprintf(p.hash, "blob %d\x00", p.of.Size)
}

func (p *partial) reset() error {
	p.begin()
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// download completes a content and compares its hash.
func (f *fetcher) download(ctx context.Context, e entry, p *partial) error {
	address := f.address(f.ref.Repo, "resolve", f.ref.Revision, e.Path)
	err := f.retry(ctx, e.Path, func() error {
		if p.n == e.size() {
			return nil
		}
		p.attempt = p.n
		return f.part(ctx, address, p)
	})
	if err != nil {
		return err
	}
	if sum := hex.EncodeToString(p.hash.Sum(nil)); sum != e.blob() {
		return fmt.Errorf("%w: %s, want %s", errHash, sum, e.blob())
	}
	return nil
}

// part asks for what is missing. The address is that of a commit, so what is there
// is the beginning of the same content, and If-Range would add nothing: the hash
// decides in the end.
func (f *fetcher) part(ctx context.Context, address string, p *partial) error {
	header := http.Header{}
	if p.n > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", p.n))
	}
	resp, err := f.get(ctx, address, header, http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	host := resp.Request.URL.Host
	left := p.of.size() - p.n
	switch resp.StatusCode {
	case http.StatusOK:
		if err := p.reset(); err != nil { // a server without ranges begins anew
			return err
		}
		left = p.of.size()
	case http.StatusPartialContent:
		if got, want := resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", p.n, p.of.size()-1, p.of.size()); got != want {
			return fmt.Errorf("%s: sends %q, want %q", host, got, want)
		}
	default:
		return fmt.Errorf("%s: has less than %d bytes, the hub tells of %d", host, p.n+1, p.of.size())
	}
	if length := resp.ContentLength; length >= 0 && length != left {
		return fmt.Errorf("%s: sends %d bytes, want %d", host, length, left)
	}
	return f.copy(host, resp.Body, p)
}

// copy writes and hashes what comes.
func (f *fetcher) copy(host string, from io.Reader, p *partial) error {
	buffer := make([]byte, 1<<20)
	for {
		n, err := from.Read(buffer)
		if p.n+int64(n) > p.of.size() {
			return fmt.Errorf("%s: sends more than the %d bytes that the hub tells of", host, p.of.size())
		}
		if _, err := p.file.Write(buffer[:n]); err != nil {
			return fmt.Errorf("%w (%s of %s are kept)", err, size(p.n), size(p.of.size()))
		}
		p.hash.Write(buffer[:n])
		p.n += int64(n)
		if time.Since(p.told) > 10*time.Second {
			p.told = time.Now()
			f.Say("%s: %s of %s", p.of.Path, size(p.n), size(p.of.size()))
		}
		if p.n == p.of.size() {
			return nil
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return &temporaryError{cause: fmt.Errorf("%s: %w after %s of %s", host, err, size(p.n), size(p.of.size())), progress: p.n-p.attempt > 1<<20}
		}
	}
}

// index reads the index of shards, which is whole.
func (f *fetcher) index(e entry) ([]byte, error) {
	return readFile(f.root, f.blobPath(e), mostList)
}

// link makes the snapshot's file a link to the content.
func (f *fetcher) link(e entry) error {
	name := path.Join(f.ref.folder(), "snapshots", f.ref.Revision, e.Path)
	target := "../../" + strings.Repeat("../", strings.Count(e.Path, "/")) + "blobs/" + e.blob()
	if old, err := f.root.Readlink(name); err == nil && old == target {
		return nil
	}
	return f.replace(name, func(temporary string) error { return f.root.Symlink(target, temporary) })
}

// replace makes a file under another name, and then gives it its own.
func (f *fetcher) replace(name string, make func(temporary string) error) error {
	if err := f.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	temporary := name + "." + rand.Text()[:8] + ".tmp"
	if err := make(temporary); err != nil {
		return err
	}
	if err := f.root.Rename(temporary, name); err != nil {
		return errors.Join(err, f.root.Remove(temporary))
	}
	return nil
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n < 1<<20:
		return strconv.FormatInt((n+1<<10-1)>>10, 10) + " KiB"
	case n < 1<<30:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
	}
	return strconv.FormatFloat(float64(n)/(1<<30), 'f', 2, 64) + " GiB"
}
