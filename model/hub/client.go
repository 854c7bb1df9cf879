package hub

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Endpoint is the hub itself.
const Endpoint = "https://huggingface.co"

// Client is how the hub is asked. The zero value asks Endpoint without a token.
type Client struct {
	Endpoint string        // a mirror's; "" for Endpoint
	Token    string        // goes to the endpoint's host and to no other
	Idle     time.Duration // a server that sends nothing for so long is given up; 0: a minute
	Pause    time.Duration // before the second attempt, doubled for each further one; 0: a second

	// Say tells what is being done, a line at a time. It may be nil.
	Say func(format string, args ...any)
}

const (
	attempts    = 5               // in a row without progress
	mostPause   = 5 * time.Minute // a server that asks for a longer one is given up
	mostList    = 32 << 20        // bytes of an answer that is read whole
	mostPages   = 1000            // of a repository's list of files
	mostFiles   = 200_000         // of a repository
	mostMessage = 300             // bytes of what a server says of an error
)

// session is a Client at work.
type session struct {
	Client
	base *url.URL
	http *http.Client
}

func (c Client) open() (*session, error) {
	if c.Endpoint == "" {
		c.Endpoint = Endpoint
	}
	if c.Idle == 0 {
		c.Idle = time.Minute
	}
	if c.Pause == 0 {
		c.Pause = time.Second
	}
	if c.Say == nil {
		c.Say = func(string, ...any) {}
	}
	base, err := url.Parse(strings.TrimRight(c.Endpoint, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" {
		return nil, fmt.Errorf("HF_ENDPOINT: want %s or another address like it", Endpoint)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = c.Idle
	transport.DisableCompression = true // a file's bytes are counted and hashed as they are
	s := &session{Client: c, base: base}
	s.http = &http.Client{Transport: transport, CheckRedirect: s.redirect}
	return s, nil
}

func (s *session) close() { s.http.CloseIdleConnections() }

// redirect keeps the token from every other host: net/http alone would hand it on
// to subdomains.
func (s *session) redirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return fmt.Errorf("%w: more than 10", errRedirect)
	}
	if last := via[len(via)-1].URL; last.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("%w from https to %s", errRedirect, req.URL.Scheme)
	}
	if !s.own(req.URL) {
		req.Header.Del("Authorization")
	}
	return nil
}

var errRedirect = errors.New("redirect")

func (s *session) own(u *url.URL) bool { return u.Scheme == s.base.Scheme && u.Host == s.base.Host }

// address is the endpoint's address of parts, each escaped.
func (s *session) address(parts ...string) string {
	text := s.base.String()
	for _, p := range parts {
		for part := range strings.SplitSeq(p, "/") {
			text += "/" + url.PathEscape(part)
		}
	}
	return text
}

// temporaryError may not happen again.
type temporaryError struct {
	cause    error
	after    time.Duration // the server wants to be left alone for so long
	progress bool          // the attempt was not for nothing
}

func (e *temporaryError) Error() string { return e.cause.Error() }
func (e *temporaryError) Unwrap() error { return e.cause }

// retry tries until there is no error that may pass, or none passes.
func (s *session) retry(ctx context.Context, what string, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if stopped := context.Cause(ctx); err != nil && stopped != nil {
			return stopped
		}
		var passing *temporaryError
		if !errors.As(err, &passing) {
			return err
		}
		if passing.progress {
			n = 1
		}
		pause := max(s.Pause<<(n-1), passing.after)
		switch {
		case n == attempts:
			return fmt.Errorf("%w (%d attempts)", err, attempts)
		case pause > mostPause:
			return fmt.Errorf("%w: wants to be asked again in %s", err, pause)
		}
		s.Say("%s: %v: again in %s", what, err, pause)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

var errIdle = errors.New("the server sends nothing")

// get asks once. The body ends with an error when the server is silent for too
// long. An answer other than ok is an error.
func (s *session) get(ctx context.Context, address string, header http.Header, ok ...int) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "lorabench")
	if s.Token != "" {
		req.Header.Set("Authorization", "Bearer "+s.Token)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		cancel(nil)
		return nil, s.unreachable(err)
	}
	idle := time.AfterFunc(s.Idle, func() { cancel(errIdle) })
	resp.Body = &body{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, idle: idle, limit: s.Idle}
	for _, code := range ok {
		if resp.StatusCode == code {
			return resp, nil
		}
	}
	defer resp.Body.Close()
	return nil, s.refused(resp)
}

// unreachable is the error of a request without an answer. It leaves the address
// out, which after a redirect may have a signature in it.
func (s *session) unreachable(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		host := s.base.Host
		if u, parseErr := url.Parse(of.URL); parseErr == nil {
			host = u.Host
		}
		err = fmt.Errorf("%s: %w", host, of.Err)
	}
	var certificate *tls.CertificateVerificationError
	if errors.Is(err, errRedirect) || errors.As(err, &certificate) {
		return err
	}
	return &temporaryError{cause: err}
}

// body is an answer that may not come to a standstill.
type body struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	idle   *time.Timer
	limit  time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	b.idle.Reset(b.limit)
	n, err := b.ReadCloser.Read(p)
	b.idle.Stop() // what the caller does with it is not the server's time
	if err != nil && err != io.EOF && errors.Is(context.Cause(b.ctx), errIdle) {
		err = errIdle
	}
	return n, err
}

