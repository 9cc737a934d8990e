// Errors: the one table of all SDKs, and what a command that ran may be reproached with.

package lastbyte

import (
	"fmt"
	"strings"
	"syscall"
)

// Kind is the kind of an error. Codes, HTTP statuses and numbers are those of every SDK.
type Kind struct {
	Code   string
	HTTP   int
	Number int
	exit   int
}

// The kinds.
var (
	NotFound           = Kind{"not_found", 404, -5001, 125}
	Stopped            = Kind{"stopped", 409, -5002, 125}
	InvalidState       = Kind{"invalid_state", 409, -5003, 125}
	InvalidArgument    = Kind{"invalid_argument", 400, -5004, 125}
	CannotSpawn        = Kind{"cannot_spawn", 422, -5005, 126}
	OverQuota          = Kind{"over_quota", 429, -5006, 126}
	Unauthorized       = Kind{"unauthorized", 401, -5007, 125}
	Gone               = Kind{"gone", 410, -5008, 125}
	BackendLost        = Kind{"backend_lost", 502, -5009, 125}
	BackendUnavailable = Kind{"backend_unavailable", 503, -5010, 125}
	ShuttingDown       = Kind{"shutdown", 503, -5011, 125}
	Internal           = Kind{"internal", 500, -5012, 125}
)

// Stage is where a start failed.
type Stage string

// The stages of a start.
const (
	StageLookup     Stage = "lookup"
	StageChdir      Stage = "chdir"
	StageExec       Stage = "exec"
	StageFork       Stage = "fork"
	StagePipes      Stage = "pipes"
	StagePermission Stage = "permission"
)

// Error says that the world refused. Of a start that was refused nothing is left (C14).
type Error struct {
	Kind  Kind
	Stage Stage         // of a start; otherwise empty
	Errno syscall.Errno // of a start; otherwise 0
	op    string
}

func (e *Error) Error() string { return "lastbyte: failed to " + e.op }

// Unwrap is the errno: errors.Is(err, fs.ErrNotExist) and the like hold.
func (e *Error) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// ExitCode is that of a program that ends because of this error.
func (e *Error) ExitCode() int {
	if e.Kind == CannotSpawn && (e.Stage == StageLookup || e.Stage == StageExec && e.Errno == syscall.ENOENT) {
		return 127
	}
	return e.Kind.exit
}

func invalid(kind Kind, op string) *Error { return &Error{Kind: kind, op: op} }

// refusedStart is the error of a start.
func refusedStart(stage Stage, errno syscall.Errno, program, dir string) *Error {
	kind, advice := CannotSpawn, ""
	for _, r := range refusals {
		if r.errno == errno && strings.Contains(r.stages, string(stage)) {
			kind, advice = r.kind, r.advice
			break
		}
	}
	if advice == "" {
		advice = fmt.Sprintf("the system refused stage `%s` with %s; see %s", stage, errnoName(errno), manual[stage])
	}
	where := ""
	if dir != "" {
		where = " in `" + dir + "`"
	}
	return &Error{kind, stage, errno, fmt.Sprintf("run `%s`%s: %s", program, where, advice)}
}

var manual = map[Stage]string{
	StageLookup: "execvp(3)", StageChdir: "chdir(2)", StageExec: "execve(2)",
	StageFork: "fork(2)", StagePipes: "pipe(2)", StagePermission: "credentials(7)",
}

func errnoName(errno syscall.Errno) string {
	if errno == syscall.EINVAL {
		return "EINVAL"
	}
	return fmt.Sprintf("errno %d (%v)", int(errno), errno)
}

const (
	notADirectory = "a part of its path is not a directory; check the path"
	notExecutable = "not executable; `chmod +x` it, or check its directories and mount options"
	outOfMemory   = "out of memory; free some or raise the memory limit"
	noPTY         = "no pseudo-terminal is left; run fewer at once or raise `kernel.pty.max`"
)

