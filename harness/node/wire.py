"""The bytes between nodes, clients and the harness: a 4-byte big-endian length, then one JSON object, the envelope.

``{"kind": "send" | "call" | "reply" | "error", "id": n, "from": name, "body": {...}}``

``id`` ties a reply or an error to its call (0 for a send). Bodies are encoded once, however many nodes they go to.
Whatever comes in is hostile: it is bounded and checked here, and a :class:`WireError` closes the connection.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

FRAME_BYTES_MAX: Final = 8 * 1024 * 1024
BODY_BYTES_MAX: Final = FRAME_BYTES_MAX - 1024  # leaves room for the rest of the envelope
NAME_CHARACTERS_MAX: Final = 128  # six bytes each where JSON escapes them
KINDS: Final = frozenset({"send", "call", "reply", "error"})
_LENGTH: Final = struct.Struct(">I")


class WireError(ValueError):
    """What came in, or would go out, is not a frame; the text says what was read and what was expected."""


class Envelope(NamedTuple):
    """One message with its kind, its call's number and its sender."""

    kind: str
    id: int
    source: str
    body: dict[str, Any]


def _no_constant(text: str) -> Any:
    raise WireError(f"read the number {text}; expected JSON, which has no such number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise WireError(f"read the number {text[:40]}; expected one that a double can hold")
    return number


_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def encode_body(body: Mapping[str, Any]) -> bytes:
    """The body as JSON. Raises WireError past the bound, TypeError or ValueError for what is not JSON."""
    if not isinstance(body, dict):
        raise TypeError(f"a message of type {type(body).__name__}; expected a dict")
    encoded = _encoder.encode(body).encode("ascii")
    if len(encoded) > BODY_BYTES_MAX:
        raise WireError(f"a message of {len(encoded)} bytes; expected at most {BODY_BYTES_MAX}")
    return encoded


def quote(name: str) -> bytes:
    """A sender's name as :func:`frame` wants it."""
    if not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise WireError(f"a name of {len(name)} characters; expected 1 to {NAME_CHARACTERS_MAX}")
    return json.dumps(name).encode("ascii")


def frame(kind: str, identifier: int, source: bytes, body: bytes) -> bytes:
    """One frame; ``source`` comes from :func:`quote`, ``body`` from :func:`encode_body`."""
    envelope = b'{"kind":"%b","id":%d,"from":%b,"body":%b}' % (kind.encode("ascii"), identifier, source, body)
    return _LENGTH.pack(len(envelope)) + envelope


def encode_bytes(data: bytes) -> dict[str, str]:
    """Bytes as they stand in a message."""
    return {"base64": base64.b64encode(data).decode("ascii")}


def decode_bytes(value: Any) -> bytes:
    """The inverse of :func:`encode_bytes`. Raises WireError."""
    try:
        return base64.b64decode(value["base64"], validate=True)
    except (TypeError, KeyError, binascii.Error, ValueError) as error:
        raise WireError(f"read {str(value)[:60]!r}; expected bytes as {{'base64': ...}}") from error


class Decoder:
    """Cuts a stream of bytes into envelopes. After a WireError the stream is lost: close it."""

    __slots__ = ("_buffer", "_start")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0

    def feed(self, data: bytes) -> Iterator[Envelope]:
        """The envelopes that ``data`` completes. Raises WireError after those before the error."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += data
        return iter(self._take, None)

    def _take(self) -> Envelope | None:
        buffer, begin = self._buffer, self._start + 4
        if len(buffer) < begin:
            return None
        (length,) = _LENGTH.unpack_from(buffer, self._start)
        if length > FRAME_BYTES_MAX:
            raise WireError(f"read a frame length of {length}; expected at most {FRAME_BYTES_MAX}")
        end = begin + length
        if len(buffer) < end:
            return None
        self._start = end
        return _envelope(buffer[begin:end])


def _envelope(data: bytearray) -> Envelope:
    try:
        value = _decoder.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise WireError(f"read {bytes(data[:40])!r}; expected a JSON object ({error})") from error
    if type(value) is not dict:
        raise WireError(f"read a JSON {type(value).__name__}; expected an object")
    kind, identifier, source, body = value.get("kind"), value.get("id"), value.get("from"), value.get("body")
    if type(kind) is not str or kind not in KINDS:
        raise WireError(f"read the kind {str(kind)[:40]!r}; expected one of {', '.join(sorted(KINDS))}")
    if type(identifier) is not int or not 0 <= identifier < 1 << 63:
        raise WireError(f"read the id {str(identifier)[:40]!r}; expected a whole number")
    if type(source) is not str or not 0 < len(source) <= NAME_CHARACTERS_MAX:
        raise WireError(f"read the sender {str(source)[:40]!r}; expected a name")
    if type(body) is not dict:
        raise WireError(f"read a body of type {type(body).__name__}; expected an object")
    return Envelope(kind, identifier, source, body)