func (b *body) Close() error {
	b.idle.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// refused says what an answer means that is none.
func (s *session) refused(resp *http.Response) error {
	message := resp.Header.Get("X-Error-Message")
	if message == "" {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, mostMessage)) // what it says is welcome, and no more than that
		if message = strings.TrimSpace(string(text)); strings.HasPrefix(message, "<") {
			message = "" // a page for people
		}
	}
	if len(message) > mostMessage {
		message = message[:mostMessage]
	}
	if message != "" {
		message = ": " + strings.ToValidUTF8(message, "\uFFFD")
	}
	err := fmt.Errorf("%s: %s%s", resp.Request.URL.Host, resp.Status, message)
	switch code := resp.Header.Get("X-Error-Code"); {
	case code == "GatedRepo":
		return fmt.Errorf("access has to be asked for at the repository's page, and HF_TOKEN to be that of who asked: %w", err)
	case code == "RevisionNotFound":
		return fmt.Errorf("the repository has no such revision: %w", err)
	case code == "EntryNotFound":
		return fmt.Errorf("the repository has no such file: %w", err)
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden, code == "RepoNotFound":
		return fmt.Errorf("there is no such repository, or HF_TOKEN does not open it: %w", err)
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode >= 500:
		return &temporaryError{cause: err, after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	}
	return err
}

// retryAfter reads seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// list reads one JSON answer, and returns the address of the next page, or "".
func (s *session) list(ctx context.Context, address string, answer any) (next string, err error) {
	err = s.retry(ctx, "list of files", func() error {
		resp, err := s.get(ctx, address, nil, http.StatusOK)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(io.LimitReader(resp.Body, mostList+1))
		if err != nil {
			return &temporaryError{cause: fmt.Errorf("%s: %w", s.base.Host, err)}
		}
		if len(data) > mostList {
			return fmt.Errorf("%s: an answer of more than %d bytes", s.base.Host, mostList)
		}
		if err := json.Unmarshal(data, answer); err != nil {
			return fmt.Errorf("%s: not what the hub answers: %w", s.base.Host, err)
		}
		next, err = s.nextPage(resp)
		return err
	})
	return next, err
}

// nextPage finds rel="next" in an answer's links. It must be the endpoint's own.
func (s *session) nextPage(resp *http.Response) (string, error) {
	for _, links := range resp.Header.Values("Link") {
		for link := range strings.SplitSeq(links, ",") {
			address, params, ok := strings.Cut(strings.TrimSpace(link), ">")
			if !ok || !strings.HasPrefix(address, "<") || !strings.Contains(strings.ReplaceAll(params, `"`, ""), "rel=next") {
				continue
			}
			u, err := resp.Request.URL.Parse(address[1:])
			if err != nil || !s.own(u) {
				return "", fmt.Errorf("%s: the list of files goes on at another host", s.base.Host)
			}
			return u.String(), nil
		}
	}
	return "", nil
}

// entry is a file of a repository, as the hub's API tells.
type entry struct {
	Type string `json:"type"` // "file", "directory"
	OID  string `json:"oid"`  // git's SHA-1
	Size int64  `json:"size"`
	Path string `json:"path"`
	LFS  *struct {
		OID  string `json:"oid"` // SHA-256
		Size int64  `json:"size"`
	} `json:"lfs"`
}

// blob is the name of the content in the cache.
func (e entry) blob() string {
	if e.LFS != nil {
		return e.LFS.OID
	}
	return e.OID
}

func (e entry) size() int64 {
	if e.LFS != nil {
		return e.LFS.Size
	}
	return e.Size
}

// check keeps what is no hash out of the cache, where it would be a name.
func (e entry) check() error {
	want := 40
	if e.LFS != nil {
		want = 64
	}
	switch {
	case len(e.blob()) != want || !hexText.MatchString(e.blob()):
		return fmt.Errorf("%s: the hub tells no hash of it", e.Path)
	case e.size() < 0:
		return fmt.Errorf("%s: the hub tells a size of %d", e.Path, e.size())
	}
	return nil
}

// resolve asks for the commit of a revision.
func (s *session) resolve(ctx context.Context, ref Ref) (string, error) {
	if ref.Pinned() {
		return ref.Revision, nil
	}
	var info struct {
		SHA string `json:"sha"`
	}
	// A revision is one part of the address: its slashes are escaped.
	address := s.address("api/models", ref.Repo, "revision") + "/" + url.PathEscape(ref.Revision)
	if _, err := s.list(ctx, address, &info); err != nil {
		return "", err
	}
	if !isCommit(info.SHA) {
		return "", fmt.Errorf("%s: %.50q is no commit", s.base.Host, info.SHA)
	}
	return info.SHA, nil
}

// files lists a repository at a commit, by path.
func (s *session) files(ctx context.Context, ref Ref) (map[string]entry, error) {
	all := map[string]entry{}
	next := s.address("api/models", ref.Repo, "tree", ref.Revision) + "?recursive=true"
	for page := 0; next != ""; page++ {
		if page == mostPages {
			return nil, fmt.Errorf("%s: a list of files without end", s.base.Host)
		}
		var some []entry
		var err error
		if next, err = s.list(ctx, next, &some); err != nil {
			return nil, err
		}
		for _, e := range some {
			if e.Type == "file" && validName(e.Path) { // what could not be kept is not wanted
				all[e.Path] = e
			}
		}
		if len(all) > mostFiles {
			return nil, fmt.Errorf("%s: a repository of more than %d files", s.base.Host, mostFiles)
		}
	}
	return all, nil
}
