"""Whether a key lies in the range of a predicate read: keys of one type, compared as JSON numbers, strings or lists."""

from __future__ import annotations

from typing import Any, Literal

from checkers.guard import Unsupported
from checkers.transactional.transaction import is_list
from checkers.value import show

_DEPTH_MAX = 16


def kind_of(key: Any) -> Literal["number", "text", "list"] | None:
    """What a key is compared as; None for what has no order here (null, true, maps)."""
    if isinstance(key, (int, float)) and not isinstance(key, bool) and key == key:
        return "number"
    return "text" if isinstance(key, str) else "list" if is_list(key) else None


def compare(first: Any, second: Any, depth: int = 0) -> int | None:
    """-1, 0 or 1; None where the two are of different types, or have none that is ordered. Lists lexicographically."""
    kind = kind_of(first)
    if kind is None or kind != kind_of(second) or depth > _DEPTH_MAX:
        return None
    if kind != "list":
        return int(first > second) - int(first < second)
    for one, two in zip(first, second, strict=False):
        found = compare(one, two, depth + 1)
        if found != 0:
            return found
    return (len(first) > len(second)) - (len(first) < len(second))


def contains(bounds: tuple[Any, Any], key: Any) -> bool:
    """Whether first <= key <= last. A key of another type is in no range. Raises :class:`checkers.guard.Unsupported`
    where lists differ first in elements of different types: nothing says then which comes first."""
    if kind_of(key) != kind_of(bounds[0]):
        return False
    if compare(*bounds) == 1:
        raise Unsupported(f"read the range from {show(bounds[0])} to {show(bounds[1])}; expected the lower bound first")
    low, high = compare(bounds[0], key), compare(key, bounds[1])
    if low is None or high is None:
        raise Unsupported(f"read the key {show(key)} beside the range from {show(bounds[0])} to {show(bounds[1])}; "
                          "expected keys that can be compared")  # fmt: skip
    return low <= 0 and high <= 0
