"""Histories of transactions on sets, counters and registers in a short notation, for the tests."""

from __future__ import annotations

import re
from typing import Any

from harness.history import History, Op

_WORD = re.compile(r"(?P<add>\+)(?P<set>[s-v])(?P<element>\d+)|(?P<inc>[+-])(?P<counter>[c-f])(?P<delta>\d+)"
                   r"|w(?P<register>\d)=(?P<value>\d+|_)|r(?P<key>[c-fs-v\d])=?(?P<read>\{[\d ]*\}|-?\d+|_)"
                   r"|(?P<first>\d)\.\.(?P<last>\d)(?P<pairs>\{[\d= ]*\})")  # fmt: skip


def micros(text: str) -> list[list[Any]]:
    """``+s1`` adds 1 to the set s, ``rs{1 2}`` reads it; ``+c5`` and ``-c5`` increment the counter c, ``rc=5`` reads
    it; ``w1=7`` writes the register 1, ``r1=7`` reads it (``_`` is null); ``1..3{2=7}`` reads the registers 1 to 3."""
    found = [_micro(match) for match in _WORD.finditer(text)]
    assert " ".join(match.group() for match in _WORD.finditer(text)) == text.lstrip("?!").strip(), text
    return found


def _micro(match: re.Match[str]) -> list[Any]:
    if match["add"]:
        return ["add", match["set"], int(match["element"])]
    if match["inc"]:
        return ["inc", match["counter"], int(match["inc"] + match["delta"])]
    if match["register"]:
        return ["w", int(match["register"]), _number(match["value"])]
    if match["first"]:
        pairs = [[int(each) for each in pair.split("=")] for pair in match["pairs"][1:-1].split()]
        return ["rp", [int(match["first"]), int(match["last"])], pairs]
    key, read = match["key"], match["read"]
    if read[0] == "{":
        return ["r", key, [int(each) for each in read[1:-1].split()]]
    return ["r", int(key) if key.isdigit() else key, _number(read)]


def _number(text: str) -> int | None:
    return None if text == "_" else int(text)


def asked(listed: list[list[Any]]) -> list[list[Any]]:
    """What the invocation says: reads without what they returned."""
    return [[f, key, None] if f in ("r", "rp") else [f, key, value] for f, key, value in listed]


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
