"""The driver: gives events to Raft's core one at a time, and does what the core says in the order that ``Ready`` asks.

Work goes in turns. A turn takes everything that has arrived since the last one: messages of other servers, requests of
clients, timers. It steps the core through all of it, saves what those steps save with a single sync, and only then
sends, applies and answers. What arrives while the disk is busy waits for the next turn; so the busier a server is, the
more requests share a sync and a message to each follower (group commit).

Messages come before timers: a server that was held up must not suspect a leader whose heartbeat is in its inbox.

An error of the disk ends the turn before anything of it was sent, and with it the node: it never acts on what it has
not saved. A server whose disk turns out to be corrupt at the start stays up, votes for nobody and serves nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.node import Env, Future, Message

from systems_under_test.blocks.condition import Condition
from systems_under_test.blocks.corruption import Corruption
from systems_under_test.blocks.raft import (
    ENTRIES_PER_MESSAGE,
    ElectionTimeout,
    Entry,
    Envelope,
    Event,
    HardState,
    HeartbeatTimeout,
    Read,
    Ready,
    Receive,
    Request,
    Role,
    State,
    decode,
    encode,
    recover,
    step,
)
from systems_under_test.blocks.raft.bug import ACKNOWLEDGE_BEFORE_SYNC
from systems_under_test.blocks.raft.message import TYPE as RAFT
from systems_under_test.blocks.raft.message import AppendEntries
from systems_under_test.raft.bug import BUGS, NO_CLIENT_DEDUPLICATION
from systems_under_test.raft.pending import Pending, not_leader
from systems_under_test.raft.state_machine import READS, WRITES, StateMachine, command_of, is_well_formed
from systems_under_test.raft.storage import Storage
from systems_under_test.raft.timer import Timer

HEARTBEAT_MS: Final = 100
ELECTION_TIMEOUT_MS: Final = 300
MESSAGES_MAX: Final = 10_000
REQUESTS_MAX: Final = 10_000
COMMITS_PER_EVENT: Final = 1000
SYNC_LATE_MS: Final = 200.0
"""How long entries stay unsynced where they are acknowledged before: long enough to be lost, as in real systems that
sync once in a while."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A client's request that no turn has taken yet."""

    request: Message
    reply: Future[Message]


@dataclass(frozen=True, slots=True)
class Step:
    before: State
    after: State
    ready: Ready


