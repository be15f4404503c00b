"""The node program: a key-value store on a Raft replica, of which all nodes may be members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from harness.node import Env, Message

from systems_under_test.blocks.raft import ENTRIES_PER_MESSAGE
from systems_under_test.blocks.raft.pending import UNAVAILABLE
from systems_under_test.blocks.raft.replica import Replica
from systems_under_test.blocks.raft.settings import ELECTION_TIMEOUT_MS, HEARTBEAT_MS, SNAPSHOT_ENTRIES, Settings
from systems_under_test.blocks.request_try import TriesTakenUp
from systems_under_test.raft.bug import APPLY_READS_CLOCK, BUGS
from systems_under_test.raft.operator import change_members
from systems_under_test.raft.state_machine import READS, SESSIONS_MAX, StateMachine, command_of, is_well_formed

LEASES: Final[Mapping[str, Literal["monotonic", "wall"] | None]] = {
    "index": None,
    "lease-monotonic": "monotonic",
    "lease-wall": "wall",
}
"""Values of the option "reads", and the clock that measures the leader's lease."""

MEMBERSHIPS: Final[Mapping[str, Literal["single", "joint"]]] = {"single": "single", "joint": "joint"}

PATIENCE_MS: Final = 1000.0
"""After that long a client has given up; only the seeded bug asks."""


class Raft:
    """The node program; its ``options`` are those of the system."""

    def __init__(self, env: Env, options: Mapping[str, Any]) -> None:
        bugs = frozenset(name for name in BUGS if env.bug(name))
        servers = [node for node in env.nodes if node == env.name or node in env.peers]
        self._env, self._bugs, self._tries = env, bugs, TriesTakenUp()
        self._machine = StateMachine(bugs, env.clock.wall, int(options.get("sessions", SESSIONS_MAX)))
        self._replica = Replica(env, servers, self._machine, settings(options), bugs)

    async def start(self) -> None:
        await self._replica.start()

    async def handle(self, source: str, message: Message) -> Message | None:
        kind = message.get("type")
        if kind == "request" and not self._tries.take_up(source, message):
            return None
        if kind not in ("request", "transfer", "members"):
            return self._replica.handle(source, message)
        if not self._replica.takes_part:
            return UNAVAILABLE
        if kind == "transfer":
            return await self._replica.transfer(message.get("to"))
        if kind == "members":
            return await change_members(self._env, self._replica, message)
        if message.get("f") == "dump":
            if not self._replica.is_member:
                return UNAVAILABLE
            return {"value": {"state": self._machine.dump(), "applied": self._replica.applied}}
        if not is_well_formed(message):
            return {"error": "unsupported"}
        if message["f"] in READS:
            return await self._replica.read(message)
        return await self._replica.ask(self._command(message))

    def _command(self, request: Message) -> Mapping[str, Any]:
        command = command_of(request)
        if APPLY_READS_CLOCK in self._bugs:
            command["deadline_ns"] = self._env.clock.wall() + round(PATIENCE_MS * 1e6)
        return command

    def status(self) -> Message:
        return self._replica.status()


def settings(options: Mapping[str, Any]) -> Settings:
    """What the system's options say, where they say something."""
    return Settings(
        heartbeat_ms=int(options.get("heartbeat-ms", HEARTBEAT_MS)),
        election_timeout_ms=int(options.get("election-timeout-ms", ELECTION_TIMEOUT_MS)),
        entries_per_message=int(options.get("entries-per-message", ENTRIES_PER_MESSAGE)),
        snapshot_entries=int(options.get("snapshot-entries", SNAPSHOT_ENTRIES)),
        pre_vote=options.get("pre-vote", "on") == "on",
        lease=LEASES[options.get("reads", "index")],
        membership=MEMBERSHIPS[options.get("membership", "single")],
        voters=int(options.get("voters", 0)),
    )
