"""Carries out what the machine asks for, on a real process: one thread for each execution.

It decides nothing. Signals are sent and the root is looked at by this thread alone, and the root stays
a zombie until the execution is over, so that no signal can reach a reused pid (C16).
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from dataclasses import dataclass
from typing import IO, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from .machine import Machine
from .trace import RecordedSteps
from .values import (
    STREAMS, Action, Event, Illegal, PumpAction, SendSignal, Status, Step, Stream, Streams, Timer,
)

_READ_MAX = 64 * 1024

#: More than the buffers of a terminal hold.
_STANDING_MAX = 1 << 20

#: Starts take turns: until its exec a new child has copies of its siblings' pipes (C18).
_STARTS = threading.Lock()


class StartError(OSError):
    """A start that was refused: its stage (lookup, chdir, exec, fork, pipes, permission) and errno (C14)."""

    def __init__(self, stage: str, error: OSError, program: str) -> None:
        super().__init__(error.errno, f"failed to run {program!r} at stage {stage}: {error.strerror}")
        self.stage = stage


def _stage(
    error: OSError, program: str, cwd: Optional[str], env: Optional[Mapping[str, str]]
) -> str:
    if cwd is not None and error.filename == cwd:
        return "chdir"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "pipes"
    if error.errno in (errno.EAGAIN, errno.ENOMEM) and error.filename is None:
        return "fork"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission"
    # A file that is there lacks its interpreter.
    return "lookup" if error.errno == errno.ENOENT and not _is_there(program, cwd, env) else "exec"


def _is_there(program: str, cwd: Optional[str], env: Optional[Mapping[str, str]]) -> bool:
    if "/" in program:
        return os.path.exists(os.path.join(cwd or "", program))
    return any(os.path.exists(os.path.join(folder, program)) for folder in os.get_exec_path(env))


@dataclass(frozen=True)
class Child:
    """A child that runs, and our ends of its streams."""

    pid: int
    stdin: Optional[int]
    #: Of its streams: our ends, which are ours to close.
    sources: Dict[Stream, int]


def spawn(
    args: Sequence[str],
    streams: Streams,
    stdin: bool,
    cwd: Optional[str],
    env: Optional[Mapping[str, str]],
    size: Tuple[int, int],
) -> Child:
    """Starts a child that leads a group of its own, on a terminal of ``size`` if that is its stream."""
    try:
        with _STARTS:
            if streams == "pty":
                return _on_pty(args, stdin, cwd, env, size)
            return _on_pipes(args, streams, stdin, cwd, env)
    except OSError as error:
        raise StartError(_stage(error, args[0], cwd, env), error, args[0]) from error


def _on_pipes(
    args: Sequence[str],
    streams: Streams,
    stdin: bool,
    cwd: Optional[str],
    env: Optional[Mapping[str, str]],
) -> Child:
    ids = STREAMS[streams]
    combined = "combined" in ids
    child = subprocess.Popen(
        args,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE if combined or "stdout" in ids else None,
        stderr=subprocess.STDOUT if combined else subprocess.PIPE if "stderr" in ids else None,
        cwd=cwd,
        env=env,
        bufsize=0,
        start_new_session=True,
    )
    sources = {stream: _taken(child.stderr if stream == "stderr" else child.stdout) for stream in ids}
    return _ours(child, None if child.stdin is None else _taken(child.stdin), sources)


def _on_pty(
    args: Sequence[str],
    stdin: bool,
    cwd: Optional[str],
    env: Optional[Mapping[str, str]],
    size: Tuple[int, int],
) -> Child:
    master, slave = os.openpty()
    try:
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        child = subprocess.Popen(
            args,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=env,
            start_new_session=True,
            # It makes one system call; nothing else can give the new session its terminal.
            preexec_fn=_own_terminal,
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    return _ours(child, os.dup(master) if stdin else None, {"pty": master})


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _taken(pipe: Optional[IO[bytes]]) -> int:
    assert pipe is not None
    fd = os.dup(pipe.fileno())
    pipe.close()
    return fd


def _ours(
    child: "subprocess.Popen[bytes]", stdin: Optional[int], sources: Dict[Stream, int]
) -> Child:
    # The root is ours to reap: `subprocess` must not.
    child.returncode = 0
    return Child(child.pid, stdin, sources)


class Core:
    """The machine of one execution behind a lock, and the thread that drives it."""

    def __init__(self, child: Child, machine: Machine) -> None:
        self.changed = threading.Condition()
        self.machine = machine
        self.pid = child.pid
        self._pidfd = os.pidfd_open(child.pid)
        self._fds = dict(child.sources)
        for fd in self._fds.values():
            os.set_blocking(fd, False)
        #: What is to be carried out, and when the step was made that asks for it.
        self._todo: List[Tuple[Action, float]] = []
        self._wakers: Set[Callable[[], None]] = set()
        #: When a timer is due; or what is left of one that stands still.
        self._due: Dict[Timer, float] = {}
        self._left: Dict[Timer, float] = {}
        self._looks: Set[Stream] = set()
        self._collected = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._drive, daemon=True, name=f"lastbyte {self.pid}")
        self.step(self.machine.started)
        self._thread.start()

    # For everybody.

    def step(self, make: Callable[[], Step]) -> Optional[Step]:
        """Makes one step; ``None`` where it is illegal. The driver does what follows."""
        with self.changed:
            now = time.monotonic()
            if isinstance(self.machine, RecordedSteps):
                self.machine.now = now
            try:
                step = make()
            except Illegal:
                return None
            self._todo += [(action, now) for action in step.actions]
            if step.actions or self.machine.is_done:
                self._wake_driver()
            self._collect()
            self.changed.notify_all()
            wakers, self._wakers = self._wakers, set()
        for waker in wakers:
            waker()
        return step

    def take(self) -> Tuple[Optional[Event], bool]:
        """The next event if there is one now, and whether none will come any more."""
        step = self.step(self.machine.drain) if self.machine.has_event else None
        with self.changed:
            gone = self.machine.is_done or not self.machine.has_event and self.machine.is_reached("terminal")
        return (None if step is None else step.event), gone

    def when_changed(self, waker: Callable[[], None], unless: Callable[[], bool]) -> bool:
        """Has a callback called at the next change, unless there is nothing to wait for."""
        with self.changed:
            if unless():
                return False
            self._wakers.add(waker)
            return True

    def forget(self, waker: Callable[[], None]) -> None:
        """Calls it no more."""
        with self.changed:
            self._wakers.discard(waker)

    def join(self) -> None:
        """Waits until the thread has let go of everything."""
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _wake_driver(self) -> None:
        try:
            os.write(self._wake_write, b"x")
        except (BlockingIOError, OSError):
            pass  # It is awake, or gone.

    def _collect(self) -> None:
        """Takes the zombie away when nothing can be asked of the group any more."""
        if self.machine.is_done and not self._collected and self._seen():
            self._collected = True
            try:
                os.waitid(os.P_PID, self.pid, os.WEXITED)
            except ChildProcessError:
                pass

    def _seen(self) -> bool:
        status = self.machine.status
        return status is not None and status.kind != "forced"

    # The thread.

    def _drive(self) -> None:
        while True:
            self._carry_out()
            if self.machine.is_done and not self._todo:
                break
            self._await()
            self._look_at_root()
            self._fire()
        if not self._collected:
            # It was given up, and cannot be ended by anybody; it is reaped when it ends.
            try:
                os.waitid(os.P_PID, self.pid, os.WEXITED)
            except ChildProcessError:
                pass
        with self.changed:
            fds = [self._pidfd, self._wake_read, self._wake_write, *self._fds.values()]
            self._fds.clear()
            self._wake_write = -1
        for fd in fds:
            os.close(fd)

    def _carry_out(self) -> None:
        with self.changed:
            actions, self._todo = self._todo, []
        for action, when in actions:
            if isinstance(action, SendSignal):
                self._send(action.number)
            elif isinstance(action, PumpAction):
                if action.what == "abandon":
                    fd = self._fds.pop(action.stream, None)
                    if fd is not None:
                        os.close(fd)
                elif action.what == "resume" and self.machine.status is not None:
                    self._looks.add(action.stream)
            else:
                self._clock(action.what, action.timer, action.ms / 1000, when)

    def _send(self, number: int) -> None:
        try:
            if self.machine.policy.kill_target == "group":
                os.killpg(self.pid, number)
            else:
                signal.pidfd_send_signal(self._pidfd, number)
        except (ProcessLookupError, PermissionError):
            pass  # Nobody is left.

    def _clock(self, what: str, timer: Timer, length: float, now: float) -> None:
        """Clocks go from the step on that asks for it, however late it is carried out."""
        if what == "arm":
            self._left.pop(timer, None)
            self._due[timer] = now + length
        elif what == "arm_held":
            self._due.pop(timer, None)
            self._left[timer] = length
        elif what == "hold" and timer in self._due:
            self._left[timer] = max(self._due.pop(timer) - now, 0)
        elif what == "resume" and timer in self._left:
            self._due[timer] = now + self._left.pop(timer)
        elif what == "disarm":
            self._due.pop(timer, None)
            self._left.pop(timer, None)

    def _await(self) -> None:
        """Waits for bytes, the root's end, a request or a timer; and reads."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        if self.machine.status is None:
            poll.register(self._pidfd, select.POLLIN)
        reads = {self._fds[s]: s for s in self._fds if self.machine.room(s) != 0}
        # A paused stream is looked at when it goes on; an ended one no more.
        self._looks.intersection_update(reads.values())
        for fd in reads:
            poll.register(fd, select.POLLIN)
        length: Optional[float] = None
        if self._looks:
            length = 0
        elif self._due:
            length = max(min(self._due.values()) - time.monotonic(), 0) * 1000 + 0.5
        ready = {fd for fd, _ in poll.poll(length)}
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        for fd, stream in reads.items():
            if fd in ready or stream in self._looks:
                self._looks.discard(stream)
                self._read(stream, fd)

    def _read(self, stream: Stream, fd: int) -> None:
        """Reads once; after the reap until it has shown what stands there (C7)."""
        while self.machine.is_open(stream):
            room = self.machine.room(stream)
            if room == 0:
                return
            try:
                data = os.read(fd, _READ_MAX if room is None else min(room, _READ_MAX))
            except BlockingIOError:
                self.step(lambda: self.machine.empty(stream))
                return
            except OSError as error:
                number = error.errno or errno.EIO
                if stream != "pty" or number != errno.EIO:
                    self.step(lambda: self.machine.read_error(stream, number))
                    return
                data = b""  # Nobody has the terminal open any more.
            if not data:
                self.step(lambda: self.machine.eof(stream))
                return
            self.step(lambda: self.machine.chunk(stream, data))
            if self.machine.status is None:
                return

    def _look_at_root(self) -> None:
        if self.machine.status is not None:
            return
        try:
            info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:
            self._reap(Status("unknown", errno.ECHILD))
            return
        if info is None:
            return
        if info.si_code == os.CLD_EXITED:
            self._reap(Status("exited", info.si_status))
        else:
            self._reap(Status("signaled", info.si_status, info.si_code == os.CLD_DUMPED))

    def _reap(self, status: Status) -> None:
        standing: Dict[Stream, int] = {}
        for stream, fd in self._fds.items():
            if stream == "pty":
                # What stands there is not told whole: it is read until there is nothing.
                standing[stream] = _STANDING_MAX
                continue
            count = array.array("i", [0])
            fcntl.ioctl(fd, termios.FIONREAD, count)
            standing[stream] = count[0]
        self.step(lambda: self.machine.reap(status, standing))
        self._looks.update(self._fds)

    def _fire(self) -> None:
        self._carry_out()
        now = time.monotonic()
        for timer in [timer for timer, due in self._due.items() if due <= now]:
            if self._due.pop(timer, None) is None:
                continue
            self.step(lambda: self.machine.timeout(timer))
            # Readability wins: what the next read finds decides (C6).
            if timer.stream is not None:
                self._looks.add(timer.stream)
            self._carry_out()