class Raft:
    """The node program. ``options``: "heartbeat-ms", "election-timeout-ms", of which timeouts are once to twice, and
    "entries-per-message"."""

    def __init__(self, env: Env, options: Mapping[str, Any]) -> None:
        self._env = env
        self._voters = tuple(node for node in env.nodes if node == env.name or node in env.peers)
        self._bugs = frozenset(name for name in BUGS if env.bug(name))
        self._storage = Storage(env.disk, self._bugs)
        self._synced_ns = 0
        self._commit_term = 0  # the last term in which a commit was told
        self._machine = StateMachine(deduplicates=NO_CLIENT_DEDUPLICATION not in self._bugs)
        self._corrupt = False
        self._entries_per_message = int(options.get("entries-per-message", ENTRIES_PER_MESSAGE))
        self._pending = Pending()
        self._messages: list[Receive] = []
        self._requests: list[Waiting] = []
        self._arrival = Condition(env)
        self._state = recover(env.name, self._voters, HardState(), ())  # until start has read the disk
        random, least_ms = env.random("election timeout"), int(options.get("election-timeout-ms", ELECTION_TIMEOUT_MS))
        heartbeat_ms = int(options.get("heartbeat-ms", HEARTBEAT_MS))
        self._timers = {
            "election": Timer(
                env, lambda: least_ms if env.sometimes("shortest-timeout") else random.uniform(least_ms, 2 * least_ms)
            ),
            "heartbeat": Timer(env, lambda: heartbeat_ms),
        }

    async def start(self) -> None:
        try:
            hard, entries = await self._storage.open()
        except Corruption as error:
            self._corrupt = True
            self._env.event("disk-corrupt", error=str(error))
            return
        self._state = recover(self._env.name, self._voters, hard, entries, self._bugs, self._entries_per_message)
        for name, timer in self._timers.items():
            timer.restart()
            self._env.spawn(timer.watch(self._arrival.notify), f"{name} timer")
        self._env.spawn(self._run(), "raft")

    async def handle(self, source: str, message: Message) -> Message | None:
        match message.get("type"):
            case _ if self._corrupt:
                return {"error": "unavailable"}
            case "request" if message.get("f") == "dump":
                return self._machine.dump()
            case "request":
                return await self._ask(message)
            case kind if kind == RAFT and source in self._env.peers:
                self._post(Receive(source, decode(message)))
                return None
        return {"error": "unsupported"}

    def status(self) -> Message:
        state = self._state
        return {
            "leader": state.leader_hint, "term": state.term, "role": "corrupt" if self._corrupt else str(state.role),
            "commit": state.commit, "last": state.log.last_index, "nodes": len(state.voters),
        }  # fmt: skip

    async def _ask(self, request: Message) -> Message:
        if not is_well_formed(request):
            return {"error": "unsupported"}
        if len(self._requests) + len(self._pending) >= REQUESTS_MAX:
            return {"error": "unavailable"}
        waiting = Waiting(request, self._env.future())
        self._requests.append(waiting)
        self._arrival.notify()
        return await waiting.reply

    def _post(self, event: Receive) -> None:
        if len(self._messages) >= MESSAGES_MAX:
            self._env.count("raft.dropped")
            return
        self._messages.append(event)
        self._arrival.notify()

    async def _run(self) -> None:
        while True:
            if not self._messages and not self._requests and all(t.remaining_ms() > 0 for t in self._timers.values()):
                await self._arrival.wait()
            await self._turn()

    async def _turn(self) -> None:
        """Step through what has arrived; save; and then send, apply, answer."""
        steps: list[Step] = []
        self._take_messages(steps)
        self._take_requests(steps)
        self._take_timers(steps)
        await self._save(steps)
        for done in steps:
            self._carry_out(done)
        self._state = self._last(steps)
        self._pending.turn_away(self._state)
        if ACKNOWLEDGE_BEFORE_SYNC in self._bugs:
            await self._sync_late()

    async def _save(self, steps: list[Step]) -> None:
        """What ``Ready`` wants in stable storage before anything else is done."""
        saves = [step.ready.save for step in steps if step.ready.save is not None]
        if not saves:
            return
        await self._env.failpoint("before-save")
        await self._storage.write(saves)
        if ACKNOWLEDGE_BEFORE_SYNC not in self._bugs:
            await self._storage.sync()
        await self._env.failpoint("after-save")
        if any(step.before.role is not Role.LEADER and step.after.role is Role.LEADER for step in steps):
            await self._env.failpoint("before-first-append")  # elected, and nobody knows it yet

    async def _sync_late(self) -> None:
        now_ns = self._env.clock.monotonic()
        if now_ns - self._synced_ns >= SYNC_LATE_MS * 1e6:
            self._synced_ns = now_ns
            await self._storage.sync()

    def _last(self, steps: list[Step]) -> State:
        return steps[-1].after if steps else self._state

    def _step(self, steps: list[Step], event: Event) -> None:
        """Step the core, with its state ahead of the disk; only the timers follow at once."""
        before = self._last(steps)
        after, ready = step(before, event)
        for timer in ready.timers:
            self._timers[timer].restart()
        steps.append(Step(before, after, ready))

    def _take_messages(self, steps: list[Step]) -> None:
        alone = len(self._messages) > 1 and self._env.sometimes("one-message-turn")
        count = 1 if alone else len(self._messages)
        messages, self._messages = self._messages[:count], self._messages[count:]
        for event in messages:
            self._step(steps, event)

    def _take_requests(self, steps: list[Step]) -> None:
        """Give all waiting requests to the core as one event, or, if this is not the leader, turn them away."""
        requests, self._requests = self._requests, []
        state = self._last(steps)
        if state.role is not Role.LEADER:
            for waiting in requests:
                waiting.reply.set_result(not_leader(state))
            return
        reads = [waiting for waiting in requests if waiting.request["f"] in READS]
        writes = [waiting for waiting in requests if waiting.request["f"] in WRITES]
        tokens = tuple(self._pending.add_read(waiting.request, waiting.reply) for waiting in reads)
        for index, waiting in enumerate(writes, state.log.last_index + 1):
            self._pending.add_write(state.term, index, waiting.reply)
        if requests:
            self._step(steps, Request(tuple(command_of(waiting.request) for waiting in writes), tokens))

    def _take_timers(self, steps: list[Step]) -> None:
        if self._timers["heartbeat"].take_expiry():
            self._step(steps, HeartbeatTimeout())
        if self._timers["election"].take_expiry():
            self._step(steps, ElectionTimeout())

    def _carry_out(self, done: Step) -> None:
        """What ``Ready`` allows once everything is saved."""
        for envelope in done.ready.send:
            self._send(envelope)
        for item in done.ready.apply:
            self._apply(item)
        self._tell(done)

    def _send(self, envelope: Envelope) -> None:
        message = envelope.message
        if isinstance(message, AppendEntries) and message.entries and self._env.sometimes("short-append"):
            message = replace(message, entries=message.entries[: len(message.entries) // 2])  # as if the rest were lost
        self._env.send(envelope.to, encode(message))

    def _apply(self, item: Entry | Read) -> None:
        if isinstance(item, Read):
            waiting = self._pending.confirmed(item)
            if waiting is not None:
                request, reply = waiting
                reply.set_result(self._machine.read(request))
        else:
            self._pending.applied(item, self._machine.apply(item))

    def _tell(self, done: Step) -> None:
        """Events: what a person or a fault wants to know of the step."""
        before, after, env = done.before, done.after, self._env
        if after.term > before.term and after.hard.vote == after.name:
            env.count("election")
            env.event("election-started", term=after.term)
        elif after.hard != before.hard and after.hard.vote is not None:
            env.event("vote-granted", term=after.term, to=after.hard.vote)
        if after.role is not before.role and after.role is Role.LEADER:
            env.event("became-leader", term=after.term)
        if after.role is not before.role and before.role is Role.LEADER:
            env.event("stepped-down", term=before.term, new_term=after.term)
        if after.commit > before.commit and self._is_milestone(before, after):
            env.event("committed", term=after.term, index=after.commit)

    def _is_milestone(self, before: State, after: State) -> bool:
        """Not every commit is worth an event: the first that this server learns of in a term, and one in a thousand."""
        first, self._commit_term = after.term > self._commit_term, after.term
        return first or after.commit // COMMITS_PER_EVENT > before.commit // COMMITS_PER_EVENT
