"""The node program of single-leader replication: who leads, and which message goes where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.node import Env, Message

from systems_under_test.blocks.corruption import Corruption
from systems_under_test.blocks.request_try import TriesTakenUp
from systems_under_test.single_leader.bug import STALE_BACKUP_READS
from systems_under_test.single_leader.configuration import Configuration
from systems_under_test.single_leader.election import Election
from systems_under_test.single_leader.follower import Follower
from systems_under_test.single_leader.joining import Copies, Joining
from systems_under_test.single_leader.leader import Leader
from systems_under_test.single_leader.promotion import promotion
from systems_under_test.single_leader.reading import ONLY_LEADER, Reading
from systems_under_test.single_leader.replica import Replica


class Node:
    """:class:`harness.node.Program`; the options are those of ``SYSTEM``.

    A node whose disk turns out to be corrupt at the start stays up, votes for nobody and serves nobody.
    """

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._options, self._tries = env, options, TriesTakenUp()
        self._replica = Replica(env, options)
        self._clock, self._log = self._replica.clock, self._replica.log
        self._leadership: Leader | None = None
        self._corrupt = False
        self._backup_reads = options["reads"] not in ONLY_LEADER or STALE_BACKUP_READS in self._replica.bugs
        self._follower = Follower(self._replica, options)
        self._reading = Reading(self._replica, self._follower, lambda: self._leadership, options)
        replica = self._replica
        self._joining = Joining(replica, self._follower, options["joining"])
        self._copies = Copies(replica, options["joining"])
        rule = promotion(options, replica.log, replica.configuration, replica.bugs)
        self._election = Election(replica, self._follower, rule, self._leads, self._newer, self._lead)

    async def start(self) -> None:
        try:
            await self._replica.recover()
        except Corruption as error:
            self._corrupt = True
            self._env.event("disk-corrupt", error=str(error))
            return
        self._env.spawn(self._follower.sync_late(), "late-sync")
        self._reading.start()
        if self._options["failover"] == "automatic":
            self._follower.start()
            self._env.spawn(self._election.watch(), "election")
        elif self._env.name == self._env.nodes[0]:
            if self._replica.numbered:  # a new generation per incarnation: its entries are told from its predecessor's
                await self._clock.vote(self._clock.current + 1, self._env.name)
            self._lead(self._clock.current)

    async def handle(self, source: str, message: Message) -> Message | None:
        if message["type"] == "request" and not self._tries.take_up(source, message):
            return None
        match message["type"]:
            case kind if self._corrupt:
                return {"error": "unavailable"} if kind == "request" else None
            case "request":
                return await self._request(message)
            case "ship":
                return await self._ship(source, message)
            case "heartbeat":
                await self._heartbeat(source, message)
                return None
            case "canvass":
                return {"agrees": self._election.agrees(source, message)}
            case "vote":
                return await self._election.vote(source, message)
            case "copy":
                return self._copies.piece(source, message) if self._leads() else {"error": "not-leader"}
            case "configure":
                return await self._configure(source, message)
            case "confirm":
                return {"follows": await self._follow(source, message["generation"])}
            case "position":
                return self._reading.leads()
            case "last-write":
                return await self._reading.last_write(message)
            case "newer-generation":
                await self._newer(message["generation"])
                return None
        return {"error": "unsupported"}

    def status(self) -> Message:
        leadership, follower = self._leadership, self._follower
        role = "leader" if leadership else "candidate" if self._election.standing else "follower"
        role = "corrupt" if self._corrupt else role
        return {
            "leader": self._env.name if leadership else self._known_leader(),
            "term": self._clock.current,
            "role": role,
            "last": self._log.position.as_json(),
            "durable": self._log.durable,
            "high_water": self._replica.high_water,
            "serving": leadership is not None and leadership.serving,
            "replication_lag_ms": leadership.lag_ms if leadership else None,
            "lag_entries": 0 if leadership else max(follower.leader_last - self._log.last, 0),
        }

    def _leads(self) -> bool:
        return self._leadership is not None

    def _known_leader(self) -> str | None:
        """The leader to send clients to; None while it is silent."""
        silent = self._options["failover"] == "automatic" and self._follower.suspects
        return None if silent else self._follower.leader

    async def _request(self, message: Message) -> Message:
        if message["f"] == "dump":
            return self._replica.dump()
        read = message["f"] == "read"
        refusal = await self._reading.refusal(message)
        if refusal is not None:
            return refusal
        if self._leadership is not None:
            reply = self._leadership.read(message) if read else await self._leadership.write(message)
            return self._reading.stamped(message, reply)
        follower_reads = self._backup_reads and message.get("from") != "leader"
        if read and follower_reads and self._follower.leader is not None:
            return self._reading.stamped(message, self._replica.read(message))  # as old as this follower is
        leader = self._known_leader()
        return {"error": "not-leader", "leader": leader} if leader else {"error": "no-leader", "leader": None}

    async def _ship(self, source: str, message: Message) -> Message:
        if await self._follow(source, message["generation"]):
            joins = self._joining.begins(source, message)
            return {"outcome": "joining"} if joins else await self._follower.store(message)
        if self._replica.numbered:
            return {"outcome": "newer-generation", "generation": self._clock.current}
        return {"outcome": "refused"}

    async def _configure(self, source: str, message: Message) -> Message:
        pair = Configuration.from_json(message["pair"])
        assert pair is not None, "a leader tells who its synchronous follower is"
        if not await self._follow(source, pair.generation):
            return {"recorded": False}
        await self._replica.configuration.record(pair)
        if pair.synchronous == self._env.name:
            self._env.event("became-synchronous-follower", generation=pair.generation, leader=source)
        return {"recorded": True}

    async def _heartbeat(self, source: str, message: Message) -> None:
        if await self._follow(source, message["generation"], beat=True):
            self._follower.leader_last = message["last"]
            self._follower.show(message["high_water"])
        elif self._replica.numbered:
            self._env.send(source, {"type": "newer-generation", "generation": self._clock.current})

    async def _follow(self, leader: str, generation: int, *, beat: bool = False) -> bool:
        """Follow that leader, from now on; whether it does. A leader of an older generation is not followed; without
        generations whoever ships is, unless this node believes itself to lead."""
        if self._replica.numbered:
            if generation < self._clock.current:
                return False
            await self._newer(generation)
            if generation != self._clock.current:  # a still newer one came while this one was saved
                return False
            assert self._leadership is None, f"{leader} and {self._env.name} both lead generation {generation}"
        elif self._leadership is not None:
            return False
        self._follower.hear(leader, generation, beat=beat)
        return True

    async def _newer(self, generation: int) -> None:
        """A generation was seen: a newer one ends this node's leadership. Durable on return."""
        if generation > self._clock.current:
            self._follower.forget()
            self._step_down(generation)
        await self._clock.advance(generation)

    def _step_down(self, generation: int) -> None:
        if self._leadership is None:
            return
        leadership, self._leadership = self._leadership, None
        leadership.end()
        self._copies.forget()
        self._follower.patience()
        self._env.event("stepped-down", generation=leadership.generation, newer=generation, last=self._log.last)

    def _lead(self, generation: int) -> None:
        assert self._leadership is None, "leads already"
        self._follower.forget()
        place = self._place()
        self._leadership = Leader(self._replica, self._options, generation, self._newer)
        self._leadership.start()
        self._env.event("became-leader", generation=generation, **place)

    def _place(self) -> dict[str, Any]:
        position = self._log.position
        return {"last_generation": position.generation, "last_index": position.index}
