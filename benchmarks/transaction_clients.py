"""Clients of a small transactional store, and the history they record: valid at the level that the store keeps.

One micro-operation is one step, and the steps of all clients are interleaved at random (a procedure is one step). What
a real history has is there: unknown outcomes, of which some commit, at once or long after; aborts by the client or the
store; sessions of several processes; keys that nobody wrote; the same key read again; initial values.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from benchmarks.transaction_store import Conflict, Running, Store
from benchmarks.transaction_stores import store
from harness.history import Op

Data = Literal["list", "register", "predicate"]
"""Lists; registers; or registers of which some reads are of all keys in a range that have a value."""
Micro = list[Any]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the clients do. Shares are probabilities per transaction, ``reads`` and ``again`` per micro-operation."""

    transactions: int = 40
    processes: int = 5
    keys: int = 4  # in use at one time
    writes_per_key: int = 16  # then another key takes its place
    micros: int = 4
    reads: float = 0.5
    again: float = 0.2  # the next micro-operation is about the same key as the last
    unknown: float = 0.05
    failed: float = 0.05
    sessions: bool = False  # of several processes
    names: bool = False  # keys and values are texts
    empty: Any = None  # what a read of an empty list returns
    initial: bool = False  # registers hold something before they are written
    plain: float = 0.0  # a transaction on one register as an operation of its own
    repeated: int = 0  # so many values are written twice, to one register
    ranges: float = 0.4  # share of predicate reads among the reads, where there are any


@dataclass(frozen=True, slots=True)
class Recorded:
    """A history, and what the registers held before: by key (as text), or null."""

    lines: list[Op]
    initial: Mapping[str, Any] | None


@dataclass(slots=True)
class _Client:
    process: int
    session: Hashable
    asked: list[Micro]
    outcome: str
    plain: bool = False
    running: Running | None = None
    answers: list[Micro] = field(default_factory=list)


