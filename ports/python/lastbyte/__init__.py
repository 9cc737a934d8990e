"""Run a command, and get every byte of its output before its exit.

    import lastbyte

    with lastbyte.Execution(["sh", "-c", "echo hi; exit 3"]) as execution:
        for event in execution:
            print(event)  # chunks, gaps, ends; the last event is the exit

:class:`AsyncExecution` is the same for asyncio. The machine inside is :mod:`lastbyte.machine`.
"""

from .driver import StartError
from .execution import AsyncExecution, Execution, Output, Stdin, StdinClosed, run
from .values import (
    After, Cause, Chunk, End, Event, Exit, Gap, Idle, Illegal, InvalidPolicy, Limit, Policy, Report,
    Status, StreamEnd, Terminal, UntilEof,
)

__all__ = [
    "After", "AsyncExecution", "Cause", "Chunk", "End", "Event", "Execution", "Exit", "Gap", "Idle",
    "Illegal", "InvalidPolicy", "Limit", "Output", "Policy", "Report", "StartError", "Status",
    "Stdin", "StdinClosed", "StreamEnd", "Terminal", "UntilEof", "run",
]
