"""Random streams by name: a stream depends on its key and on nothing else, so removing one draw moves no other."""

from __future__ import annotations

from hashlib import sha256
from random import Random


def random_stream(*key: int | str) -> Random:
    """The random stream of that key, from its beginning; the same on every machine and in every process."""
    return Random(int.from_bytes(sha256(repr(key).encode()).digest()))
