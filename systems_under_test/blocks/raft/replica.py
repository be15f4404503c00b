"""One replica of a state machine: gives events to Raft's core, and does what the core says in the order ``Ready`` asks.

Work goes in turns. A turn takes everything that has arrived since the last one: messages of other servers, requests of
clients, timers. It steps the core through all of it, saves what those steps save with a single sync, and only then
sends, applies and answers. What arrives while the disk is busy waits for the next turn; so the busier a server is, the
more requests share a sync and a message to each follower (group commit).

Messages come before timers: a server that was held up must not suspect a leader whose heartbeat is in its inbox.

An error of the disk ends the turn before anything of it was sent, and with it the node: it never acts on what it has
not saved. A server whose disk turns out to be corrupt at the start stays up, votes for nobody and serves nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.node import Env, Message

from systems_under_test.blocks.corruption import Corruption
from systems_under_test.blocks.raft.applied import Applied
from systems_under_test.blocks.raft.bug import (
    ACKNOWLEDGE_BEFORE_SYNC,
    APPLIED_INDEX_SAVED_APART,
    LEASE_WITHOUT_BOUND,
    NO_PRE_VOTE,
    NONE,
    UNKNOWN_REPORTED_AS_FAILED,
    WIPED_SERVER_VOTES,
)
from systems_under_test.blocks.raft.core import (
    ChangeMembers,
    Compact,
    ElectionTimeout,
    Event,
    HandOver,
    HeartbeatTimeout,
    Ready,
    Receive,
    Request,
    Save,
    SilenceTimeout,
    recover,
    step,
)
from systems_under_test.blocks.raft.inbox import Inbox
from systems_under_test.blocks.raft.lease import CLOCK_DRIFT_BOUND, Lease
from systems_under_test.blocks.raft.machine import Machine
from systems_under_test.blocks.raft.message import TYPE, AppendEntries, Rejoin, decode, encode
from systems_under_test.blocks.raft.milestone import Milestones
from systems_under_test.blocks.raft.order import OrderUnderWay
from systems_under_test.blocks.raft.pending import FAILED, UNAVAILABLE, UNKNOWN, Pending, not_leader
from systems_under_test.blocks.raft.rejoin import answer_without_memory
from systems_under_test.blocks.raft.settings import DEFAULTS, Settings
from systems_under_test.blocks.raft.state import Envelope, HardState, Role, State
from systems_under_test.blocks.raft.storage import Storage
from systems_under_test.blocks.raft.timer import Timer

REQUESTS_MAX: Final = 10_000

SYNC_LATE_MS: Final = 200.0
"""How long entries stay unsynced where they are acknowledged before: long enough to be lost, as in real systems that
sync once in a while."""


@dataclass(frozen=True, slots=True)
class Step:
    before: State
    after: State
    ready: Ready


class Replica:
    """One of ``servers``, the nodes that may replicate ``machine`` among them; this node is one. Its files on the
    node's disk begin with ``files``, so that a node can keep other things, too. ``bugs`` are those that are switched
    on."""

    def __init__(
        self,
        env: Env,
        servers: Sequence[str],
        machine: Machine,
        settings: Settings = DEFAULTS,
        bugs: frozenset[str] = NONE,
        files: str = "",
    ) -> None:
        self._env, self._settings, self._bugs = env, settings, bugs
        self._servers = tuple(servers)
        self._voters = self._servers[: settings.voters or len(self._servers)]
        self._storage = Storage(env.disk, bugs, files)
        self._synced_ns = 0
        self._milestones = Milestones(env)
        self._corrupt = False
        self._pending = Pending(FAILED if UNKNOWN_REPORTED_AS_FAILED in bugs else UNKNOWN)
        self._applied = Applied(machine, self._pending)
        self._order = OrderUnderWay()
        self._inbox = Inbox(env)
        self._lease = None if settings.lease is None else self._new_lease()
        self._state = recover(env.name, self._servers, HardState(), (), voters=self._voters)  # until start
        self._timers = {
            "election": Timer(env, self._draw_timeout_ms()),
            "heartbeat": Timer(env, lambda: settings.heartbeat_ms),
            "silence": Timer(env, lambda: settings.election_timeout_ms),
        }

    async def start(self) -> None:
        """Recover from the disk, and take part. Whoever serves requests may do so from now on."""
        try:
            hard, snapshot, entries = await self._storage.open(ran_before=self._ran_before())
        except Corruption as error:
            self._corrupt = True
            self._env.event("disk-corrupt", error=str(error))
            return
        settings, pre_vote = self._settings, self._settings.pre_vote and NO_PRE_VOTE not in self._bugs
        self._state = recover(
            self._env.name, self._servers, hard, entries, self._bugs, settings.entries_per_message,
            voters=self._voters, snapshot=snapshot, incarnation=self._env.incarnation, is_lost=self._storage.is_lost,
            pre_vote=pre_vote, lease_reads=settings.lease is not None, single_changes=settings.membership == "single",
        )  # fmt: skip
        if snapshot.index > 0:
            self._applied.restore(snapshot)
        if APPLIED_INDEX_SAVED_APART in self._bugs:
            await self._skip_to_applied()
        for name, timer in self._timers.items():
            timer.restart()
            self._env.spawn(timer.watch(self._inbox.arrival.notify), f"{name} timer")
        self._env.spawn(self._run(), "raft")

    @property
    def applied(self) -> int:
        """The index of the last entry that the machine has applied."""
        return self._applied.index

    @property
    def takes_part(self) -> bool:
        """Not if the disk is corrupt, nor if it was lost and not all others have answered yet: then this server has
        nothing to show."""
        return not self._corrupt and self._state.rejoining is None

    @property
    def is_member(self) -> bool:
        """As far as it knows. One that was removed may not have heard; then it does not hear a leader either."""
        return self._env.name in self._state.configuration.members and self._state.leader_hint is not None

    def handle(self, source: str, message: Message) -> Message | None:
        """A message of another server's replica, a member's or not (section 6); anything else is unsupported."""
        if message.get("type") != TYPE or source not in self._servers:
            return UNAVAILABLE if self._corrupt else {"error": "unsupported"}
        received = decode(message)
        if not self._corrupt:
            self._inbox.add_message(Receive(source, received))
        elif isinstance(received, Rejoin):
            self._env.send(source, encode(answer_without_memory(received)))
        return None

    async def ask(self, command: Mapping[str, Any]) -> Message:
        """Replicate ``command``; the machine's reply to it. Errors: not-leader (nothing was done; ``leader`` is whom to
        ask, or None), unavailable (nothing was done), unknown (it may be executed, now or later, or never)."""
        return UNAVAILABLE if self._is_full() else await self._inbox.add_write(command)

    async def read(self, request: Message) -> Message:
        """The machine's answer, which sees everything that was answered before; nothing is replicated. Errors:
        not-leader, unavailable."""
        return UNAVAILABLE if self._is_full() else await self._inbox.add_read(request)

    async def transfer(self, to: str | None) -> Message:
        """Hand the leadership over to ``to``, or, if None, to whoever suits best; {"value": "handed over"} once this
        server has ceased to lead. Errors: not-leader; unavailable (another order is under way, or there is no such
        voter); aborted (it did not come about in an election timeout)."""
        return UNAVAILABLE if self._is_full() else await self._inbox.add_order(HandOver(to))

    async def change_members(self, voters: Sequence[str]) -> Message:
        """Make ``voters`` the members; {"value": members} when that is over: others than those, if it was given up
        because a server did not come. Errors: not-leader (any more: it may come about all the same); unavailable
        (another order or change is under way, or these are not servers)."""
        return UNAVAILABLE if self._is_full() else await self._inbox.add_order(ChangeMembers(tuple(voters)))

    def status(self) -> Message:
        state = self._state
        return {
            "leader": state.leader_hint, "term": state.term, "role": "corrupt" if self._corrupt else str(state.role),
            "commit": state.commit, "last": state.log.last_index, "nodes": len(state.configuration.members),
            "members": list(state.configuration.members), "changing": self._is_changing(),
            "first_members": list(self._voters),
        }  # fmt: skip

    def _is_changing(self) -> bool:
        """Whether a change of members is under way, as far as this server knows."""
        placed = self._state.configurations[-1]
        return self._state.change is not None or placed.configuration.is_joint or placed.index > self._state.commit

    def _new_lease(self) -> Lease:
        clock, careless = self._env.clock, LEASE_WITHOUT_BOUND in self._bugs
        now_ns = clock.wall if careless or self._settings.lease == "wall" else clock.monotonic
        return Lease(now_ns, self._settings.election_timeout_ms, 1.0 if careless else CLOCK_DRIFT_BOUND)

    def _draw_timeout_ms(self) -> Callable[[], float]:
        random, least_ms = self._env.random("election timeout"), self._settings.election_timeout_ms
        return lambda: least_ms if self._env.sometimes("shortest-timeout") else random.uniform(least_ms, 2 * least_ms)

    def _is_full(self) -> bool:
        return self._corrupt or self._inbox.waiting + len(self._pending) >= REQUESTS_MAX

    async def _run(self) -> None:
        while True:
            if self._inbox.is_empty and all(timer.remaining_ms() > 0 for timer in self._timers.values()):
                await self._inbox.arrival.wait()
            await self._turn()

    async def _turn(self) -> None:
        """Step through what has arrived; save; and then send, apply, answer."""
        steps: list[Step] = []
        snapshot = self._applied.snapshot(self._state, self._settings.snapshot_entries)
        if snapshot is not None:
            self._step(steps, Compact(snapshot))  # this turn's entries follow it
        for message in self._inbox.take_messages():
            self._step(steps, message)
        for order in self._inbox.take_orders():
            if self._order.take(order, self._last(steps)):
                self._step(steps, order.event)
        self._take_requests(steps)
        self._take_timers(steps)
        await self._save(steps)
        for done in steps:
            self._carry_out(done)
        self._state = self._last(steps)
        self._pending.turn_away(self._state)
        self._order.settle(self._state)
        if ACKNOWLEDGE_BEFORE_SYNC in self._bugs:
            await self._sync_late()

    async def _save(self, steps: list[Step]) -> None:
        """What ``Ready`` wants in stable storage before anything else is done."""
        saves = [step.ready.save for step in steps if step.ready.save is not None]
        if not saves:
            return
        await self._env.failpoint("before-save")
        await self._save_applied(saves)
        await self._storage.write(saves)
        if ACKNOWLEDGE_BEFORE_SYNC not in self._bugs:
            await self._storage.sync()
        await self._env.failpoint("after-save")
        if any(step.before.role is not Role.LEADER and step.after.role is Role.LEADER for step in steps):
            await self._env.failpoint("before-first-append")  # elected, and nobody knows it yet

    async def _save_applied(self, saves: Sequence[Save]) -> None:
        """Before a snapshot is saved. Its index is a part of it; except where it being kept apart is the bug."""
        for save in saves:
            if save.snapshot is not None:
                if APPLIED_INDEX_SAVED_APART in self._bugs:
                    await self._storage.save_applied(save.snapshot.index)
                await self._env.failpoint("before-snapshot")

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
        if self._lease is not None:
            self._lease.stepped(before, after)
        steps.append(Step(before, after, ready))

    def _take_requests(self, steps: list[Step]) -> None:
        """Give all waiting requests to the core as one event, or, if this is not the leader, turn them away."""
        writes, reads = self._inbox.take_requests()
        state = self._last(steps)
        if state.role is not Role.LEADER or state.transfer is not None:
            for waiting in (*writes, *reads):
                waiting.reply.set_result(not_leader(state))
            return
        tokens = tuple(self._pending.add_read(waiting.request, waiting.reply) for waiting in reads)
        for index, waiting in enumerate(writes, state.log.last_index + 1):
            self._pending.add_write(state.term, index, waiting.reply)
        if writes or reads:
            leased = self._lease is not None and self._lease.holds()
            self._step(steps, Request(tuple(waiting.request for waiting in writes), tokens, leased))

    def _take_timers(self, steps: list[Step]) -> None:
        if self._timers["heartbeat"].take_expiry():
            self._step(steps, HeartbeatTimeout())
        if self._timers["silence"].take_expiry() and self._last(steps).heard_leader:
            self._step(steps, SilenceTimeout())
        if self._timers["election"].take_expiry():
            self._step(steps, ElectionTimeout())

    def _carry_out(self, done: Step) -> None:
        """What ``Ready`` allows once everything is saved."""
        for envelope in done.ready.send:
            self._send(envelope)
        for item in done.ready.apply:
            self._applied.apply(item)
        self._milestones.tell(done.before, done.after)

    def _send(self, envelope: Envelope) -> None:
        message = envelope.message
        if isinstance(message, AppendEntries) and message.entries and self._env.sometimes("short-append"):
            message = replace(message, entries=message.entries[: len(message.entries) // 2])  # as if the rest were lost
        self._env.send(envelope.to, encode(message))

    def _ran_before(self) -> bool:
        """Whether this server may have said what it must not forget; one that has no others has told nobody."""
        return self._env.incarnation > 1 and len(self._servers) > 1 and WIPED_SERVER_VOTES not in self._bugs

    async def _skip_to_applied(self) -> None:
        """The seeded bug: what another file says is applied is not applied again."""
        saved = await self._storage.load_applied()
        self._applied.index = min(max(saved, self._applied.index), self._state.log.last_index)
        self._state = self._state._replace(commit=self._applied.index)
