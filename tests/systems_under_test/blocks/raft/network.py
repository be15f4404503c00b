"""Raft servers in memory, the letters between them, and an observer that knows what must never happen.

Letters pass through the real JSON codec and wait until a test delivers, drops or duplicates them. Each server has a
stable storage, written as the contract on ``Ready`` says; a crash may happen at every point of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from systems_under_test.blocks.raft import (
    ENTRIES_PER_MESSAGE,
    Compact,
    Entry,
    Event,
    HardState,
    Ready,
    Receive,
    Role,
    Snapshot,
    State,
    decode,
    encode,
    recover,
    step,
)
from systems_under_test.blocks.raft.log import NO_SNAPSHOT
from systems_under_test.blocks.raft.message import RaftMessage


@dataclass(frozen=True)
class Letter:
    source: str
    to: str
    message: RaftMessage


@dataclass
class Storage:
    hard: HardState = field(default_factory=HardState)
    entries: list[Entry] = field(default_factory=list)
    snapshot: Snapshot = NO_SNAPSHOT

    def save(self, ready: Ready, entries_kept: int | None = None) -> None:
        """All of ``ready.save``, or, of its entries, only the first ``entries_kept``."""
        if ready.save is None:
            return
        if ready.save.hard is not None:
            self.hard = ready.save.hard
        if ready.save.snapshot is not None:  # one rename puts both in the place of the old ones
            self.snapshot, self.entries = ready.save.snapshot, list(ready.save.entries)
        elif ready.save.log_from is not None:
            del self.entries[ready.save.log_from - 1 - self.snapshot.index :]
            self.entries += ready.save.entries[:entries_kept]

    def lose_power(self) -> None:
        """What was saved stays."""


@dataclass
class Observer:
    """The properties of Figure 3, over everything that ever happened in a network, and what a read must see."""

    leaders: dict[int, str] = field(default_factory=dict)
    entries: dict[tuple[int, int], tuple[object, int]] = field(default_factory=dict)
    applied: list[tuple[Entry, int]] = field(default_factory=list)
    read_floors: dict[int, int] = field(default_factory=dict)
    reads: int = 0
    installed: int = 0

    def stepped(self, before: State, after: State, ready: Ready) -> None:
        if after.role is Role.LEADER and before.role is not Role.LEADER:
            self._elected(after)
        if ready.save is not None:
            self._saved(after, ready.save.entries)

    def _elected(self, state: State) -> None:
        other = self.leaders.setdefault(state.term, state.name)
        assert other == state.name, f"Election Safety: {other} and {state.name} both lead term {state.term}"
        assert state.snapshot.state == self.machine(state.snapshot.index), f"{state.name} leads with another state"
        for entry, known_in in self.applied[state.snapshot.index :]:
            if known_in < state.term:
                held = state.log.term_at(entry.index) == entry.term
                assert held, f"Leader Completeness: {state.name} leads term {state.term} without {entry}"

    def _saved(self, state: State, entries: Sequence[Entry]) -> None:
        """Log Matching by induction: an index and a term determine the command and the term of the entry before."""
        for entry in entries:
            previous_term = state.log.term_at(entry.index - 1)
            assert previous_term is not None
            what = (json.dumps(entry.command, sort_keys=True), previous_term)
            known = self.entries.setdefault((entry.index, entry.term), what)
            assert known == what, f"Log Matching: {entry} at {state.name} after {what}, elsewhere after {known}"

    def apply(self, state: State, entry: Entry) -> None:
        if entry.index > len(self.applied):
            assert entry.index == len(self.applied) + 1, f"entry {entry.index} applied before its predecessor"
            self.applied.append((entry, state.term))
        other = self.applied[entry.index - 1][0]
        assert other == entry, f"State Machine Safety: {state.name} applies {entry}, another applied {other}"

    def machine(self, index: int) -> str:
        """The state of every server's machine after entry ``index``: all that was applied up to there."""
        assert index <= len(self.applied), f"a snapshot at {index}, of which {len(self.applied)} were applied"
        return ";".join(f"{entry.term} {entry.command}" for entry, _ in self.applied[:index])

    def ask_read(self, token: int) -> None:
        self.read_floors[token] = len(self.applied)

    def confirm_read(self, state: State, token: int, applied: int) -> None:
        floor = self.read_floors[token]
        assert applied >= floor, f"stale read at {state.name}: it saw {applied} entries, {floor} were acknowledged"
        self.reads += 1


class Network:
    """Servers with the seeded ``bugs`` of the core, or with none."""

    def __init__(self, names: Sequence[str], bugs: Iterable[str] = ()) -> None:
        self.names, self.bugs = tuple(names), frozenset(bugs)
        self.entries_per_message = ENTRIES_PER_MESSAGE
        self.storage = {name: Storage() for name in names}
        self.states = {name: recover(name, names, HardState(), (), self.bugs) for name in names}
        self.applied = dict.fromkeys(names, 0)
        self.letters: list[Letter] = []
        self.isolated: set[str] = set()
        self.observer = Observer()

    def install(self, name: str, hard: HardState, entries: Sequence[Entry]) -> None:
        """Begin with a server whose storage holds something already."""
        self.storage[name] = Storage(hard, list(entries))
        self.crash(name)

    def crash(self, name: str) -> None:
        """Forget everything but the storage, and start again."""
        stored = self.storage[name]
        stored.lose_power()
        self.states[name] = recover(
            name, self.names, stored.hard, stored.entries, self.bugs, self.entries_per_message, snapshot=stored.snapshot
        )
        self.applied[name] = stored.snapshot.index

    def bound(self, entries_per_message: int) -> None:
        """From now on messages carry at most so many entries."""
        self.entries_per_message = entries_per_message
        for name, state in self.states.items():
            self.states[name] = state._replace(entries_per_message=entries_per_message)

    def compact(self, name: str) -> Ready:
        """Take a snapshot of what the server has applied."""
        state, index = self.states[name], self.applied[name]
        term = state.log.term_at(index)
        assert term is not None
        return self.step(name, Compact(Snapshot(index, term, self.observer.machine(index))))

    def step(self, name: str, event: Event) -> Ready:
        ready = self.advance(name, event)
        self.storage[name].save(ready)
        self.send(name, ready, len(ready.send))
        self.apply(name, ready)
        return ready

    def advance(self, name: str, event: Event) -> Ready:
        """The step alone; the caller saves, sends and applies, or crashes the server in between."""
        before = self.states[name]
        self.states[name], ready = step(before, event)
        self.observer.stepped(before, self.states[name], ready)
        return ready

    def send(self, name: str, ready: Ready, count: int) -> None:
        for envelope in ready.send[:count]:
            message = decode(json.loads(json.dumps(encode(envelope.message))))
            assert message == envelope.message
            if name not in self.isolated and envelope.to not in self.isolated:
                self.letters.append(Letter(name, envelope.to, message))

    def apply(self, name: str, ready: Ready) -> None:
        for item in ready.apply:
            if isinstance(item, Snapshot):
                assert item.state == self.observer.machine(item.index), f"{name} is given another state"
                self.observer.installed += 1
                self.applied[name] = item.index
            elif isinstance(item, Entry):
                self.observer.apply(self.states[name], item)
                assert item.index == self.applied[name] + 1, f"{name} applies {item} after {self.applied[name]}"
                self.applied[name] = item.index
            else:
                self.observer.confirm_read(self.states[name], item.token, self.applied[name])

    def deliver(self, letter: Letter) -> Ready:
        return self.step(letter.to, Receive(letter.source, letter.message))
