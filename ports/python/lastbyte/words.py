"""The words of the conformance vectors (docs/conformance.md), read and written."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, cast

from .machine import Machine
from .values import (
    After, Chunk, Exit, Gap, Idle, Illegal, Limit, Policy, PumpAction, SendSignal, Status, Step,
    Stream, StreamEnd, Terminal, Timer, Until, UntilEof,
)

_INTS = (
    "kill_signal", "kill_grace", "buffer_bytes_max", "buffer_chunks_max", "timeout", "close_max",
    "shutdown_max",
)

#: The inputs: methods of the machine.
INPUTS = (
    "started", "refused", "chunk", "eof", "read_error", "empty", "reap", "drain", "wait",
    "cancel_wait", "signal", "kill", "discard", "detach", "close", "shutdown", "timeout",
)


def policy(lines: List[str]) -> Policy:
    """A policy from what differs from the default."""
    values: Dict[str, Any] = {}
    for line in lines:
        key, *words = line.split(" ")
        if key == "drain":
            numbers = [int(word) for word in words[1:]]
            kinds = {"until_eof": UntilEof, "after": After, "idle": Idle}
            values[key] = kinds[words[0]](*numbers)
        elif key == "limit":
            values[key] = Limit(int(words[0]), cast(Any, words[1]), *map(int, words[2:]))
        elif key == "buffer_full":
            values[key] = words[0]
            if len(words) == 2:
                values["buffer_stalled"] = int(words[1])
        elif key in _INTS:
            values[key] = int(words[0])
        else:
            values[key] = words[0]
    return Policy(**values)


def policy_told(policy: Policy) -> List[str]:
    """A policy in words: every value but those that are none."""
    drain, limit = policy.drain, policy.limit
    if isinstance(drain, Idle):
        lines = [f"drain idle {drain.gap} {drain.max}"]
    else:
        lines = [f"drain after {drain.ms}" if isinstance(drain, After) else "drain until_eof"]
    lines += [f"{key} {getattr(policy, key)}" for key in _INTS if getattr(policy, key) is not None]
    lines += [f"descendants {policy.descendants}", f"kill_target {policy.kill_target}"]
    stalled = f" {policy.buffer_stalled}" if policy.buffer_full == "kill_after" else ""
    lines.append(f"buffer_full {policy.buffer_full}{stalled}")
    if limit is not None:
        tail = f" {limit.tail}" if limit.over == "keep_tail" else ""
        lines.append(f"limit {limit.bytes_max} {limit.over}{tail}")
    return lines


def input_told(name: str, args: Sequence[Any]) -> str:
    """An input in words: the method that made it, and its arguments."""
    if name == "chunk":
        return f"chunk {args[0]} {args[1].decode('latin-1')}"
    if name == "reap":
        standing = args[1] if len(args) > 1 and args[1] else {}
        unread = "".join(f" {stream} {count}" for stream, count in standing.items() if count)
        return f"reap {args[0]}{' standing' if unread else ''}{unread}"
    return " ".join([name, *map(str, args)])


def _status(words: List[str]) -> Status:
    number = int(words[1]) if len(words) > 1 else 0
    return Status(cast(Any, words[0]), number, words[2:] == ["core"])


def _timer(words: List[str]) -> Timer:
    return Timer(cast(Any, words[0]), cast(Stream, words[1]) if len(words) > 1 else None)


def step(machine: Machine, line: str) -> List[str]:
    """Makes the step of an input in words, and tells what followed."""
    try:
        return told(_made(machine, line), machine)
    except Illegal as illegal:
        return [f"illegal {illegal.why}"]


def _made(machine: Machine, line: str) -> Step:
    name, _, rest = line.partition(" ")
    if name == "chunk":
        stream, _, data = rest.partition(" ")
        return machine.chunk(cast(Stream, stream), data.encode("latin-1"))
    words = rest.split(" ") if rest else []
    if name == "reap":
        how, _, standing = rest.partition(" standing ")
        pairs = standing.split(" ") if standing else []
        unread = {cast(Stream, s): int(n) for s, n in zip(pairs[::2], pairs[1::2])}
        return machine.reap(_status(how.split(" ")), unread)
    if name in ("eof", "empty", "discard"):
        return cast(Step, getattr(machine, name)(words[0]))
    if name == "read_error":
        return machine.read_error(cast(Stream, words[0]), int(words[1]))
    if name in ("wait", "cancel_wait"):
        return cast(Step, getattr(machine, name)(cast(Until, words[0])))
    if name == "signal":
        return machine.signal(int(words[0]))
    if name == "timeout":
        return machine.timeout(_timer(words))
    if name in ("started", "refused", "drain", "kill", "detach", "close", "shutdown"):
        return cast(Step, getattr(machine, name)())
    raise ValueError(f"`{line}` is no input")


def told(step: Step, machine: Machine) -> List[str]:
    """What followed, in words."""
    lines: List[str] = []
    event = step.event
    if isinstance(event, Chunk):
        lines.append(f"chunk {event.stream} {event.data.decode('latin-1')}")
    elif isinstance(event, Gap):
        lines.append(f"gap {event.stream} {event.bytes}")
    elif isinstance(event, StreamEnd):
        lines.append(f"end {event.stream} {event.end}")
    elif isinstance(event, Exit):
        lines += _terminal("exit", event.terminal)
    for action in step.actions:
        if isinstance(action, SendSignal):
            lines.append(f"signal {action.number}")
        elif isinstance(action, PumpAction):
            lines.append(f"{action.what} {action.stream}")
        else:
            length = f" {action.ms}" if action.what in ("arm", "arm_held") else ""
            lines.append(f"{action.what} {action.timer}{length}")
    if step.exited:
        lines.append(f"resolved exited {step.exited}")
    if step.terminal:
        lines.append(f"resolved terminal {step.terminal}")
        terminal = machine.terminal
        if terminal is not None and event is None:
            lines += _terminal("terminal", terminal)
    if step.reply != "done":
        lines.append(f"reply {step.reply}")
    if step.ready:
        lines.append("ready")
    return lines


def _terminal(word: str, terminal: Terminal) -> List[str]:
    cause = terminal.cause
    names = ("timed_out", "cancelled", "output_limit", "stalled")
    lines = [f"{word} {terminal.status}"]
    lines += [f"cause {name}" for name in names if getattr(cause, name)]
    if cause.killed_by_us is not None:
        lines.append(f"killed_by_us {cause.killed_by_us}{' escalated' if cause.escalated else ''}")
    for it in terminal.reports:
        held = " held" if it.held else ""
        lines.append(f"report {it.stream} {it.delivered} {it.dropped} {it.end}{held}")
    return lines


def room(machine: Machine) -> List[str]:
    """The room of each stream that has some."""
    rooms = ((stream, machine.room(stream)) for stream in machine.streams)
    return [f"{stream} {'any' if most is None else most}" for stream, most in rooms if most != 0]
