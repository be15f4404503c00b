"""What a message becomes on its way: a copy, equal to what the wire would have made of it.

Two nodes in one process must not share objects, or a change on one side would be seen on the other. Copying is several
times faster than encoding and decoding; a share of the runs, by their seed, sends everything through the real codec
all the same, so that the two can never drift apart unseen.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Final

from harness.node import Message
from harness.node.wire import BODY_BYTES_MAX, WireError, encode_body

SIZE_SURE: Final = BODY_BYTES_MAX // 8
"""Below so many characters and values no message can be too large, whatever its characters are escaped to."""

CODEC_SHARE: Final = 8
"""One run in so many uses the codec throughout."""


class Copier:
    """Copies message bodies. Raises WireError past the wire's bound, TypeError or ValueError for what is not JSON."""

    def __init__(self, *, codec: bool) -> None:
        self._codec = codec
        self._size = 0

    def copy(self, body: Message) -> dict[str, Any]:
        """What arrives of ``body``: tuples are lists there."""
        if not isinstance(body, dict):
            raise TypeError(f"a message of type {type(body).__name__}; expected a dict")
        if self._codec:
            decoded: dict[str, Any] = json.loads(encode_body(body))
            return decoded
        self._size = 0
        copied: dict[str, Any] = self._copied(body)
        if self._size > SIZE_SURE:
            encode_body(body)  # only to learn whether it is too large
        return copied

    def _copied(self, value: Any) -> Any:
        kind = value.__class__
        if kind is str:
            self._size += len(value)
            return value
        if kind is int or value is None or kind is bool:
            self._size += 1
            return value
        if kind is float and isfinite(value):
            self._size += 32
            return value
        if kind is dict:
            return self._copied_object(value)
        if kind is list or kind is tuple:
            self._size += len(value)
            return [self._copied(item) for item in value]
        return self._uncommon(value)

    def _copied_object(self, value: dict[Any, Any]) -> dict[str, Any]:
        """Most of what is in a message are numbers and names in objects: no call for each of these."""
        size = len(value)
        copied = {}
        for key, item in value.items():
            name = key if key.__class__ is str else self._key(key)
            size += len(name)
            kind = item.__class__
            if kind is int or item is None or kind is bool:
                size += 1
            elif kind is str:
                size += len(item)
            else:
                item = self._copied(item)  # noqa: PLW2901 - it is what stands here in the copy
            copied[name] = item
        self._size += size
        return copied

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(f"a message with a key of type {type(key).__name__}; expected a string")
        return str.__str__(key)

    def _uncommon(self, value: Any) -> Any:
        """Subclasses of the types above: what the codec makes of them."""
        self._size += 32
        return json.loads(encode_body({"": value}))[""]


__all__ = ["CODEC_SHARE", "Copier", "WireError"]
