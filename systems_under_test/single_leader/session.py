"""What a session remembers so that it does not read from before its own past
(Kleppmann, "Designing Data-Intensive Applications", ch. 5, "Reading Your Own Writes").

``own-writes``: by time. For a while after its own write a session reads from the leader, later from any follower; that
is right as long as no follower is further behind than that while, and whoever believes to lead does. ``monitored``
makes the first true: a follower that is further behind refuses (``lag_monitor``).

``position``: by place. Every answer says up to which entry of the log, with its generation, it was made; the session
sends the last one along, and only a node that has this very entry answers (``reading``). ``position-only`` leaves out
the generation: after a failover another entry may stand in that place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.history import Op
from harness.node import Message
from harness.system import ClientEnv

from systems_under_test.blocks.read_policy import AnyFollower, Place, ReadPolicy, read_policy
from systems_under_test.single_leader.travel import Travelling


class OwnWrites:
    """Reads go to the leader for ``recent_ms`` after the session's own write (:class:`ReadPolicy`)."""

    def __init__(self, env: ClientEnv, recent_ms: float) -> None:
        self._env, self._any = env, AnyFollower(env)
        self._recent_ns = int(recent_ms * 1e6)
        self._wrote_ns: int | None = None
        self._from_leader = False

    def demand(self, op: Op) -> Message:
        recently = self._wrote_ns is not None and self._env.now() - self._wrote_ns <= self._recent_ns
        self._from_leader = op.f == "read" and recently
        return {"from": "leader"} if self._from_leader else self._any.demand(op)

    def node(self, leader: str) -> str:
        return leader if self._from_leader else self._any.node(leader)

    def refused(self, node: str) -> None:
        self._any.refused(node)

    def answered(self, op: Op, reply: Message) -> None:
        if op.f != "read":
            self._wrote_ns = self._env.now()


class RememberedPosition:
    """Reads go to any follower that has what the session has written and read (:class:`ReadPolicy`). With ``shared``
    the request names the user, too, whose writes on other devices the answer must show."""

    def __init__(self, place: Place, shared: bool) -> None:
        self._any, self._shared = AnyFollower(place), shared
        self._position: Any = None

    def demand(self, op: Op) -> Message:
        user = {"user": op.session} if self._shared and op.session is not None else {}
        return {**self._any.demand(op), "position": self._position, **user}

    def node(self, leader: str) -> str:
        return self._any.node(leader)

    def refused(self, node: str) -> None:
        self._any.refused(node)

    def answered(self, op: Op, reply: Message) -> None:
        """Who answered had the position remembered so far, so the new one is the further one."""
        self._position = reply["position"]


def _policy(env: ClientEnv, options: Mapping[str, str]) -> ReadPolicy:
    if options["travel"] == "on":
        remembers = options["reads"].startswith("position")
        return Travelling(env, (lambda place: RememberedPosition(place, False)) if remembers else AnyFollower)
    match options["reads"]:
        case "own-writes" | "monitored":
            return OwnWrites(env, float(options["recent-ms"]))
        case "position" | "position-only":
            return RememberedPosition(env, options["shared-position"] == "on")
    return read_policy(env, options)


def read_policies(env: ClientEnv, options: Mapping[str, str], partitions: int) -> Sequence[ReadPolicy]:
    """One session's, one for each partition. Positions are in one partition's log and mean nothing in another's; but
    who stays with one follower reads all partitions there."""
    if options["reads"] == "sticky":
        return [_policy(env, options)] * partitions
    return [_policy(env, options) for _ in range(partitions)]
