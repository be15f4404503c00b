"""Simulated clusters of nodes that carry nothing but the block under test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from harness.node import Env, Message
from harness.system import Client, Role, System

ALIVE: dict[str, Any] = {}
"""The latest incarnation of each node's program: a test looks into it."""


def bench(program: str) -> System:
    """A system of that node program ("module:Class"), which nobody asks anything."""

    def no_client(env: object, options: object) -> Client:
        raise AssertionError("nobody asks")

    return System(name="bench", summary="A block under test.", operations=frozenset(),
                  roles={"node": Role(program=program)}, client=cast(Any, no_client), workloads=(),
                  ready=lambda statuses: True, leader=lambda statuses: None)  # fmt: skip


class Bare:
    """A node that does nothing by itself; tests use its ``env``."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self.env = env
        ALIVE[env.name] = self

    async def start(self) -> None:
        """Nothing to recover."""

    async def handle(self, source: str, message: Message) -> Message | None:
        return {"echo": message}

    def status(self) -> Message:
        return {"leader": None}
