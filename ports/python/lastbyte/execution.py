"""Executions: a blocking front end, an asyncio one, and the child's stdin."""

from __future__ import annotations

import asyncio
import errno
import os
import select
from dataclasses import dataclass
from typing import AsyncIterator, Callable, Iterator, Mapping, Optional, Sequence, Tuple

from .driver import Core, StartError, spawn
from .machine import Machine
from .trace import Recorded, RecordedSteps
from .values import Chunk, Event, Policy, Reply, Status, Stream, Streams, Terminal


class StdinClosed(BrokenPipeError):
    """The child has stopped reading; it fails nothing else (C17)."""

    def __init__(self, accepted: int, written: int) -> None:
        super().__init__(f"the child stopped reading its stdin after {written} of {accepted} bytes")
        self.accepted = accepted
        self.written = written


class Stdin:
    """Our end of the child's stdin; closing it is the EOF."""

    def __init__(self, fd: int, is_pty: bool = False) -> None:
        self._fd: Optional[int] = fd
        self._is_pty = is_pty
        self._at_line_start = True
        self.accepted = 0
        self.written = 0

    def write(self, data: bytes) -> None:
        """Writes all of it, blocking while the child does not read."""
        self.accepted += len(data)
        rest = memoryview(data)
        while rest:
            if self._fd is None:
                raise StdinClosed(self.accepted, self.written)
            count = self._write_some(self._fd, rest)
            if count is None:
                self._let_go()
                continue
            if count > 0:
                self._at_line_start = rest[count - 1] == ord("\n")
            self.written += count
            rest = rest[count:]

    @staticmethod
    def _write_some(fd: int, data: memoryview) -> Optional[int]:
        """How much was written; ``None``: nobody reads it any more."""
        try:
            return os.write(fd, data)
        except BlockingIOError:
            # The descriptor of a terminal is the pump's too, which never waits.
            select.select([], [fd], [])
            return 0
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.EIO):
                return None
            raise

    def close(self) -> None:
        """Ends the child's input; any number of times."""
        if self._fd is not None and self._is_pty:
            # A terminal's end of input is a character: at the begin of a line one is enough.
            ends = b"\4" if self._at_line_start else b"\4\4"
            try:
                os.write(self._fd, ends)
            except OSError:
                pass  # It reads no more, or nobody does.
        self._let_go()

    def _let_go(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


@dataclass(frozen=True)
class Output:
    """All output of an execution, and how it ended."""

    terminal: Terminal
    stdout: bytes
    stderr: bytes


class _Collected:
    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()

    def take(self, event: Event) -> None:
        if isinstance(event, Chunk):
            (self.stderr if event.stream == "stderr" else self.stdout).extend(event.data)

    def finish(self, terminal: Terminal) -> Output:
        return Output(terminal, bytes(self.stdout), bytes(self.stderr))


def _machine(
    streams: Streams, policy: Policy, trace: Optional[Callable[[str], None]], steps: bool
) -> Machine:
    if trace is None:
        return Machine(streams, policy)
    return RecordedSteps(streams, policy, trace) if steps else Recorded(streams, policy, trace)


class _Handle:
    """What both front ends have."""

    def __init__(
        self,
        args: Sequence[str],
        *,
        streams: Streams = "separate",
        policy: Optional[Policy] = None,
        stdin: bool = False,
        cwd: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        size: Tuple[int, int] = (24, 80),
        trace: Optional[Callable[[str], None]] = None,
        trace_steps: bool = False,
    ) -> None:
        """``size`` is the rows and columns of a pty. ``trace`` is called with each line of a trace,
        which has each step of the machine where ``trace_steps`` says so."""
        # A policy that cannot be carried out is refused before anything runs.
        machine = _machine(streams, policy or Policy(), trace, trace_steps)
        try:
            child = spawn(args, streams, stdin, cwd, env, size)
        except StartError:
            machine.refused()
            raise
        self.stdin: Optional[Stdin] = None
        if child.stdin is not None:
            self.stdin = Stdin(child.stdin, streams == "pty")
        self._core = Core(child, machine)

    @property
    def pid(self) -> int:
        """The root's process id, for display."""
        return self._core.pid

    @property
    def status(self) -> Optional[Status]:
        """How the root ended, if it has."""
        return self._core.machine.status

    def signal(self, number: int) -> Reply:
        """Sends a signal, as it is; after the exit a no-op."""
        step = self._core.step(lambda: self._core.machine.signal(number))
        return "already_exited" if step is None else step.reply

    def kill(self) -> Reply:
        """Kills by policy: signal, grace, SIGKILL. Returns at once."""
        core = self._core
        step = core.step(core.machine.kill)
        return "already_exited" if step is None else step.reply

    def discard(self, stream: Stream) -> None:
        """Stops taking one stream: it is read on and thrown away."""
        self._core.step(lambda: self._core.machine.discard(stream))

    def detach(self) -> None:
        """Lets the execution go on without a consumer; its root is still reaped."""
        self._core.step(self._core.machine.detach)

    def _discard_all(self) -> None:
        for stream in self._core.machine.streams:
            self.discard(stream)

    def _close(self) -> None:
        if self.stdin is not None:
            self.stdin.close()
        if not self._core.machine.is_done:
            self._core.step(self._core.machine.close)

    def __del__(self) -> None:
        if hasattr(self, "_core"):
            self._close()


class Execution(_Handle):
    """A running command, for threads. Iterate for its events; the last one is the exit."""

    def next(self) -> Optional[Event]:
        """The next event; ``None`` after the exit."""
        core = self._core
        while True:
            event, over = core.take()
            if event is not None or over:
                return event
            with core.changed:
                machine = core.machine
                core.changed.wait_for(lambda: machine.has_event or machine.is_done)

    def __iter__(self) -> Iterator[Event]:
        while True:
            event = self.next()
            if event is None:
                return
            yield event

    def exited(self) -> Status:
        """Waits for the root's end, which says nothing of its output."""
        core = self._core
        with core.changed:
            core.changed.wait_for(lambda: core.machine.status is not None)
            assert core.machine.status is not None
            return core.machine.status

    def wait(self) -> Terminal:
        """Waits for the terminal, throwing away what was not taken; the same ever after."""
        self._discard_all()
        for _ in self:
            pass
        return self._terminal()

    def _terminal(self) -> Terminal:
        core = self._core
        with core.changed:
            core.changed.wait_for(lambda: core.machine.terminal is not None)
            terminal = core.machine.terminal
        assert terminal is not None
        return terminal

    def output(self) -> Output:
        """Collects all output up to the terminal."""
        collected = _Collected()
        for event in self:
            collected.take(event)
        return collected.finish(self._terminal())

    def close(self) -> Terminal:
        """Ends it now: the group is killed, the root reaped; bounded (C11)."""
        self._close()
        terminal = self._terminal()
        if terminal.status.kind != "forced":
            self._core.join()
        return terminal

    def __enter__(self) -> "Execution":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncExecution(_Handle):
    """A running command, for asyncio. ``async for`` its events; the last one is the exit."""

    async def _changed(self, unless: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        future: "asyncio.Future[None]" = loop.create_future()

        def resolve() -> None:
            if not future.done():
                future.set_result(None)

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(resolve)
            except RuntimeError:
                pass  # The loop is closed: nobody waits.

        if self._core.when_changed(wake, unless):
            try:
                await future
            finally:
                self._core.forget(wake)

    async def next(self) -> Optional[Event]:
        """The next event; ``None`` after the exit. An event is taken only when it is returned."""
        machine = self._core.machine
        while True:
            event, over = self._core.take()
            if event is not None or over:
                return event
            await self._changed(lambda: machine.has_event or machine.is_done)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self.next()
            if event is None:
                return
            yield event

    async def exited(self) -> Status:
        """Waits for the root's end, which says nothing of its output."""
        machine = self._core.machine
        while machine.status is None:
            await self._changed(lambda: machine.status is not None)
        return machine.status

    async def _terminal(self) -> Terminal:
        machine = self._core.machine
        while True:
            terminal = machine.terminal
            if terminal is not None:
                return terminal
            await self._changed(lambda: machine.terminal is not None)

    async def wait(self) -> Terminal:
        """Waits for the terminal, throwing away what was not taken; the same ever after."""
        self._discard_all()
        while await self.next() is not None:
            pass
        return await self._terminal()

    async def output(self) -> Output:
        """Collects all output up to the terminal."""
        collected = _Collected()
        while True:
            event = await self.next()
            if event is None:
                return collected.finish(await self._terminal())
            collected.take(event)

    async def close(self) -> Terminal:
        """Ends it now: the group is killed, the root reaped; bounded (C11)."""
        self._close()
        return await self._terminal()

    async def __aenter__(self) -> "AsyncExecution":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def run(args: Sequence[str], **options: object) -> Output:
    """Runs a command to its end and collects its output; options as of :class:`Execution`."""
    with Execution(args, **options) as execution:  # type: ignore[arg-type]
        return execution.output()