@dataclass(slots=True)
class Clients:
    """The clients of one store."""

    store: Store
    data: Data
    traffic: Traffic
    random: Random
    lines: list[Op] = field(default_factory=list)
    busy: dict[int, _Client] = field(default_factory=dict)
    unanswered: list[_Client] = field(default_factory=list)
    written: int = 0
    values: dict[int, list[int]] = field(default_factory=dict)  # that anybody will write, for each key
    repeated: int = 0

    def run(self) -> Recorded:
        """All transactions, until nobody waits."""
        threads = list(range(self.traffic.processes))
        begun = 0
        while begun < self.traffic.transactions or self.busy:
            self.store.tick()
            idle = [place for place, process in enumerate(threads) if process not in self.busy]
            if idle and begun < self.traffic.transactions and self.random.random() < 0.4:
                self._invoke(threads[self.random.choice(idle)])
                begun += 1
            elif self.busy:
                client = self.random.choice(list(self.busy.values()))
                if self._advance(client) == "info":
                    threads[threads.index(client.process)] = max(threads) + self.traffic.processes
            if self.unanswered and self.random.random() < 0.1:
                self._settle(self.unanswered.pop(self.random.randrange(len(self.unanswered))))
        initial = {str(self._name(key)): self._initial(key) for key in range(self._keys_used())}
        return Recorded(self.lines, initial if self.traffic.initial else None)

    def _keys_used(self) -> int:
        return self.traffic.keys * (2 + self.written // (self.traffic.writes_per_key * self.traffic.keys))

    def _name(self, key: int) -> Any:
        return f"k{key}" if self.traffic.names else key

    def _initial(self, key: int) -> Any:
        """Of two keys in three."""
        return None if not self.traffic.initial or key % 3 == 2 else self._value(-key)

    def _value(self, number: int) -> Any:
        return f"v{number}" if self.traffic.names else number

    # ------------------------------------------------------------------------ invocations

    def _invoke(self, process: int) -> None:
        traffic, random = self.traffic, self.random
        session = f"s{process % 3}" if traffic.sessions else process
        asked = self._plan(session)
        chance = random.random()
        outcome = "info" if chance < traffic.unknown else "fail" if chance > 1 - traffic.failed else "ok"
        plain = self.data == "register" and len(asked) == 1 and random.random() < traffic.plain
        client = self.busy[process] = _Client(process, session, asked, outcome, plain)
        self._record("invoke", client, asked)

    def _plan(self, session: Hashable) -> list[Micro]:
        asked: list[Micro] = []
        key = self._key()
        for _ in range(self.random.randint(1, self.traffic.micros)):
            if self.random.random() >= self.traffic.again:
                key = self._key()
            if self.random.random() < self.traffic.reads or not self.store.may_write(session, key):
                ranged = self.data == "predicate" and self.random.random() < self.traffic.ranges
                asked.append(["rp", sorted((key, self._key())), None] if ranged else ["r", key, None])
            else:
                asked.append(["append" if self.data == "list" else "w", key, self._fresh(key)])
        return asked

    def _key(self) -> int:
        generation = self.written // (self.traffic.writes_per_key * self.traffic.keys)
        return generation * self.traffic.keys + self.random.randrange(self.traffic.keys)

    def _fresh(self, key: int) -> int:
        """A number that was not written yet; or, a few times, one that was."""
        known = self.values.setdefault(key, [])
        if known and self.repeated < self.traffic.repeated and self.random.random() < 0.1:
            self.repeated += 1
            return self.random.choice(known)
        self.written += 1
        known.append(self.written)
        return self.written

    def _record(self, type_: Any, client: _Client, micros: list[Micro]) -> None:
        session = client.session if self.traffic.sessions else None
        named = [[f, self._name(key), self._named(value)] for f, key, value in micros]
        if client.plain:
            f, key, value = named[0]
            name = "read" if f == "r" else "write"
            self.lines.append(Op(type_, client.process, name, value, key=key, session=session))
        else:
            self.lines.append(Op(type_, client.process, "txn", named, session=session))

    def _named(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(each) for each in value]
        return self._value(value) if isinstance(value, int) else value

    # ------------------------------------------------------------------------ steps

    def _advance(self, client: _Client) -> str:
        """One step; "info" if the client will never hear the rest."""
        if client.outcome == "info" and self.random.random() < 0.3:
            del self.busy[client.process]
            self.unanswered.append(client)
            if self.random.random() < 0.8:  # else not even a line says that nobody knows
                self._record("info", client, client.asked)
            return "info"
        try:
            done = self._step(client)
        except Conflict:
            self._abandon(client)
            return self._answer(client, "fail")
        return self._answer(client, "ok") if done else "running"

    def _step(self, client: _Client) -> bool:
        """Whether it committed. Raises Conflict."""
        if client.running is None:
            keys = [each for f, key, _ in client.asked for each in _keys_read(f, key)]
            client.running = self.store.begin(client.session, keys)
        while len(client.answers) < len(client.asked):
            self._execute(client, client.running)
            if not self.store.procedures:
                return False
        if client.outcome == "fail":
            raise Conflict
        if client.outcome == "info":
            return False  # it may hang here, too
        self.store.commit(client.running)
        return True

    def _execute(self, client: _Client, running: Running) -> None:
        f, key, value = client.asked[len(client.answers)]
        if f == "r":
            value = self._read(running, key)
        elif f == "rp":
            found = [[each, self._read(running, each)] for each in _keys_read(f, key)]
            value = [pair for pair in found if pair[1] is not None]
        else:
            self.store.write(running, key, value)
        client.answers.append([f, key, value])

    def _read(self, running: Running, key: int) -> Any:
        return self._shown(key, [*self.store.read(running, key), *running.writes.get(key, ())])

    def _shown(self, key: int, values: list[int]) -> Any:
        if self.data == "list":
            return values or self.traffic.empty
        return values[-1] if values else -key if self._initial(key) is not None else None

    def _settle(self, client: _Client) -> None:
        """What the store does with a transaction of which the client knows nothing any more."""
        try:
            while self.random.random() < 0.9:
                whole = client.running is not None and len(client.answers) == len(client.asked)
                if whole and client.running is not None:
                    self.store.commit(client.running)
                    return
                self._step(client)
        except Conflict:
            pass  # it is aborted below
        self._abandon(client)

    def _abandon(self, client: _Client) -> None:
        if client.running is not None:
            self.store.abort(client.running)

    def _answer(self, client: _Client, type_: str) -> str:
        del self.busy[client.process]
        known = type_ == "ok" or (len(client.answers) == len(client.asked) and self.random.random() < 0.3)
        self._record(type_, client, client.answers if known else client.asked)
        return type_


def _keys_read(f: str, key: Any) -> Sequence[int]:
    return range(key[0], key[1] + 1) if f == "rp" else (key,) if f == "r" else ()


def recorded(name: str, data: Data, random: Random, traffic: Traffic) -> Recorded:
    """What clients of a store of that name (one of transaction_stores.LEVELS) recorded."""
    return Clients(store(name, random, lists=data == "list"), data, traffic, random).run()


def random_traffic(random: Random, data: Data) -> Traffic:
    """10 to 60 transactions, with any option on. What has predicate reads has transactions and numbers only."""
    lists, plain = data == "list", data == "register"
    return Traffic(
        transactions=random.randint(10, 60), processes=random.randint(1, 8), keys=random.randint(1, 6),
        writes_per_key=random.choice((2, 8, 32)), micros=random.randint(1, 5), reads=random.uniform(0.2, 0.8),
        again=random.choice((0.0, 0.2, 0.6)), unknown=random.choice((0.0, 0.05, 0.3)),
        failed=random.choice((0.0, 0.05, 0.2)), sessions=random.random() < 0.25,
        names=random.random() < 0.2 and data != "predicate", empty=random.choice((None, [])),
        initial=not lists and random.random() < 0.3, plain=plain * random.choice((0.0, 0.0, 0.5)),
        repeated=plain * random.choice((0, 0, 0, 2)),
    )  # fmt: skip
