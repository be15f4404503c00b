"""Histories of transactions on registers in a short notation, for the tests."""

from __future__ import annotations

import re
from typing import Any

from harness.history import History, Op


def micros(text: str) -> list[list[Any]]:
    """``wx1`` writes 1 to x, ``rx1`` reads x as 1, ``rx_`` reads x as null."""
    found: list[list[Any]] = []
    for f, key, value in re.findall(r"([wr])([a-z])(\d+|_)", text):
        found.append([f, key, None if value == "_" else int(value)])
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
