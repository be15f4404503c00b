"""Histories of sessions in a short notation, for the tests."""

from __future__ import annotations

import re
from typing import Any

from harness.history import History, Op

_WORD = re.compile(r"(?P<process>\d+):(?P<f>[wras])(?P<key>[a-z])(?P<value>-?\d+|\[[\d ]*\]|_)(?P<outcome>[?!]?)")
_NAMES = {"w": "write", "r": "read", "a": "append", "s": "add"}


def sequential(text: str, *, times: bool = False, sessions: dict[int, str] | None = None) -> History:
    """One operation after the other: ``0:wx1`` process 0 writes x=1, ``1:rx_`` reads null, ``0:ax3`` appends 3 to x,
    ``0:sx3`` adds it, ``1:rx[1 2]`` reads a list; ``?`` after it: unknown, ``!``: failed. Times are 1 ms apart."""
    lines: list[Op] = []
    assert not _WORD.sub("", text).strip(), text
    for match in _WORD.finditer(text):
        value = _value(match["value"])
        is_read = match["f"] == "r"
        outcome = {"": "ok", "?": "info", "!": "fail"}[match["outcome"]]
        process = int(match["process"])
        for kind, shown in (("invoke", None if is_read else value), (outcome, value)):
            time = 1_000_000 * len(lines) if times else -1
            session = sessions.get(process) if sessions else None
            lines.append(Op(kind, process, _NAMES[match["f"]], shown, time, key=match["key"], session=session))  # type: ignore[arg-type]
    return History(lines)


def _value(text: str) -> Any:
    if text == "_":
        return None
    return [int(each) for each in text[1:-1].split()] if text.startswith("[") else int(text)
