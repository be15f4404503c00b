"""Acts on a keeper and all processes below it (``harness.node.family``): the program whose pid file is given.

``main([verb, pid_file, ...])`` prints one JSON object.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from harness.node.family import MARK, Family, program_in, runs
from harness.node.witness import unread

PORTS_APART: Final = frozenset({22})
"""By which the harness itself comes."""

_POLL_S: Final = 0.01

Answer = Mapping[str, Any]


def kill(pid_file: str, mark: int) -> Answer:
    return {"killed": Family(program_in(pid_file), mark).kill()}


def clear(pid_file: str, mark: int) -> Answer:
    """Before a start: kill those whom a keeper has left behind that ended by itself; nothing while it runs."""
    program = program_in(pid_file)
    return {"killed": 0 if program is not None and runs(program) else Family(program, mark).kill()}


def pause(pid_file: str, mark: int) -> Answer:
    return {"paused": Family(program_in(pid_file), mark).stop()}


def resume(pid_file: str, mark: int) -> Answer:
    """Also says on how many connections something waits to be read, as late as it will be by now."""
    waiting = unread(PORTS_APART)
    return {"resumed": Family(program_in(pid_file), mark).resume(), "waiting": waiting}


def stop(pid_file: str, mark: int, patience_s: str) -> Answer:
    """SIGTERM to the keeper, which stops its database; SIGKILL to all that are there ``patience_s`` later."""
    program = program_in(pid_file)
    family = Family(program, mark)
    family.look()
    if program is not None and runs(program):
        with contextlib.suppress(ProcessLookupError):
            os.kill(program[0], signal.SIGTERM)
        deadline = time.monotonic() + float(patience_s)
        while runs(program) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    return {"killed": family.kill()}


VERBS: Final[Mapping[str, Callable[..., Answer]]] = {verb.__name__: verb for verb in (kill, clear, pause, resume, stop)}


def main(arguments: Sequence[str], mark: int = MARK) -> None:
    """``kill``, ``clear``, ``pause`` or ``resume`` PID_FILE, or ``stop`` PID_FILE PATIENCE_S."""
    verb, pid_file, *rest = arguments
    try:
        answer = VERBS[verb](pid_file, mark, *rest)
    except OSError as error:
        sys.exit(f"{verb}: {error}")
    print(json.dumps(answer))
