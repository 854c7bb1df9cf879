package sandbox

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// keeperArgument makes a launcher the keeper. What follows it says which forms
// of confinement it tries: those that confine, in their order; with orUnsafe
// none after them; with a mode those of that mode.
const (
	keeperArgument = "keeper "
	orUnsafe       = "or unsafe"
)

// candidates are the forms that a keeper tries.
func candidates(which string) []form {
	all := append(forms(), unsafeForms()...)
	return slices.DeleteFunc(all, func(f form) bool {
		switch which {
		case "":
			return f.Unsafe
		case orUnsafe:
			return false
		}
		return f.String() != which
	})
}

// keeper is a small process of ours that starts the launchers. A process that
// enters a user namespace is forked with a copy of its parent's page tables;
// where the parent holds a model in memory each fork costs it tens of
// milliseconds, and a fault for every page that it writes afterwards. The keeper
// holds nothing.
//
// It ends when its standard input is closed, and ends what it runs.
type keeper struct {
	stdin io.Closer

	mu      sync.Mutex
	enc     *gob.Encoder                // guarded by mu, as all below
	waiting map[uint64]chan keeperReply // by request
	last    uint64
	gone    error // why there will be no more replies
}

// keeperRequest asks for a run, or for the end of one.
type keeperRequest struct {
	ID      uint64
	Cancel  bool
	Command Command
}

// keeperReply answers a request; the first, to no request, says what the
// keeper's sandbox is.
type keeperReply struct {
	ID          uint64
	Protections Protections
	Result      Result
	Stage, Err  string // of a SetupError; in the first reply Err alone
}

// startKeeper starts the process and waits for what it says of its sandbox.
func startKeeper(which string) (*keeper, Protections, error) {
	cmd := exec.Command("/proc/self/exe", childArgument, keeperArgument+which)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	// Its own session: a Ctrl-C of the terminal is for us, who tell it what to end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, Protections{}, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, Protections{}, err
	}
	if err := cmd.Start(); err != nil {
		return nil, Protections{}, err
	}
	k := &keeper{stdin: stdin, enc: gob.NewEncoder(stdin), waiting: map[uint64]chan keeperReply{}}
	dec := gob.NewDecoder(stdout)
	var first keeperReply
	if err := dec.Decode(&first); err != nil {
		stdin.Close()
		return nil, Protections{}, fmt.Errorf("keeper: %w", errors.Join(err, cmd.Wait()))
	}
	if first.Err != "" {
		stdin.Close()
		cmd.Wait()
		return nil, Protections{}, errors.New(first.Err)
	}
	go func() {
		k.listen(dec)
		cmd.Wait()
	}()
	return k, first.Protections, nil
}

// listen hands replies to those who wait, until the keeper is gone.
func (k *keeper) listen(dec *gob.Decoder) {
	for {
		var r keeperReply
		err := dec.Decode(&r)
		k.mu.Lock()
		if err != nil {
			k.gone = fmt.Errorf("the keeper is gone: %w", err)
			for _, w := range k.waiting {
				close(w)
			}
			k.waiting = nil
			k.mu.Unlock()
			return
		}
		if w := k.waiting[r.ID]; w != nil {
			delete(k.waiting, r.ID)
			w <- r
		}
		k.mu.Unlock()
	}
}

// run has the keeper run c.
func (k *keeper) run(ctx context.Context, c Command) (Result, error) {
	reply := make(chan keeperReply, 1)
	k.mu.Lock()
	if k.gone != nil {
		k.mu.Unlock()
		return Result{}, &SetupError{"keeper", k.gone}
	}
	k.last++
	id := k.last
	k.waiting[id] = reply
	err := k.enc.Encode(keeperRequest{ID: id, Command: c})
	if err != nil {
		delete(k.waiting, id)
	}
	k.mu.Unlock()
	if err != nil {
		return Result{}, &SetupError{"keeper", err}
	}
	stop := context.AfterFunc(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.gone == nil {
			k.enc.Encode(keeperRequest{ID: id, Cancel: true})
		}
	})
	defer stop()
	r, ok := <-reply
	switch {
	case ctx.Err() != nil:
		return Result{}, context.Cause(ctx)
	case !ok:
		k.mu.Lock()
		defer k.mu.Unlock()
		return Result{}, &SetupError{"keeper", k.gone}
	case r.Err != "":
		return Result{}, &SetupError{r.Stage, errors.New(r.Err)}
	}
	return r.Result, nil
}

// niceness of what runs here: a tenth of what a thread that computes gets beside
// it. Less, and a busy machine would leave runs so little that their wall time
// ends before they are done.
const niceness = 10

// yield makes this process, and what it will start, give way to inference.
// Where the kernel has groups by session (autogroup(7)), niceness counts among
// the groups.
func yield() {
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads { // those to come inherit it
		if id, err := strconv.Atoi(t.Name()); err == nil {
			unix.Setpriority(unix.PRIO_PROCESS, id, niceness)
		}
	}
	os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(niceness)), 0) // where there is none, nothing is lost
}

// keeperMain is the keeper. It does not return.
func keeperMain(try []form) {
	yield()
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	enc, dec := gob.NewEncoder(os.Stdout), gob.NewDecoder(os.Stdin)
	answer := func(r keeperReply) {
		mu.Lock()
		defer mu.Unlock()
		enc.Encode(r)
	}
	s, err := open(ctx, try)
	if err != nil {
		answer(keeperReply{Err: err.Error()})
		os.Exit(125)
	}
	answer(keeperReply{Protections: s.protections})
	var runs sync.WaitGroup
	var cancels sync.Map // of runs, by request
	for {
		var r keeperRequest
		if err := dec.Decode(&r); err != nil {
			cancel()
			runs.Wait() // their folders are removed
			os.Exit(0)
		}
		if r.Cancel {
			if stop, is := cancels.Load(r.ID); is {
				stop.(context.CancelFunc)()
			}
			continue
		}
		one, stop := context.WithCancel(ctx)
		cancels.Store(r.ID, stop)
		runs.Go(func() {
			defer stop()
			defer cancels.Delete(r.ID)
			reply := keeperReply{ID: r.ID}
			result, err := s.run(one, r.Command)
			if setup := (*SetupError)(nil); errors.As(err, &setup) {
				reply.Stage, reply.Err = setup.Stage, setup.Err.Error()
			} else if err != nil {
				reply.Stage, reply.Err = "run", err.Error()
			} else {
				reply.Result = result
			}
			answer(reply)
		})
	}
}

// keep makes s run its programs by a keeper, which ends when s is forgotten.
func (s *Sandbox) keep(k *keeper) {
	s.keeper = k
	runtime.AddCleanup(s, func(stdin io.Closer) { stdin.Close() }, k.stdin)
}
