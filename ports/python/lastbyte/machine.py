"""The machine: one execution as a pure state machine (see docs/specification.md).

One method for each input. Each returns a :class:`Step` or raises :class:`Illegal`, and then nothing
has changed. It reads no clock, does no I/O and starts no thread; whoever shares it takes a lock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Deque, Dict, List, Literal, Optional, Set, Tuple, Union

from .values import (
    CLOSE, DISCARDED, EOF, GRACE, LIMIT, SHUTDOWN, SIGKILL, STALL, STREAMS, TIMEOUT, Action, After,
    Cause, Chunk, End, Event, Exit, Gap, Idle, Illegal, InvalidPolicy, Policy, PumpAction, Report,
    SendSignal, Status, Step, Stream, StreamEnd, Streams, Terminal, Timer, TimerAction, Until,
    UntilEof,
)

Phase = Literal["starting", "refused", "running", "reaped", "ended", "done"]
Clock = Literal["running", "held"]

#: The one action that does what two in turn do; the last of ``arm``, ``arm_held``, ``disarm`` wins.
_SUMS: Dict[Tuple[str, str], Optional[str]] = {
    ("arm", "hold"): "arm_held",
    ("arm_held", "resume"): "arm",
    ("hold", "resume"): None,
    ("resume", "hold"): None,
}


class _Lane:
    """One stream inside the machine."""

    def __init__(self) -> None:
        self.source: Literal["flowing", "paused", "ended", "finished"] = "flowing"
        self.end: End = EOF
        self.held = False
        self.intake: Literal["deliver", "over_limit", "discard"] = "deliver"
        #: What the root left, until it is shown to be read; ``None``: it is all read.
        self.owed: Optional[int] = None
        self.due: Optional[str] = None
        self.delivered = 0
        self.dropped = 0
        self.queued_bytes = 0
        self.queued_chunks = 0
        self.gap = 0
        self.tail: Deque[bytes] = deque()

    @property
    def is_open(self) -> bool:
        return self.source in ("flowing", "paused")

    @property
    def tail_bytes(self) -> int:
        return sum(map(len, self.tail))

    def gap_is_next(self) -> bool:
        shown = not self.is_open or self.intake == "deliver"
        return self.gap > 0 and self.queued_chunks == 0 and shown

    def end_is_next(self) -> bool:
        return self.source == "ended" and self.queued_chunks == 0 and self.gap == 0

    def drop(self, count: int) -> None:
        self.dropped += count
        self.gap += count

    def keep_tail(self, data: bytes, most: int) -> None:
        self.tail.append(data)
        excess = self.tail_bytes - most
        while excess > 0:
            first = self.tail.popleft()
            gone = min(len(first), excess)
            if gone < len(first):
                self.tail.appendleft(first[gone:])
            self.drop(gone)
            excess -= gone


class _Effects:
    """The actions of one step, each pump and timer at most once."""

    def __init__(self) -> None:
        self.signals: Set[int] = set()
        self.pumps: Dict[Stream, Literal["pause", "resume", "abandon"]] = {}
        self.timers: Dict[Timer, str] = {}

    def timer(self, timer: Timer, what: str) -> None:
        before = self.timers.get(timer)
        total: Optional[str] = what
        if before is not None and what not in ("arm", "arm_held", "disarm"):
            total = _SUMS.get((before, what), before)
        if total is None:
            del self.timers[timer]
        else:
            self.timers[timer] = total


class Machine:
    """One execution, from before its start to after its last event."""

    def __init__(self, streams: Streams, policy: Policy) -> None:
        why = policy.invalid()
        if why is not None:
            raise InvalidPolicy(why)
        self.policy = policy
        self.streams: Tuple[Stream, ...] = STREAMS[streams]
        self._phase: Phase = "starting"
        self._status: Optional[Status] = None
        self._released = False
        self._latched: Set[int] = set()
        self._latched_requests: Set[str] = set()
        self._consumer = True
        self._cause = Cause()
        self._lanes: Dict[Stream, _Lane] = {stream: _Lane() for stream in self.streams}
        self._queue: Deque[Tuple[Stream, Union[bytes, int]]] = deque()
        self._clocks: Dict[Timer, Clock] = {}
        self._waiting: Dict[Until, int] = {"exited": 0, "terminal": 0}
        self._step = Step()
        self._effects = _Effects()

    # Questions.

    def room(self, stream: Stream) -> Optional[int]:
        """The largest chunk that would be accepted now; ``None``: any."""
        lane = self._lanes.get(stream)
        if lane is None or lane.source != "flowing":
            return 0
        if lane.intake == "deliver" and self.policy.buffer_full != "gap":
            return self.policy.buffer_bytes_max - lane.queued_bytes
        return None

    @property
    def status(self) -> Optional[Status]:
        """How the root ended, from the reap on."""
        return self._status

    @property
    def is_refused(self) -> bool:
        """Whether the start was refused."""
        return self._phase == "refused"

    @property
    def is_done(self) -> bool:
        """Whether nothing changes any more."""
        return self._phase in ("refused", "done")

    def is_open(self, stream: Stream) -> bool:
        """Whether bytes of it may still come."""
        return stream in self._lanes and self._lanes[stream].is_open

    def is_reached(self, until: Until) -> bool:
        """Whether a wait for this resolves at once (C4)."""
        if until == "exited":
            return self._phase in ("reaped", "ended", "done", "refused")
        return self._phase in ("done", "refused") or (self._phase == "ended" and self._released)

    @property
    def terminal(self) -> Optional[Terminal]:
        """The terminal, once waiters for it are resolved."""
        if self._status is None or not self.is_reached("terminal"):
            return None
        reports = tuple(
            Report(stream, lane.end, lane.delivered, lane.dropped, lane.held)
            for stream, lane in self._lanes.items()
        )
        return Terminal(self._status, replace(self._cause), reports)

    @property
    def has_event(self) -> bool:
        """Whether the consumer would get an event now."""
        if not self._consumer or self._phase in ("refused", "done"):
            return False
        if self._phase == "ended" or self._queue:
            return True
        return any(lane.gap_is_next() or lane.end_is_next() for lane in self._lanes.values())

    # The start.

    def started(self) -> Step:
        """The root runs."""
        if self._phase != "starting":
            raise Illegal("already_started")
        self._phase = "running"
        if self.policy.timeout is not None:
            self._set(TIMEOUT, "arm")
        self._effects.signals |= self._latched
        requests = self._latched_requests
        if "kill" in requests:
            self._begin_kill("cancelled")
        if "shutdown" in requests:
            self._shut_down()
        if "close" in requests:
            self._close()
        return self._settled()

    def refused(self) -> Step:
        """The root could not be started (C14)."""
        if self._phase != "starting":
            raise Illegal("already_started")
        self._phase = "refused"
        self._resolve("exited")
        self._resolve("terminal")
        return self._settled()

    # The pumps.

    def chunk(self, stream: Stream, data: bytes) -> Step:
        """A read returned bytes."""
        lane = self._pump(stream)
        if not data:
            raise Illegal("empty_chunk")
        if lane.source == "paused":
            raise Illegal("pump_paused")
        room = self.room(stream)
        if room is not None and len(data) > room:
            raise Illegal("no_room")
        limit = self.policy.limit
        if lane.intake == "deliver":
            left = None if limit is None else limit.bytes_max - lane.delivered - lane.queued_bytes
            if left is None or limit is None or len(data) <= left:
                self._keep(stream, lane, data)
            else:
                lane.intake = "over_limit"
                if left > 0:
                    self._keep(stream, lane, data[:left])
                rest = data[left:]
                if limit.over == "keep_tail":
                    lane.keep_tail(rest, limit.tail)
                else:
                    lane.drop(len(rest))
                if limit.over == "kill":
                    self._begin_kill("output_limit")
        elif lane.intake == "over_limit" and limit is not None and limit.over == "keep_tail":
            lane.keep_tail(data, limit.tail)
        else:
            lane.drop(len(data))
        self._after_read(stream, lane, len(data))
        return self._settled()

    def eof(self, stream: Stream) -> Step:
        """The source said end."""
        lane = self._pump(stream)
        end = EOF
        if lane.dropped > 0 and lane.intake == "over_limit":
            end = LIMIT
        elif lane.dropped > 0 and lane.intake == "discard":
            end = DISCARDED
        self._end(stream, end, False)
        return self._settled()

    def read_error(self, stream: Stream, errno: int) -> Step:
        """A read failed."""
        self._pump(stream)
        self._end(stream, End("read_error", errno), False)
        return self._settled()

    def empty(self, stream: Stream) -> Step:
        """A read found nothing to take."""
        lane = self._pump(stream)
        lane.owed = None
        self._cut_if_due(stream, lane)
        return self._settled()

    def _pump(self, stream: Stream) -> _Lane:
        if self._phase == "starting":
            raise Illegal("not_started")
        if self._phase == "refused":
            raise Illegal("refused")
        if self._phase == "done":
            raise Illegal("already_done")
        if stream not in self._lanes:
            raise Illegal("no_such_stream")
        lane = self._lanes[stream]
        if not lane.is_open:
            raise Illegal("stream_ended")
        return lane

    def _keep(self, stream: Stream, lane: _Lane, data: bytes) -> None:
        policy = self.policy
        fits = (
            lane.queued_bytes + len(data) <= policy.buffer_bytes_max
            and lane.queued_chunks < policy.buffer_chunks_max
        )
        if not fits and policy.buffer_full == "gap":
            lane.drop(len(data))
            return
        if lane.gap > 0:
            self._queue.append((stream, lane.gap))
            lane.gap = 0
        self._queue.append((stream, data))
        lane.queued_bytes += len(data)
        lane.queued_chunks += 1
        full = (
            lane.queued_bytes >= policy.buffer_bytes_max
            or lane.queued_chunks >= policy.buffer_chunks_max
        )
        if full and lane.intake == "deliver" and policy.buffer_full != "gap":
            lane.source = "paused"
            self._effects.pumps[stream] = "pause"
            self._set(Timer("idle", stream), "hold")
            self._set(Timer("deadline", stream), "hold")

    def _after_read(self, stream: Stream, lane: _Lane, count: int) -> None:
        lane.owed = max(lane.owed - count, 0) if lane.owed else None
        idle = Timer("idle", stream)
        if lane.due == "idle" or idle in self._clocks:
            lane.due = None if lane.due == "idle" else lane.due
            self._arm_drain(idle, lane)
        self._cut_if_due(stream, lane)

    def _cut_if_due(self, stream: Stream, lane: _Lane) -> None:
        if lane.due is not None and lane.owed is None:
            self._end(stream, End("cut", lane.due), True)

    def _end(self, stream: Stream, end: End, held: bool) -> None:
        lane = self._lanes[stream]
        if end.kind in ("cut", "discarded"):
            self._effects.pumps[stream] = "abandon"
        lane.source, lane.end, lane.held = "ended", end, held
        lane.owed = lane.due = None
        if lane.tail:
            if lane.gap > 0:
                self._queue.append((stream, lane.gap))
                lane.gap = 0
            for data in lane.tail:
                self._queue.append((stream, data))
                lane.queued_bytes += len(data)
                lane.queued_chunks += 1
            lane.tail.clear()
        self._set(Timer("idle", stream), "disarm")
        self._set(Timer("deadline", stream), "disarm")

    def _resume(self, stream: Stream, lane: _Lane) -> None:
        if lane.source == "paused":
            lane.source = "flowing"
            self._effects.pumps[stream] = "resume"
            self._set(Timer("idle", stream), "resume")
            self._set(Timer("deadline", stream), "resume")

    # The reap.

    def reap(self, status: Status, standing: Optional[Dict[Stream, int]] = None) -> Step:
        """The root has ended; ``standing``: the bytes that stood unread in each source (C7)."""
        if self._phase != "running":
            raise Illegal({
                "starting": "not_started", "refused": "refused", "reaped": "already_reaped",
                "ended": "already_reaped", "done": "already_done",
            }[self._phase])
        if status.kind == "forced":
            raise Illegal("status_is_ours")
        self._phase, self._status = "reaped", status
        self._resolve("exited")
        for timer in (TIMEOUT, GRACE, STALL, CLOSE):
            self._set(timer, "disarm")
        if self.policy.descendants == "kill" and self.policy.kill_target == "group":
            self._effects.signals.add(SIGKILL)
        for stream, lane in self._lanes.items():
            if lane.is_open:
                self._bound_drain(stream, lane, (standing or {}).get(stream, 0))
        return self._settled()

    def _bound_drain(self, stream: Stream, lane: _Lane, standing: int) -> None:
        if lane.intake == "discard":
            self._end(stream, DISCARDED, False)
            return
        lane.owed = standing
        drain = self.policy.drain
        if SHUTDOWN in self._clocks:
            lane.due = "shutdown"
        elif isinstance(drain, After):
            if drain.ms == 0:
                lane.due = "after"
            else:
                self._arm_drain(Timer("deadline", stream), lane)
        elif isinstance(drain, Idle):
            if drain.max == 0:
                lane.due = "max"
                return
            if drain.gap == 0:
                lane.due = "idle"
            else:
                self._arm_drain(Timer("idle", stream), lane)
            self._arm_drain(Timer("deadline", stream), lane)

    def _arm_drain(self, timer: Timer, lane: _Lane) -> None:
        self._set(timer, "arm_held" if lane.source == "paused" else "arm")

    # The consumer, and who waits.

    def drain(self) -> Step:
        """The consumer takes one event, if there is one."""
        if self.is_done:
            raise Illegal("refused" if self.is_refused else "already_done")
        if not self._consumer:
            raise Illegal("no_consumer")
        self._step.event = self._next_event()
        return self._settled()

    def _next_event(self) -> Optional[Event]:
        for stream, lane in self._lanes.items():
            if lane.gap_is_next():
                gap, lane.gap = lane.gap, 0
                return Gap(stream, gap)
            if lane.end_is_next():
                lane.source = "finished"
                return StreamEnd(stream, lane.end)
        if self._queue:
            stream, queued = self._queue.popleft()
            if isinstance(queued, int):
                return Gap(stream, queued)
            self._took(stream, len(queued))
            return Chunk(stream, queued)
        if self._phase == "ended":
            self._finish()
            terminal = self.terminal
            return None if terminal is None else Exit(terminal)
        return None

    def _took(self, stream: Stream, count: int) -> None:
        lane = self._lanes[stream]
        lane.queued_bytes -= count
        lane.queued_chunks -= 1
        lane.delivered += count
        low = lane.queued_bytes <= self.policy.buffer_bytes_max // 2
        if low and lane.queued_chunks <= self.policy.buffer_chunks_max // 2:
            self._resume(stream, lane)

    def wait(self, until: Until) -> Step:
        """Somebody waits."""
        self._waiting[until] += 1
        if self.is_reached(until):
            self._resolve(until)
        return self._settled()

    def cancel_wait(self, until: Until) -> Step:
        """Somebody who waited does not any more."""
        if self._waiting[until] == 0:
            raise Illegal("nobody_waits")
        self._waiting[until] -= 1
        return self._settled()

    def _resolve(self, until: Until) -> None:
        count, self._waiting[until] = self._waiting[until], 0
        if until == "exited":
            self._step.exited += count
        else:
            self._step.terminal += count

    # What callers ask for.

    def signal(self, number: int) -> Step:
        """Sends a signal, as it is."""
        if self._asked():
            self._effects.signals.add(number)
        elif self._phase == "starting":
            self._latched.add(number)
        return self._settled()

    def kill(self) -> Step:
        """Kills by policy: signal, grace, SIGKILL."""
        if self._asked():
            self._begin_kill("cancelled")
        elif self._phase == "starting":
            self._latched_requests.add("kill")
        return self._settled()

    def _asked(self) -> bool:
        """Whether a root runs that can be signalled; the reply says what becomes of it else."""
        if self._phase == "refused":
            raise Illegal("refused")
        if self._phase == "running":
            return True
        self._step.reply = "latched" if self._phase == "starting" else "already_exited"
        return False

    def _begin_kill(self, because: str) -> None:
        if self._cause.killed_by_us is not None or self._phase != "running":
            return
        setattr(self._cause, because, True)
        number = SIGKILL if self.policy.kill_grace == 0 else self.policy.kill_signal
        self._cause.killed_by_us = number
        self._effects.signals.add(number)
        self._set(TIMEOUT, "disarm")
        if number != SIGKILL:
            self._set(GRACE, "arm")

    def _kill_hard(self) -> None:
        cause = self._cause
        if cause.killed_by_us is None:
            cause.cancelled, cause.killed_by_us = True, SIGKILL
        elif cause.killed_by_us != SIGKILL:
            cause.escalated = True
        self._effects.signals.add(SIGKILL)
        for timer in (TIMEOUT, GRACE, STALL):
            self._set(timer, "disarm")

    def discard(self, stream: Stream) -> Step:
        """Nobody will take this stream (C15)."""
        if stream not in self._lanes:
            raise Illegal("no_such_stream")
        if self.is_done:
            raise Illegal("refused" if self.is_refused else "already_done")
        self._discard(stream, DISCARDED)
        self._end_discarded(stream)
        return self._settled()

    def _discard(self, stream: Stream, end: End) -> None:
        lane = self._lanes[stream]
        if lane.source == "finished":
            return
        mine = [queued for of, queued in self._queue if of == stream]
        self._queue = deque(entry for entry in self._queue if entry[0] != stream)
        lane.gap += sum(gap for gap in mine if isinstance(gap, int))
        thrown = lane.queued_bytes + lane.tail_bytes
        lane.drop(thrown)
        lane.tail.clear()
        lane.queued_bytes = lane.queued_chunks = 0
        lane.intake = "discard"
        if lane.source == "ended" and lane.end == EOF and thrown > 0:
            lane.end = end
        self._resume(stream, lane)

    def _end_discarded(self, stream: Stream) -> None:
        if self._lanes[stream].is_open and self._phase == "reaped":
            self._end(stream, DISCARDED, False)

    def detach(self) -> Step:
        """The consumer is gone for good and the execution goes on."""
        self._detach()
        return self._settled()

    def _detach(self) -> None:
        self._consumer = False
        for stream in self.streams:
            self._discard(stream, DISCARDED)
            self._end_discarded(stream)

    def close(self) -> Step:
        """Ends it now, and needs nothing from the consumer (C11)."""
        self._close()
        return self._settled()

    def _close(self) -> None:
        if self._phase == "starting":
            self._latched_requests.add("close")
            self._step.reply = "latched"
            self._detach()
            return
        if self._phase != "running":
            self._step.reply = "already_exited"
        if not self.is_done:
            reaped = self._phase != "running"
            if not reaped:
                self._kill_hard()
                if CLOSE not in self._clocks:
                    self._set(CLOSE, "arm")
            elif self.policy.kill_target == "group":
                self._effects.signals.add(SIGKILL)
            self._consumer = False
            self._cut_all("close", reaped)
        self._consumer = False

    def _cut_all(self, why: str, reaped: bool) -> None:
        end = End("cut", why)
        for stream, lane in self._lanes.items():
            self._discard(stream, end)
            if lane.is_open:
                self._end(stream, end, reaped and lane.owed is None)

    def shutdown(self) -> Step:
        """The runtime ends (C13)."""
        self._shut_down()
        return self._settled()

    def _shut_down(self) -> None:
        if self._phase == "starting":
            self._latched_requests.add("shutdown")
            self._step.reply = "latched"
            return
        if self._phase == "running":
            self._begin_kill("cancelled")
        else:
            self._step.reply = "already_exited"
        if self.is_done or self._released:
            return
        if self._phase == "reaped":
            if self.policy.kill_target == "group":
                self._effects.signals.add(SIGKILL)
            for lane in self._lanes.values():
                if lane.is_open:
                    lane.due = "shutdown"
        if SHUTDOWN not in self._clocks:
            self._set(SHUTDOWN, "arm")

    # Time.

    def timeout(self, timer: Timer) -> Step:
        """An armed timer has run out."""
        if timer.stream is not None and timer.stream not in self._lanes:
            raise Illegal("no_such_stream")
        if self._clocks.get(timer) != "running":
            raise Illegal("timer_not_running")
        del self._clocks[timer]
        if timer.kind == "timeout":
            self._begin_kill("timed_out")
        elif timer.kind == "grace":
            self._kill_hard()
        elif timer.kind == "stall":
            self._begin_kill("stalled")
        elif timer.kind == "close":
            self._force()
        elif timer.kind == "shutdown":
            self._force_shutdown()
        elif timer.stream is not None:
            lane = self._lanes[timer.stream]
            if timer.kind == "deadline":
                lane.due = "max" if isinstance(self.policy.drain, Idle) else "after"
            elif lane.due is None:
                lane.due = "idle"
        return self._settled()

    def _force(self) -> None:
        self._phase, self._released = "ended", True
        self._status = Status("forced") if self._status is None else self._status

    def _force_shutdown(self) -> None:
        if self._phase == "running":
            self._kill_hard()
            self._cut_all("shutdown", False)
        else:
            self._cut_all("shutdown", True)
        self._force()
        self._resolve("exited")
        self._resolve("terminal")

    def _set(self, timer: Timer, what: str) -> None:
        now = self._clocks.get(timer)
        if what == "arm":
            self._clocks[timer] = "running"
        elif what == "arm_held":
            self._clocks[timer] = "held"
        elif what == "hold" and now == "running":
            self._clocks[timer] = "held"
        elif what == "resume" and now == "held":
            self._clocks[timer] = "running"
        elif what == "disarm" and now is not None:
            del self._clocks[timer]
        else:
            return
        self._effects.timer(timer, what)

    # What every step ends with.

    def _finish(self) -> None:
        self._phase = "done"
        self._set(CLOSE, "disarm")
        self._set(SHUTDOWN, "disarm")
        self._resolve("exited")
        self._resolve("terminal")

    def _settled(self) -> Step:
        """Takes the phase as far as it goes (C5), and gives the step."""
        still_open = any(lane.is_open for lane in self._lanes.values())
        if self._phase == "reaped" and not still_open:
            self._phase, self._released = "ended", False
        if self._phase == "ended" and not self._consumer:
            self._finish()
        self._watch_stall()
        step, self._step = self._step, Step()
        step.actions = self._actions()
        step.ready = self.has_event
        return step

    def _watch_stall(self) -> None:
        if self.policy.buffer_full != "kill_after":
            return
        free = self._phase == "running" and self._cause.killed_by_us is None
        if not (free and self._queue):
            self._set(STALL, "disarm")
        elif self._clocks.get(STALL) != "running" or self._step.event is not None:
            self._set(STALL, "arm")

    def _actions(self) -> List[Action]:
        effects, self._effects = self._effects, _Effects()
        # SIGKILL last: it lets none after it be seen.
        signals = sorted(effects.signals, key=lambda number: (number == SIGKILL, number))
        actions: List[Action] = [SendSignal(number) for number in signals]
        actions += [PumpAction(effects.pumps[s], s) for s in self.streams if s in effects.pumps]
        timers = [TIMEOUT, GRACE, STALL, CLOSE, SHUTDOWN]
        for stream in self.streams:
            timers += [Timer("idle", stream), Timer("deadline", stream)]
        for timer in timers:
            if timer in effects.timers:
                what = effects.timers[timer]
                actions.append(TimerAction(what, timer, self.policy.delay(timer)))  # type: ignore[arg-type]
        return actions
