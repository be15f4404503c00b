"""JSON values and message bodies in few words: one bounded line each, for traces and the people who read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

TEXT_CHARS_MAX: Final = 200
ITEMS_MAX: Final = 8
DEPTH_MAX: Final = 4


class Summary(NamedTuple):
    """A message's body for people: its type ("vote", "AppendEntries", "reply") and its fields in one bounded line."""

    type: str
    text: str


def summary(via: str, body: Any) -> Summary:
    """A body in one line. Its type is its field "kind" or "type", else "error", else how it travels ("reply")."""
    if isinstance(body, Summary):
        return body
    if not isinstance(body, Mapping):
        return Summary(via, brief(body))
    named = next((name for name in ("kind", "type") if isinstance(body.get(name), str)), None)
    kind = body[named] if named else ("error" if "error" in body else via)
    words = [_call(body)] if _is_call(body) else []
    skipped = ("type", "kind", "f", "key", "value") if words else ("type", "kind")
    shown = islice(((name, value) for name, value in body.items() if name not in skipped), 4 * ITEMS_MAX)
    words += [f"{name!s:.40}={brief(value)}" for name, value in shown]
    return Summary(_cut(kind, 60), _cut(" ".join(words), TEXT_CHARS_MAX))


def text_of(value: Any) -> str:
    """A value, or an event's fields, in one bounded line: ``term=2 to=n1``, ``3``."""
    if isinstance(value, str):
        return _cut(value, TEXT_CHARS_MAX)
    if isinstance(value, Mapping) and not _is_call(value):
        shown = islice(value.items(), 4 * ITEMS_MAX)
        return _cut(" ".join(f"{name!s:.40}={brief(item)}" for name, item in shown), TEXT_CHARS_MAX)
    return _cut(brief(value), TEXT_CHARS_MAX)


def brief(value: Any, depth: int = DEPTH_MAX) -> str:
    """A JSON value in few words, never looking at more of it than it shows; an operation within it as ``add 3``."""
    if isinstance(value, str):
        return _cut(value, 60)
    if isinstance(value, Mapping):
        if _is_call(value):
            return _call(value)
        items = [f"{key!s:.30}={brief(item, depth - 1)}" for key, item in _few(value.items(), depth)]
        return "{" + _joined(items, len(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + _joined([brief(item, depth - 1) for item in _few(value, depth)], len(value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    return _cut(str(value), 60)


def _is_call(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("f"), str) and "value" in value


def _call(value: Mapping[str, Any]) -> str:
    """An operation inside a message: ``add 3``, or with its key ``x: add 3``."""
    key = "" if value.get("key") is None else f"{brief(value['key'], 1)}: "
    argument = "" if value["value"] is None else f" {brief(value['value'], 2)}"
    return f"{key}{value['f']:.40}{argument}"


def _few(items: Any, depth: int) -> Iterator[Any]:
    return islice(iter(items), ITEMS_MAX if depth > 0 else 0)


def _joined(items: list[str], count: int) -> str:
    return ", ".join([*items, f"… {count} in all"] if count > len(items) else items)


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"
