"""HTML and SVG elements that escape by default: the only place where markup is made.

A ``str`` given as a child or an attribute is text, whatever it contains: it is cleaned of characters that could hide
or reorder what is shown, bounded, and escaped. Only :class:`Markup`, which nothing but :func:`element` and
:func:`raw` makes, goes out as it is. Histories are hostile input; values need no care where they are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any, Final
from urllib.parse import quote

TEXT_LENGTH_MAX: Final = 20_000

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_VOID: Final = frozenset({"meta", "br", "hr"})
_URL_ATTRIBUTES: Final = frozenset({"href", "src", "action", "xlink-href", "formaction"})

# Control characters, and those that are invisible, reorder text, or are no characters at all.
_UNSHOWABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_KEPT: Final = {"\n": " ", "\t": " ", "\r": " "}


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | None | Iterable["Child"]


def clean(text: str, limit: int = TEXT_LENGTH_MAX) -> str:
    """``text`` on one line, with what cannot be shown spelled out as ``\\u{202e}``, and what is too long cut off."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit:,} more characters)"
    return _UNSHOWABLE.sub(lambda match: _KEPT.get(match[0], f"\\u{{{ord(match[0]):x}}}"), text)


def raw(text: str) -> Markup:
    """Text of our own source code (a style sheet, a script), as it is. Never for data."""
    assert "</" not in text, "a style sheet or script must not end its own element"
    return Markup(text)


def element(tag: str, *children: Child, **attributes: Any) -> Markup:
    """``<tag attributes>children</tag>``.

    Underscores in attribute names become hyphens, one at the end is dropped (``class_``); an attribute that is None or
    False is left out, True stands alone. Links are only relative paths: see :func:`relative`.
    """
    assert _NAME.fullmatch(tag), f"read the tag {tag!r}; expected a name"
    parts = [f"<{tag}"]
    for key, value in attributes.items():
        name = key.removesuffix("_").replace("_", "-")
        assert _NAME.fullmatch(name), f"read the attribute {name!r}; expected a name"
        assert not name.lower().startswith("on"), "no script in attributes"
        assert name not in _URL_ATTRIBUTES or isinstance(value, _Path), "links are made by relative()"
        if value is True:
            parts.append(f" {name}")
        elif value is not None and value is not False:
            parts.append(f' {name}="{escape(clean(_text(value), limit=2_000_000))}"')
    parts.append(">")
    if tag not in _VOID:
        parts.extend(_children(children))
        parts.append(f"</{tag}>")
    return Markup("".join(parts))


def join(*children: Child) -> Markup:
    """Several children without an element around them."""
    return Markup("".join(_children(children)))


def _children(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, str):
            yield escape(clean(child))
        else:
            yield from _children(child)


def _text(value: Any) -> str:
    """Attribute values; numbers in as few characters as a drawing needs."""
    return number(value) if isinstance(value, float) else str(value)


def number(value: float) -> str:
    """A coordinate: at most one decimal."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


class _Path(str):
    __slots__ = ()


def relative(*parts: str) -> _Path:
    """A link to a file below the page's own folder. Raises ValueError for a part that leads elsewhere."""
    if any(part in ("", ".", "..") or "/" in part for part in parts):
        raise ValueError(f"read the path {parts!r}; expected names of folders and a file")
    return _Path("./" + "/".join(quote(part, safe="", errors="surrogatepass") for part in parts))
