"""Writes what happens to an execution as a trace (docs/traces.md): JSON lines that
`lastbyte trace check` reads.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
import os
import time
from typing import Any, Callable, Dict, Optional

from . import words
from .machine import Machine
from .values import (
    Chunk, End, Event, Exit, Gap, Policy, PumpAction, SendSignal, Status, Step, Stream, StreamEnd,
    Streams, Terminal, Timer, Until,
)

_COUNT = itertools.count(1)


def _status(status: Status) -> Dict[str, Any]:
    if status.kind == "exited":
        return {"code": status.number}
    if status.kind == "signaled":
        return {"signal": status.number, "core": status.core}
    if status.kind == "unknown":
        return {"unknown": status.number}
    return {status.kind: True}


def _data(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _end(end: End) -> Dict[str, Any]:
    fields: Dict[str, Any] = {"end": end.kind}
    if end.kind == "cut":
        fields["why"] = end.detail
    elif end.kind == "read_error":
        fields["errno"] = end.detail
    return fields


def _exit(terminal: Terminal) -> Dict[str, Any]:
    cause = terminal.cause
    names = ("timed_out", "cancelled", "output_limit", "stalled")
    fields: Dict[str, Any] = {"status": _status(terminal.status)}
    fields.update({name: getattr(cause, name) for name in names})
    if cause.killed_by_us is not None:
        fields["killed_by_us"] = {"signal": cause.killed_by_us, "escalated": cause.escalated}
    fields["cut"] = [
        {"stream": it.stream, "why": it.end.detail} for it in terminal.reports if it.end.kind == "cut"
    ]
    fields["streams"] = {
        it.stream: {**_end(it.end), "delivered": it.delivered, "dropped": it.dropped, "held": it.held}
        for it in terminal.reports
    }
    return fields


class Recorded(Machine):
    """A machine that tells ``write`` each of its steps, as lines."""

    def __init__(self, streams: Streams, policy: Policy, write: Callable[[str], None]) -> None:
        super().__init__(streams, policy)
        self._write = write
        self._name = f"python-{os.getpid()}-{next(_COUNT)}"
        self._over = False
        self._closing = False

    def _line(self, event: str, **fields: Any) -> None:
        self._write(json.dumps({"execution": self._name, "event": event, **fields}) + "\n")

    def _followed(self, step: Step) -> Step:
        """What follows from an input, whose own line stands before."""
        leader = self.status is None and self.policy.kill_target == "leader"
        for action in step.actions:
            if isinstance(action, SendSignal):
                target = "leader" if leader else "group"
                self._line("signal", signal=action.number, target=target)
            elif isinstance(action, PumpAction) and action.what == "abandon":
                self._line("let_go", stream=action.stream)
        if step.event is not None:
            self._event(step.event)
        if self.status is not None:
            for until, count in (("exited", step.exited), ("terminal", step.terminal)):
                for _ in range(count):
                    self._line("resolved", until=until, status=_status(self.status))
            if self._closing:
                self._closing = False
                self._line("closed")
        return step

    def _event(self, event: Event) -> None:
        if isinstance(event, Chunk):
            self._line("chunk", stream=event.stream, base64=_data(event.data))
        elif isinstance(event, Gap):
            self._line("gap", stream=event.stream, bytes=event.bytes)
        elif isinstance(event, StreamEnd):
            self._line("end", stream=event.stream, **_end(event.end))
        elif isinstance(event, Exit):
            self._over = True
            self._line("exit", **_exit(event.terminal))

    # The inputs, each with its line. One that is illegal has none: nothing has changed.

    def started(self) -> Step:
        step = super().started()
        fields: Dict[str, Any] = {"outputs": list(self.streams)}
        # Where something may be dropped, what was read and not delivered is no buffer.
        if self.policy.limit is None and self.policy.buffer_full != "gap":
            fields["buffer_bytes_max"] = self.policy.buffer_bytes_max
        self._line("spawn", **fields)
        return self._followed(step)

    def refused(self) -> Step:
        step = super().refused()
        self._line("refused")
        return self._followed(step)

    def chunk(self, stream: Stream, data: bytes) -> Step:
        step = super().chunk(stream, data)
        self._line("read", stream=stream, base64=_data(data))
        return self._followed(step)

    def eof(self, stream: Stream) -> Step:
        step = super().eof(stream)
        self._line("read_eof", stream=stream)
        return self._followed(step)

    def read_error(self, stream: Stream, number: int) -> Step:
        step = super().read_error(stream, number)
        self._line("read_error", stream=stream, errno=number)
        return self._followed(step)

    def empty(self, stream: Stream) -> Step:
        return self._followed(super().empty(stream))

    def reap(self, status: Status, standing: Optional[Dict[Stream, int]] = None) -> Step:
        step = super().reap(status, standing)
        fields: Dict[str, Any] = {"status": _status(status)}
        # The buffers of a terminal may hold less than they could.
        if "pty" not in self.streams:
            unread = standing or {}
            fields["standing"] = {stream: unread.get(stream, 0) for stream in self.streams}
        self._line("reap", **fields)
        return self._followed(step)

    def drain(self) -> Step:
        return self._followed(super().drain())

    def wait(self, until: Until) -> Step:
        step = super().wait(until)
        self._line("wait", until=until)
        return self._followed(step)

    def cancel_wait(self, until: Until) -> Step:
        step = super().cancel_wait(until)
        self._line("cancel_wait", until=until)
        return self._followed(step)

    def signal(self, number: int) -> Step:
        # A signal that was asked for is told when it is sent.
        return self._followed(super().signal(number))

    def kill(self) -> Step:
        step = super().kill()
        self._line("kill")
        return self._followed(step)

    def discard(self, stream: Stream) -> Step:
        step = super().discard(stream)
        self._line("discard", stream=stream)
        return self._followed(step)

    def detach(self) -> Step:
        step = super().detach()
        self._line("detach")
        return self._followed(step)

    def close(self) -> Step:
        step = super().close()
        if not self._over:
            self._closing = True
            self._line("close")
        return self._followed(step)

    def shutdown(self) -> Step:
        step = super().shutdown()
        self._line("shutdown")
        return self._followed(step)

    def timeout(self, timer: Timer) -> Step:
        return self._followed(super().timeout(timer))


class RecordedSteps(Machine):
    """A machine that tells ``write`` each of its steps in the words of the vectors, with its time."""

    def __init__(self, streams: Streams, policy: Policy, write: Callable[[str], None]) -> None:
        super().__init__(streams, policy)
        self._write = write
        self._name = f"python-{os.getpid()}-{next(_COUNT)}"
        #: When the step that is next is made, in seconds: whoever drives it counts from there.
        self.now = time.monotonic()
        self._line("machine", outputs=list(self.streams), policy=words.policy_told(policy))

    def _line(self, event: str, **fields: Any) -> None:
        self._write(json.dumps({"execution": self._name, "event": event, **fields}) + "\n")


def _told(name: str) -> Callable[..., Step]:
    method = getattr(Machine, name)

    @functools.wraps(method)
    def made(self: RecordedSteps, *args: Any) -> Step:
        # One that is illegal has no line: nothing has changed.
        step: Step = method(self, *args)
        told = words.input_told(name, args)
        self._line("step", at=self.now * 1000, input=told, follows=words.told(step, self))
        return step

    return made


for _input in words.INPUTS:
    setattr(RecordedSteps, _input, _told(_input))
