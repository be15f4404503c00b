"""Beating begins at once, is regular, and stops when life does."""

from __future__ import annotations

import asyncio
from typing import cast

from harness.node import Env
from harness.real_runtime import RealRuntime
from systems_under_test.blocks.heartbeat import beat


def test_beats_come_at_once_and_regularly_until_the_end() -> None:
    async def run() -> None:
        env, beats = cast(Env, RealRuntime(seed=1)), 0

        def send() -> None:
            nonlocal beats
            beats += 1

        await asyncio.wait_for(beat(env, 2, lambda: beats < 5, send), 5)
        assert beats == 5
        await beat(env, 2, lambda: False, send)
        assert beats == 5

    asyncio.run(run())
