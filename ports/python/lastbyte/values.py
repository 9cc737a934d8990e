"""The values of the machine: statuses, ends, policies, and what follows from a step.

Names are those of the specification. Everything here is immutable, but :class:`Step`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Literal, NamedTuple, Optional, Tuple, Union

Stream = Literal["stdout", "stderr", "combined", "pty"]
Streams = Literal["none", "stdout", "stderr", "separate", "combined", "pty"]
Until = Literal["exited", "terminal"]
Reply = Literal["done", "latched", "already_exited"]

STREAMS: Dict[Streams, Tuple[Stream, ...]] = {
    "none": (),
    "stdout": ("stdout",),
    "stderr": ("stderr",),
    "separate": ("stdout", "stderr"),
    "combined": ("combined",),
    "pty": ("pty",),
}

SIGKILL = 9
SIGTERM = 15


class Status(NamedTuple):
    """How the root ended (C9). ``number`` is the code, the signal or the errno."""

    kind: Literal["exited", "signaled", "unknown", "lost", "forced"]
    number: int = 0
    core: bool = False

    def __str__(self) -> str:
        if self.kind in ("lost", "forced"):
            return self.kind
        return f"{self.kind} {self.number}{' core' if self.core else ''}"


class End(NamedTuple):
    """How a stream ended (C8). ``detail`` is the reason of a cut or the errno of a read error."""

    kind: Literal["eof", "cut", "read_error", "discarded", "limit"]
    detail: Union[str, int, None] = None

    def __str__(self) -> str:
        return self.kind if self.detail is None else f"{self.kind} {self.detail}"


EOF = End("eof")
DISCARDED = End("discarded")
LIMIT = End("limit")


class Timer(NamedTuple):
    """A clock that the driver runs; ``idle`` and ``deadline`` are of a stream."""

    kind: Literal["timeout", "grace", "stall", "close", "shutdown", "idle", "deadline"]
    stream: Optional[Stream] = None

    def __str__(self) -> str:
        return self.kind if self.stream is None else f"{self.kind} {self.stream}"


TIMEOUT = Timer("timeout")
GRACE = Timer("grace")
STALL = Timer("stall")
CLOSE = Timer("close")
SHUTDOWN = Timer("shutdown")


class UntilEof(NamedTuple):
    """Drain until every stream has ended, for ever if need be."""


class After(NamedTuple):
    """Drain at most so long after the reap."""

    ms: int


class Idle(NamedTuple):
    """Drain until a stream has been silent for ``gap``, at most ``max`` after the reap."""

    gap: int = 200
    max: int = 5000


class Limit(NamedTuple):
    """A bound on the output of each stream; ``tail`` bytes of the rest are kept by ``keep_tail``."""

    bytes_max: int
    over: Literal["truncate", "keep_tail", "kill"]
    tail: int = 0


@dataclass(frozen=True)
class Policy:
    """All choices of one execution. Times are in milliseconds."""

    drain: Union[UntilEof, After, Idle] = Idle()
    descendants: Literal["leave", "kill"] = "leave"
    kill_signal: int = SIGTERM
    kill_grace: int = 2000
    kill_target: Literal["group", "leader"] = "group"
    buffer_bytes_max: int = 256 * 1024
    buffer_chunks_max: int = 1024
    buffer_full: Literal["pause", "gap", "kill_after"] = "pause"
    buffer_stalled: int = 0
    limit: Optional[Limit] = None
    timeout: Optional[int] = None
    close_max: int = 2000
    shutdown_max: int = 5000

    def invalid(self) -> Optional[str]:
        """Why it cannot be carried out, if so."""
        if self.buffer_bytes_max == 0:
            return "buffer_bytes"
        if self.buffer_chunks_max == 0:
            return "buffer_chunks"
        if isinstance(self.drain, Idle) and self.drain.gap > self.drain.max:
            return "idle_gap_over_max"
        return None

    def delay(self, timer: Timer) -> int:
        """How long a timer runs from its arming."""
        drain = self.drain
        if timer.kind == "timeout":
            return self.timeout or 0
        if timer.kind == "grace":
            return self.kill_grace
        if timer.kind == "stall":
            return self.buffer_stalled
        if timer.kind == "close":
            return self.close_max
        if timer.kind == "shutdown":
            return self.shutdown_max
        if isinstance(drain, Idle):
            return drain.gap if timer.kind == "idle" else drain.max
        return drain.ms if isinstance(drain, After) else 0


class InvalidPolicy(ValueError):
    """A policy that cannot be carried out; its word is the argument."""


class Illegal(Exception):
    """An input that has no meaning in the state it met; nothing has changed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Report:
    """How complete one stream is (C8)."""

    stream: Stream
    end: End
    delivered: int
    dropped: int
    held: bool

    @property
    def complete(self) -> bool:
        """Whether the consumer got every byte up to the end."""
        return self.end == EOF and self.dropped == 0


@dataclass
class Cause:
    """What we did before the reap (C10)."""

    timed_out: bool = False
    cancelled: bool = False
    output_limit: bool = False
    stalled: bool = False
    killed_by_us: Optional[int] = None
    escalated: bool = False


@dataclass(frozen=True)
class Terminal:
    """The last event of an execution."""

    status: Status
    cause: Cause
    reports: Tuple[Report, ...]

    @property
    def complete(self) -> bool:
        """Whether every stream ended with its EOF and nothing was dropped."""
        return all(report.complete for report in self.reports)


class Chunk(NamedTuple):
    """Bytes of a stream."""

    stream: Stream
    data: bytes


class Gap(NamedTuple):
    """Bytes that were read and dropped stood here."""

    stream: Stream
    bytes: int


class StreamEnd(NamedTuple):
    """Nothing of this stream follows."""

    stream: Stream
    end: End


class Exit(NamedTuple):
    """The terminal: nothing follows."""

    terminal: Terminal


Event = Union[Chunk, Gap, StreamEnd, Exit]


class SendSignal(NamedTuple):
    """Send this signal to the target of the kill policy."""

    number: int


class PumpAction(NamedTuple):
    """What to do with the pump of a stream."""

    what: Literal["pause", "resume", "abandon"]
    stream: Stream


class TimerAction(NamedTuple):
    """What to do with a timer; ``ms`` is its length where it is armed."""

    what: Literal["arm", "arm_held", "hold", "resume", "disarm"]
    timer: Timer
    ms: int


Action = Union[SendSignal, PumpAction, TimerAction]


@dataclass
class Step:
    """What follows from one input."""

    event: Optional[Event] = None
    actions: List[Action] = field(default_factory=list)
    exited: int = 0
    terminal: int = 0
    reply: Reply = "done"
    ready: bool = False
