"""Faults on the messages of this node, as it takes them up: repeated, overtaken, lost or late.

A connection hides from its program that packets came twice or in another order; what reaches a program through several
connections, or a datagram service, comes so. Here each whole message is treated so, by an order of the harness.
Nothing of this costs anything while no fault is in force.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import Any, Final

from harness.node.env import Message

CLIENTS: Final = "clients"
DUPLICATE, REORDER, LOSS, SLOW_NODE = "duplicate", "reorder", "loss-messages", "slow-node"
KINDS: Final = (DUPLICATE, REORDER, LOSS)
AGAIN_MS_MAX: Final = 50.0

Deliver = Callable[[], None]
Amount = Mapping[str, float]


class MessageFaults:
    """What is in force on this node's messages. ``nodes`` are the names of all nodes: whoever else sends is a client.

    ``met`` counts the messages that met each kind (and works and syncs that a slow node drew out).
    """

    def __init__(self, incarnation: int, nodes: Collection[str], random: Random) -> None:
        self._incarnation, self._nodes, self._random = incarnation, frozenset(nodes), random
        self._heard: dict[str, dict[str, Amount]] = {}
        self._told: dict[str, dict[str, Amount]] = {}
        self._late: deque[tuple[float, Deliver]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.met: Counter[str] = Counter()
        self.delay_ms, self.factor = 0.0, 1.0

    @property
    def in_force(self) -> bool:
        """Whether messages must come by here."""
        return bool(self._heard or self._told or self.delay_ms or self._late)

    def ask(self, body: Message) -> Message:
        """Answer ``{"type": "messages", "faults": {kind: [{"amount", "heard", "told"}, ...], "slow-node": {"factor",
        "delay_ms"}}}``, which replaces all that is in force; without faults it is only a question. Raises ValueError.
        """
        faults = body.get("faults")
        if faults is not None:
            self._set(faults)
        return {"incarnation": self._incarnation, "met": dict(self.met)}

    def arrive(self, source: str, deliver: Deliver) -> None:
        """A message from there has arrived; ``deliver`` is called when it is to be taken up, perhaps twice or never."""
        self._treat(self._heard.get(self._end(source), {}), deliver, self.delay_ms)

    def leave(self, to: str, deliver: Deliver) -> None:
        """The same for a reply on its way to a client, whose process is not ours to slow."""
        self._treat(self._told.get(self._end(to), {}), deliver, 0.0)

    def drawn_out_ms(self, ms: float) -> float:
        """How much longer than ``ms`` something takes that a slow node does."""
        if self.factor <= 1.0:
            return 0.0
        self.met[SLOW_NODE] += 1
        return ms * (self.factor - 1.0)

    def _set(self, faults: Any) -> None:
        if not isinstance(faults, dict) or (strange := faults.keys() - {*KINDS, SLOW_NODE}):
            what = sorted(strange)[0] if isinstance(faults, dict) else faults
            raise ValueError(f"read the faults {str(what)[:40]!r}; expected some of {', '.join((*KINDS, SLOW_NODE))}")
        slow = faults.get(SLOW_NODE, {})
        self.delay_ms, self.factor = float(slow.get("delay_ms", 0.0)), float(slow.get("factor", 1.0))
        self._heard, self._told = (_by_end(faults, direction) for direction in ("heard", "told"))
        if not self.delay_ms:
            self._take_up_late(float("inf"))

    def _end(self, name: str) -> str:
        return name if name in self._nodes else CLIENTS

    def _treat(self, fails: Mapping[str, Amount], deliver: Deliver, wait_ms: float) -> None:
        draw = self._random.random
        if (loss := fails.get(LOSS)) is not None and draw() < loss["probability"]:
            self.met[LOSS] += 1
            return
        if (again := fails.get(DUPLICATE)) is not None and draw() < again["probability"]:
            self.met[DUPLICATE] += 1
            self._later(deliver, wait_ms + draw() * AGAIN_MS_MAX)
        if (late := fails.get(REORDER)) is not None and draw() < late["probability"]:
            self.met[REORDER] += 1
            self._later(deliver, wait_ms + draw() * late["delay_ms"])
        elif wait_ms or self._late:
            self.met[SLOW_NODE] += bool(wait_ms)
            self._queue(deliver, wait_ms)
        else:
            deliver()

    def _later(self, deliver: Deliver, wait_ms: float) -> None:
        asyncio.get_running_loop().call_later(wait_ms / 1000, deliver)

    def _queue(self, deliver: Deliver, wait_ms: float) -> None:
        """Late, and no message overtakes another in it."""
        self._late.append((asyncio.get_running_loop().time() + wait_ms / 1000, deliver))
        if self._timer is None:
            self._wake()

    def _wake(self) -> None:
        self._timer = asyncio.get_running_loop().call_at(self._late[0][0], self._expire)

    def _expire(self) -> None:
        self._timer = None
        self._take_up_late(asyncio.get_running_loop().time())
        if self._late:
            self._wake()

    def _take_up_late(self, until_s: float) -> None:
        while self._late and self._late[0][0] <= until_s:
            self._late.popleft()[1]()


def _by_end(faults: Mapping[str, Any], direction: str) -> dict[str, dict[str, Amount]]:
    """End -> kind -> amount, of what a node hears or tells."""
    found: dict[str, dict[str, Amount]] = {}
    for kind in KINDS:
        entries: Sequence[Any] = faults.get(kind, ())
        for entry in entries:
            for end in entry[direction]:
                found.setdefault(end, {})[kind] = entry["amount"]
    return found
