"""The node program of a database: the first one leads, the others follow its log or take changes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.node import Env, Message

from systems_under_test.blocks.corruption import Corruption
from systems_under_test.blocks.request_try import TriesTakenUp
from systems_under_test.blocks.statement import NodeFunctions
from systems_under_test.replication_log.change_table import CHOSEN
from systems_under_test.replication_log.follower import Follower
from systems_under_test.replication_log.leader import Leader
from systems_under_test.replication_log.log_form import log_form
from systems_under_test.replication_log.storage import Storage
from systems_under_test.replication_log.target import Target
from systems_under_test.replication_log.trigger import TRIGGERS

STATEMENTS = ("insert", "update", "delete")


class Database:
    """:class:`harness.node.Program`; the options are those of ``SYSTEM``.

    Who leads is fixed, and nobody takes over: while the leader is down there are no writes. A database whose disk turns
    out to be corrupt stays up and serves nobody.
    """

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._options, self._tries = env, options, TriesTakenUp()
        self._leader_name = env.nodes[0]
        self._storage = Storage(env)
        self._leader: Leader | None = None
        self._follower: Follower | None = None
        self._target: Target | None = None
        self._corrupt = False

    async def start(self) -> None:
        try:
            await self._storage.open()
        except Corruption as error:
            self._corrupt = True
            self._env.event("disk-corrupt", error=str(error))
            return
        options, functions = self._options, NodeFunctions(self._env)
        triggers = TRIGGERS[options["triggers"]]
        form = log_form(options["log"], self._storage, functions, triggers)
        if self._env.name == self._leader_name:
            self._leader = Leader(self._env, options, self._storage, form, functions, triggers)
            self._leader.start()
        elif options["log"] == "trigger":
            self._target = Target(self._storage)
        else:
            self._follower = Follower(self._env, options, self._storage, form)

    async def handle(self, source: str, message: Message) -> Message | None:
        if message["type"] == "request" and not self._tries.take_up(source, message):
            return None
        if self._corrupt:
            return {"error": "unavailable"} if message["type"] == "request" else None
        match message["type"]:
            case "request":
                return await self._request(message)
            case "ship" if self._follower:
                return await self._follower.take(message)
            case "changes" if self._leader:
                reply = self._leader.changes(message)
                await self._storage.sync()
                return reply
            case "position" if self._target:
                return self._target.position()
            case "take" if self._target:
                return await self._target.take(message)
        return {"error": "unsupported"}

    async def _request(self, message: Message) -> Message:
        if message["f"] == "dump":
            return {"value": self._dump()}
        if self._leader is None:
            return {"error": "not-leader", "leader": self._leader_name}
        if message["f"] == "read":
            reply = self._leader.read(message["key"])
            await self._storage.sync()
            return reply
        return await self._leader.write(message) if message["f"] in STATEMENTS else {"error": "unsupported"}

    def _dump(self) -> Message:
        """What is replicated, as it stands here, and how far that is in the log."""
        chosen = CHOSEN if self._options["log"] == "trigger" else None
        return {"state": self._storage.tables.dump(chosen), "applied": self._applied()}

    def _applied(self) -> int:
        if self._follower is not None:
            return self._follower.position
        return self._storage.last if self._target is None else self._target.number

    def status(self) -> Message:
        role = "corrupt" if self._corrupt else "leader" if self._leader else "follower"
        status: dict[str, Any] = {"leader": self._leader_name, "role": role, "applied": self._applied()}
        status["version"] = self._storage.layout.version
        if self._follower is not None and self._follower.refused is not None:
            status["refused"] = self._follower.refused
        return status