// refusals is the table of docs/errors.md; a test compares them.
var refusals = []struct {
	stages string
	errno  syscall.Errno
	kind   Kind
	advice string
}{
	{"lookup", syscall.ENOENT, CannotSpawn, "no such program on PATH; check the name or give a path"},
	{"lookup exec", syscall.ENOTDIR, CannotSpawn, notADirectory},
	{"lookup exec permission", syscall.EACCES, CannotSpawn, notExecutable},
	{"lookup", syscall.ELOOP, CannotSpawn, "too many symbolic links in a path; check where they lead"},
	{"lookup", syscall.ENAMETOOLONG, CannotSpawn, "a path is too long; shorten it"},
	{"chdir", syscall.ENOENT, CannotSpawn, "no such working directory; create it or choose another"},
	{"chdir", syscall.ENOTDIR, CannotSpawn, "the working directory is not a directory; choose another"},
	{"chdir", syscall.EACCES, CannotSpawn, "the working directory may not be entered; check its permissions and its parents'"},
	{"exec", syscall.ENOENT, CannotSpawn, "it or its interpreter is missing; check its path, `#!` line and dynamic loader"},
	{"exec permission", syscall.EPERM, CannotSpawn, "not permitted; check the privileges of the user, the sandbox and the mount options"},
	{"exec", syscall.ENOEXEC, CannotSpawn, "not a program that this system can run; check its architecture, or give a script a `#!` line"},
	{"exec", syscall.ETXTBSY, CannotSpawn, "open for writing; wait until its writer has closed it"},
	{"exec", syscall.E2BIG, CannotSpawn, "arguments and environment are too long; pass data by stdin or by file"},
	{"exec fork", syscall.ENOMEM, OverQuota, outOfMemory},
	{"fork", syscall.EAGAIN, OverQuota, "too many processes; raise `ulimit -u` or the `pids.max` of the cgroup, or run fewer at once"},
	{"fork", syscall.ENOSPC, OverQuota, "no space is left; free some or raise the limit"},
	{"pipes", syscall.EMFILE, OverQuota, "too many open files; raise `ulimit -n` or run fewer at once"},
	{"pipes", syscall.ENFILE, OverQuota, "too many open files or pipes on this system; run fewer at once, or raise `fs.file-max` or `fs.pipe-user-pages-hard`"},
	{"pipes", syscall.EAGAIN, OverQuota, noPTY},
	{"pipes", syscall.ENOSPC, OverQuota, noPTY},
}

// ExitError says that the root did not end with code 0.
type ExitError struct {
	Terminal Terminal
	// Stderr is what Output found there, where nobody else took it.
	Stderr []byte
	ctx    error
}

func (e *ExitError) Error() string {
	said := "lastbyte: " + e.Terminal.Status.String()
	if e.Terminal.Cause.TimedOut {
		said += ", timed out"
	}
	return said + incomplete(e.Terminal)
}

// Unwrap is the error of the context that ended the execution, if one did.
func (e *ExitError) Unwrap() error { return e.ctx }

// IncompleteError says that the root ended with code 0, and that output is missing or may be.
type IncompleteError struct{ Terminal Terminal }

func (e *IncompleteError) Error() string { return "lastbyte: exited 0" + incomplete(e.Terminal) }

func incomplete(t Terminal) (said string) {
	for _, r := range t.Streams {
		if !r.Complete() {
			said += fmt.Sprintf("; %v is not whole: %v, %d bytes dropped", r.Stream, r.End, r.Dropped)
		}
	}
	return said
}

// ShellCode is an end as a shell has it: one number, which loses what the status tells apart.
func ShellCode(t Terminal) int {
	if t.Cause.TimedOut && t.Cause.Killed != nil {
		return 124
	}
	switch s := t.Status.(type) {
	case Exited:
		return s.Code & 0xff
	case Signaled:
		return 128 + s.Signal
	}
	return 125
}
