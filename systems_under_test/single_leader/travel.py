"""Users who change region: a session reads from the replicas of the region it is in, and now and then it moves
(Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Reading Your Own Writes").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from harness.history import Op
from harness.node import Message
from harness.system import ClientEnv

from systems_under_test.blocks.read_policy import Place, ReadPolicy

MOVES: Final = 0.1
"""How often a session changes region, of its operations."""


class Region:
    """The nodes near a session (:class:`Place`): those of its present region; all, where the plan has no regions."""

    def __init__(self, env: ClientEnv) -> None:
        self._env, self._draw = env, env.random("travel")
        self._names = sorted(set(env.regions.values()))
        self._present = self._draw.choice(self._names) if self._names else None

    @property
    def nodes(self) -> tuple[str, ...]:
        near = tuple(node for node in self._env.nodes if self._env.regions.get(node) == self._present)
        return near or self._env.nodes

    def random(self, stream: str) -> Any:
        return self._env.random(stream)

    def go_on(self) -> None:
        """Stay, mostly; or be somewhere else from now on."""
        if self._names and self._draw.random() < MOVES:
            self._present = self._draw.choice(self._names)


class Travelling:
    """What ``inner`` does, by a session that changes region (:class:`ReadPolicy`)."""

    def __init__(self, env: ClientEnv, inner: Callable[[Place], ReadPolicy]) -> None:
        self._region = Region(env)
        self._inner = inner(self._region)

    def demand(self, op: Op) -> Message:
        self._region.go_on()
        return self._inner.demand(op)

    def node(self, leader: str) -> str:
        return self._inner.node(leader)

    def refused(self, node: str) -> None:
        self._inner.refused(node)

    def answered(self, op: Op, reply: Message) -> None:
        self._inner.answered(op, reply)
