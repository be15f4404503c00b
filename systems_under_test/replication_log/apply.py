"""How a follower applies a batch of the log: one part after the other, or several at a time.

One after the other is what the leader did, and as slow as one worker is. Several at a time keeps up with a leader that
has many, and is safe only as far as the log says what belongs together: parts of one key go to one worker, in order.
Parts without a key go to whichever is next, and take effect in an order of their own.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from harness.node import Env

from systems_under_test.replication_log.log_form import Part

WORKERS: Final = 4
PART_MS: Final = (0.2, 2.0)
"""The service time of one part, drawn for each: a row may be in memory, or on disk."""


async def serial(env: Env, parts: Sequence[Part], stream: str) -> None:
    """In the order of the log; ``stream`` names the draws."""
    draws = env.random(stream)
    for part in parts:
        await env.work(draws.uniform(*PART_MS))
        part.apply()


async def parallel(env: Env, parts: Sequence[Part], stream: str) -> None:
    """By WORKERS at a time; returns when all is applied."""
    shares: list[list[Part]] = [[] for _ in range(WORKERS)]
    for number, part in enumerate(parts):
        shares[(number if part.key is None else zlib.crc32(part.key.encode())) % WORKERS].append(part)
    workers = [
        env.spawn(serial(env, share, f"{stream}/{number}"), f"apply-{number}")
        for number, share in enumerate(shares)
        if share
    ]
    for worker in workers:
        await worker
