"""Histories of transactions in a short notation, for the tests.

``history("T0: ax1 ry[2 3]", ...)``: a transaction per text, each alone, or as the events of one line in brackets say.
"""

from __future__ import annotations

import re
from typing import Any

from harness.history import History, Op

_MICRO = re.compile(r"a(?P<key>[a-z])(?P<element>\d+)|r(?P<list>[a-z])(?P<read>\[[\d ]*\]|_)")


def micros(text: str) -> list[list[Any]]:
    """``ax1`` appends 1 to x, ``rx[1 2]`` reads x as [1, 2], ``rx_`` reads x as null."""
    found: list[list[Any]] = []
    for word in re.findall(r"a[a-z]\d+|r[a-z](?:\[[\d ]*\]|_)", text):
        match = _MICRO.fullmatch(word)
        assert match is not None
        if match["key"]:
            found.append(["append", match["key"], int(match["element"])])
        else:
            read = match["read"]
            found.append(["r", match["list"], None if read == "_" else [int(each) for each in read[1:-1].split()]])
    return found


def asked(listed: list[list[Any]]) -> list[list[Any]]:
    """What the invocation says: reads without what they returned."""
    return [["r", micro[1], None] if micro[0] == "r" else micro for micro in listed]


def concurrent(*texts: str) -> History:
    """All transactions overlap, each of a process of its own. ``?`` before one: outcome unknown; ``!``: failed."""
    lines = [Op("invoke", process, "txn", asked(micros(text))) for process, text in enumerate(texts)]
    return History([*lines, *(_completion(process, text) for process, text in enumerate(texts))])


def sequential(*texts: str, processes: list[int] | None = None) -> History:
    """One transaction after the other, each of a process of its own, or of those given."""
    lines: list[Op] = []
    for number, text in enumerate(texts):
        process = processes[number] if processes else number
        lines += [Op("invoke", process, "txn", asked(micros(text))), _completion(process, text)]
    return History(lines)


def _completion(process: int, text: str) -> Op:
    listed = micros(text)
    if text[0] in "?!":
        return Op("info" if text[0] == "?" else "fail", process, "txn", asked(listed))
    return Op("ok", process, "txn", listed)
