"""The wall clock of a node's program, for libfaketime: a file with how far it is off, written anew again and again.

libfaketime (preloaded into the program) reads the file at every reading of the clock. One jump is one content; a strobe
and a rate are many small steps, which this program makes for as long as it lives. It lives no longer than it is told,
and makes the clock true when it ends by itself: a harness that dies leaves no clock bent for good.
"""

from __future__ import annotations

import glob
import json
import os
import time
from collections.abc import Sequence
from typing import Final

LIBRARIES: Final = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1",
                    "/usr/lib64/faketime/libfaketimeMT.so.1")  # fmt: skip
STEP_MS: Final = 5.0
"""How often a clock that runs at a wrong rate is moved on."""


def main(arguments: Sequence[str]) -> None:
    """``look`` prints {"library": the path of libfaketime or "", "ahead_ns": how far the true wall clock is ahead of
    the monotonic one}. ``bend FILE OFFSET_MS STROBE_MS PERIOD_MS FACTOR LIFE_S`` keeps the file written."""
    if arguments[0] == "look":
        print(json.dumps({"library": library(), "ahead_ns": ahead_ns()}))
        return
    offset_ms, strobe_ms, period_ms, factor, life_s = map(float, arguments[2:])
    try:
        bend(arguments[1], offset_ms, strobe_ms, period_ms, factor, life_s)
    finally:
        write(arguments[1], 0.0)


def ahead_ns() -> int:
    """How far the wall clock is ahead of the monotonic one, by the tightest of a few readings: between two of them this
    process may have to wait for its turn."""
    tries = [(time.monotonic_ns(), time.time_ns(), time.monotonic_ns()) for _ in range(9)]
    before, wall, after = min(tries, key=lambda found: found[2] - found[0])
    return wall - (before + after) // 2


def library() -> str:
    """Where libfaketime is; empty if it is not there."""
    return next((path for pattern in LIBRARIES for path in sorted(glob.glob(pattern))), "")


def bend(file: str, offset_ms: float, strobe_ms: float, period_ms: float, factor: float, life_s: float) -> None:
    """``offset_ms`` at first, and from then on ``factor`` times as fast; and in every other period, the first among
    them, off by ``strobe_ms`` besides."""
    begin_s = time.monotonic()
    while (now_s := time.monotonic() - begin_s) < life_s:
        away = strobe_ms if int(now_s * 1000 / period_ms) % 2 == 0 else 0.0
        write(file, offset_ms + now_s * 1000 * (factor - 1) + away)
        left_ms = period_ms - now_s * 1000 % period_ms if strobe_ms else life_s * 1000
        time.sleep(min(left_ms, STEP_MS if factor != 1 else left_ms, (life_s - now_s) * 1000) / 1000)


def write(file: str, offset_ms: float) -> None:
    """Beside it, then renamed over it: a reader sees the one or the other, whole."""
    with open(f"{file}.step", "wb") as beside:
        beside.write(content(offset_ms))
    os.replace(f"{file}.step", file)


def content(offset_ms: float) -> bytes:
    """The offset in libfaketime's words: seconds, with their sign."""
    return f"{offset_ms / 1000:+.9f}\n".encode()
