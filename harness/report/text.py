"""Values, numbers and times as short text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from math import isfinite
from typing import Any, Final
from unicodedata import east_asian_width

VALUE_LENGTH_MAX: Final = 100
ITEMS_MAX: Final = 12
DEPTH_MAX: Final = 4


def shown(value: Any, limit: int = VALUE_LENGTH_MAX) -> str:
    """A JSON value in at most about ``limit`` characters; never looks at more of it than it shows."""
    text = _shown(value, DEPTH_MAX, limit)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _shown(value: Any, depth: int, limit: int) -> str:
    if isinstance(value, str):
        return json.dumps(value[:limit], ensure_ascii=False) + (f"… ({len(value):,} characters)" * (len(value) > limit))
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_shown(item, depth - 1, limit) for item in islice(value, _room(depth, limit))]
        return "[" + _items(items, len(value)) + "]"
    if isinstance(value, Mapping):
        pairs = islice(value.items(), _room(depth, limit))
        return "{" + _items([f"{key!s:.40}: {_shown(item, depth - 1, limit)}" for key, item in pairs], len(value)) + "}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and value.bit_length() > 4 * limit:
        return f"a number of {value.bit_length()} bits"
    return str(value)


def _room(depth: int, limit: int) -> int:
    """How many items to show, such that their number in all still fits behind them."""
    return min(ITEMS_MAX, limit // 12) if depth > 0 else 0


def _items(items: list[str], count: int) -> str:
    return ", ".join(items) + (f"{', ' if items else ''}… {count} in all" if count > len(items) else "")


def operation(f: str, argument: Any, result: Any, outcome: str, limit: int = 44) -> str:
    """An operation in a few words: ``write 3``, ``read → 1``, ``cas [1, 2] ✗``, ``add 7 ?``."""
    words = [f[:30]]
    if argument is not None:
        words.append(shown(argument, limit))
    if outcome == "ok" and result is not None and result != argument:
        words += ["→", shown(result, limit)]
    elif outcome == "ok" and argument is None:
        words += ["→", "null"]
    return " ".join(words + {"fail": ["✗ failed"], "info": ["? unknown"]}.get(outcome, []))


def opening(text: str, limit: int) -> str:
    """The beginning of a text, ended at a word."""
    if len(text) <= limit:
        return text
    return text[:limit].rpartition(" ")[0].rstrip(" ,;:(") + " …"


def seconds(value: float, digits: int = 2) -> str:
    return f"{value:,.{digits}f} s" if isfinite(value) else "?"


def duration(value_s: float) -> str:
    """A latency with a unit that fits: 350 µs, 4.2 ms, 1.35 s."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if value_s >= scale:
            return f"{value_s / scale:.3g} {unit}" if value_s < 1000 * scale else f"{value_s / scale:,.0f} {unit}"
    return f"{value_s / 1e-6:.3g} µs"


def count(value: float) -> str:
    """A figure: whole numbers with thousands separated, others with three digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


def size(value_bytes: int) -> str:
    value: float = value_bytes
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{count(round(value, 1))} GB"


def width(text: str) -> int:
    """How many columns the text takes; wide characters count twice."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def cut(text: str, columns: float) -> str:
    """As much of ``text`` as fits, with an ellipsis; nothing if not even a few characters fit."""
    if width(text) <= columns:
        return text
    if columns < 4:
        return ""
    kept, used = [], 1
    for character in text:
        used += width(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"
