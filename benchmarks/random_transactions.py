"""Random histories of transactions on lists: what a store of some isolation level did, or what none could have.

``small`` makes histories of a few transactions, near the border between right and wrong; ``stored`` long ones of a
store that keeps an isolation level, with what a real history has: unknown outcomes, aborts, sessions, lists unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from harness.history import Op

Micro = list[Any]


@dataclass(slots=True)
class Draft:
    """A transaction to be: its micro-operations with what they read, its place in time, and how it ended."""

    process: int
    outcome: str
    micros: list[Micro]
    session: Any = None


def small(random: Random, transactions: int = 6) -> list[Op]:
    """Up to that many transactions. Reads are prefixes of one order of appends for each list, mostly; some are not."""
    keys = ["x", "y", "z"][: random.randint(1, 3)]
    drafts = _plans(random, random.randint(2, transactions), keys)
    _fill(random, drafts, keys)
    if random.random() < 0.15:
        _spoil(random, drafts)
    return interleaved(random, drafts, overlap=random.choice((0.0, 0.3, 0.7, 1.0)))


def unread(random: Random, transactions: int = 5) -> list[Op]:
    """Overlapping transactions, most of which also append to a list that nobody reads."""
    keys = ["x", "y", "w"]
    drafts = _plans(random, random.randint(min(4, transactions), transactions), keys)
    for number, draft in enumerate(drafts):
        draft.process, draft.outcome = number, "ok"
        if random.random() < 0.8:
            draft.micros.append(["append", random.choice("zq"), 100 + number])
    _fill(random, drafts, keys)
    return interleaved(random, drafts, overlap=1.0)


def _plans(random: Random, count: int, keys: list[str]) -> list[Draft]:
    appended = 0
    drafts = []
    sessions = random.random() < 0.2
    reads = random.choice((0.3, 0.5, 0.7))
    for number in range(count):
        micros: list[Micro] = []
        for _ in range(random.choice((1, 1, 2, 2, 2, 3))):
            if random.random() < reads:
                micros.append(["r", random.choice(keys), None])
            else:
                appended += 1
                micros.append(["append", random.choice(keys), appended])
        outcome = random.choices(("ok", "info", "fail"), (12, 2, 1))[0]
        process = random.randrange(3) if outcome != "info" else 10 + number
        drafts.append(Draft(process, outcome, micros, random.choice("ab") if sessions else None))
    return drafts


MODES = ("serial", "snapshot", "forked", "arbitrary")


def _fill(random: Random, drafts: list[Draft], keys: list[str], mode: str | None = None) -> None:
    """Choose for each list an order of its appends, and for each read how much of it was there: all that came before in
    one order, mostly ("serial"); what came before some earlier moment, one for each transaction ("snapshot") or for
    each transaction and list ("forked"); anything ("arbitrary")."""
    mode = mode or random.choice(MODES)
    order = list(drafts)
    random.shuffle(order)
    places = {id(draft): place for place, draft in enumerate(order)}
    moments = {id(draft): random.randint(max(0, place - 2), place) for place, draft in enumerate(order)}
    for key in keys:
        if mode == "arbitrary" and random.random() < 0.2:
            random.shuffle(order)
        chain = [
            (draft, micro[2]) for draft in order for micro in draft.micros if micro[:2] == ["append", key]
            if draft.outcome == "ok" or (draft.outcome == "info" and random.random() < 0.7)
        ]  # fmt: skip
        for draft in drafts:
            if mode == "forked":
                moments[id(draft)] = random.randint(max(0, places[id(draft)] - 3), places[id(draft)])
            before = places[id(draft)] if mode == "serial" and random.random() < 0.8 else moments[id(draft)]
            seen = sum(1 for other, _ in chain if places[id(other)] < before)
            _fill_reads(random, draft, key, chain, None if mode == "arbitrary" else seen)


def _fill_reads(random: Random, draft: Draft, key: str, chain: list[tuple[Draft, int]], before: int | None) -> None:
    elements = [element for _, element in chain]
    own: list[int] = []
    seen: int | None = None
    for micro in draft.micros:
        if micro[1] != key:
            continue
        if micro[0] == "append":
            own.append(micro[2])
            continue
        if seen is None or random.random() < 0.1:
            seen = before if before is not None and random.random() < 0.95 else _whole(random, chain)
        cut = elements[:seen]
        if own:
            start = elements.index(own[0]) if own[0] in elements else len(elements)
            cut = elements[:start]
        micro[2] = [element for element in cut if element not in own] + own


def _whole(random: Random, chain: list[tuple[Draft, int]]) -> int:
    """A number of elements that ends where a transaction's block does, mostly."""
    seen = random.randint(0, len(chain))
    while 0 < seen < len(chain) and chain[seen - 1][0] is chain[seen][0] and random.random() < 0.9:
        seen += 1
    return seen


def _spoil(random: Random, drafts: list[Draft]) -> None:
    reads = [micro for draft in drafts for micro in draft.micros if micro[0] == "r" and micro[2]]
    everything = [micro[2] for draft in drafts for micro in draft.micros if micro[0] == "append"]
    if not reads or not everything:
        return
    read = random.choice(reads)
    kind = random.randrange(5)
    if kind == 0:
        read[2] = list(reversed(read[2]))
    elif kind == 1:
        read[2] = [*read[2], random.choice(everything)]
    elif kind == 2:
        read[2] = read[2][1:]
    elif kind == 3:
        read[2] = [*read[2], 99]
    else:
        read[2] = random.sample(read[2], len(read[2]))


def interleaved(random: Random, drafts: list[Draft], overlap: float) -> list[Op]:
    """The lines of a history in which the transactions begin in that order, or nearly, and overlap more or less."""
    order = list(drafts)
    random.shuffle(order)
    lines: list[Op] = []
    running: dict[int, Draft] = {}
    for draft in order:
        while running and (draft.process in running or random.random() > overlap):
            process = draft.process if draft.process in running else random.choice(list(running))
            lines += _completion(running.pop(process))
        running[draft.process] = draft
        lines.append(Op("invoke", draft.process, "txn", _asked(draft.micros), session=draft.session))
    for process in random.sample(list(running), len(running)):
        lines += _completion(running.pop(process))
    return lines


def _completion(draft: Draft) -> Iterator[Op]:
    value = [list(micro) for micro in draft.micros] if draft.outcome == "ok" else _asked(draft.micros)
    yield Op(draft.outcome, draft.process, "txn", value, session=draft.session)  # type: ignore[arg-type]


def _asked(micros: list[Micro]) -> list[Micro]:
    return [["r", micro[1], None] if micro[0] == "r" else list(micro) for micro in micros]


LEVELS = (
    "strict-serializable",
    "strong-snapshot-isolation",
    "strong-read-committed",
    "causal",
    "strong-session-prefix",
)


@dataclass(slots=True)
class Shape:
    """What a store is asked. Shares are probabilities per transaction, ``reads`` per micro-operation."""

    transactions: int = 100
    processes: int = 5
    keys: int = 4  # in use at one time
    appends_per_key: int = 32
    micros: int = 4
    reads: float = 0.5
    unknown: float = 0.03
    failed: float = 0.03
    sessions: bool = False
    names: bool = False  # keys and elements are texts
    empty: Any = None  # what a read of an empty list returns


@dataclass(slots=True)
class _Running:
    draft: Draft
    snapshot: dict[Any, int] = field(default_factory=dict)
    done: int = 0  # micro-operations executed, where each is a step of its own


@dataclass(slots=True)
class Store:
    """Lists on one primary copy, which transactions see as their isolation level allows. Every history it leaves is
    valid at that level: it is what a store did, with outcomes withheld and some transactions aborted."""

    level: str
    shape: Shape
    random: Random
    lists: dict[Any, list[Any]] = field(default_factory=dict)
    running: dict[int, _Running] = field(default_factory=dict)
    lost: list[_Running] = field(default_factory=list)  # unanswered, and perhaps executed yet
    locks: dict[Any, int] = field(default_factory=dict)
    versions: list[tuple[int, Draft]] = field(default_factory=list)
    seen: dict[Any, dict[Any, int]] = field(default_factory=dict)  # per session: the lengths that it may see
    commits: dict[Any, list[tuple[int, dict[Any, int]]]] = field(default_factory=dict)
    lines: list[Op] = field(default_factory=list)
    appended: int = 0

    def run(self) -> list[Op]:
        """The history."""
        processes = list(range(self.shape.processes))
        begun = 0
        while begun < self.shape.transactions or self.running:
            idle = [process for process in processes if process not in self.running]
            if idle and begun < self.shape.transactions and self.random.random() < 0.5:
                process = self.random.choice(idle)
                self._begin(process, self._draft(process))
                begun += 1
            elif self.running:
                process = self.random.choice(list(self.running))
                if self._step(process) == "info":
                    processes[processes.index(process)] = max(processes) + self.shape.processes + 1
            if self.lost and self.random.random() < 0.1:
                self._execute(self.lost.pop(), late=True)
        return self.lines

    def _draft(self, process: int) -> Draft:
        session = f"s{process % 3}" if self.shape.sessions else None
        micros: list[Micro] = []
        for _ in range(self.random.randint(1, self.shape.micros)):
            if self.random.random() < self.shape.reads:
                micros.append(["r", self._key(process, write=False), None])
            else:
                self.appended += 1
                element: Any = f"e{self.appended}" if self.shape.names else self.appended
                micros.append(["append", self._key(process, write=True), element])
        outcome = self.random.random()
        doomed = "info" if outcome < self.shape.unknown else "ok"
        doomed = "fail" if outcome > 1 - self.shape.failed else doomed
        return Draft(process, doomed, micros, session)

    def _key(self, process: int, *, write: bool) -> Any:
        """Keys are used up and replaced; under causal consistency each has one writer, so that writes never meet."""
        generation = self.appended // (self.shape.appends_per_key * self.shape.keys)
        key = generation * self.shape.keys + self.random.randrange(self.shape.keys)
        if self.level == "causal":
            owner = process if write else self.random.choice([*self.running, process])
            owner = owner % 3 if self.shape.sessions else owner
            key = key * 1_000_000 + owner
        return f"k{key}" if self.shape.names else key

    def _begin(self, process: int, draft: Draft) -> None:
        running = self.running[process] = _Running(draft)
        self.lines.append(Op("invoke", process, "txn", _asked(draft.micros), session=draft.session))
        if self.level == "strong-snapshot-isolation":
            running.snapshot = {key: len(elements) for key, elements in self.lists.items()}

    def _step(self, process: int) -> str:
        running = self.running[process]
        if self.level == "strong-read-committed" and running.done < len(running.draft.micros):
            if not self._step_locked(process, running):
                return self._answer(process, "fail")
            return "running"
        outcome = running.draft.outcome
        if outcome == "info":
            self.lost.append(running)
            if self.random.random() < 0.5:
                self._execute(self.lost.pop(), late=False)
        elif outcome == "ok" and not self._execute(running, late=False):
            outcome = "fail"
        return self._answer(process, outcome)

    def _answer(self, process: int, outcome: str) -> str:
        running = self.running.pop(process)
        if outcome == "fail":
            self._unlock(process)
        draft = running.draft
        draft.outcome = outcome
        self.lines += _completion(draft)
        return outcome

    def _unlock(self, process: int) -> None:
        for key in [key for key, holder in self.locks.items() if holder == process]:
            del self.locks[key]

    def _step_locked(self, process: int, running: _Running) -> bool:
        """One micro-operation on what is committed now; False if another transaction holds the list's lock."""
        micro = running.draft.micros[running.done]
        if micro[0] == "append" and self.locks.setdefault(micro[1], process) != process:
            return False
        if micro[0] == "r":
            own = _own(running.draft, micro[1], running.done)
            micro[2] = self._listed([*self.lists.get(micro[1], ()), *own])
        running.done += 1
        return True

    def _execute(self, running: _Running, *, late: bool) -> bool:
        """Reads (unless they were done already) and appends in one moment; False if a conflict forbids it."""
        draft = running.draft
        appends = dict.fromkeys(micro[1] for micro in draft.micros if micro[0] == "append")
        if self.level == "strong-snapshot-isolation" and any(
            len(self.lists.get(key, ())) != running.snapshot.get(key, 0) for key in appends
        ):
            return False
        if self.level != "strong-read-committed":
            view = self._view(running, late=late)
            for place, micro in enumerate(draft.micros):
                if micro[0] == "r":
                    elements = self.lists.get(micro[1], [])
                    cut = elements if micro[1] in appends else elements[: view.get(micro[1], 0)]
                    micro[2] = self._listed([*cut, *_own(draft, micro[1], place)])
        for micro in draft.micros:
            if micro[0] == "append":
                self.lists.setdefault(micro[1], []).append(micro[2])
        self._unlock(draft.process)
        self._committed(draft, appends)
        return True

    def _view(self, running: _Running, *, late: bool) -> dict[Any, int]:
        """How much of each list the transaction sees."""
        if self.level == "strong-snapshot-isolation":
            return running.snapshot
        latest = {key: len(elements) for key, elements in self.lists.items()}
        if self.level == "strict-serializable" or late:
            return latest
        return self._lagging(running.draft, latest)

    def _lagging(self, draft: Draft, latest: dict[Any, int]) -> dict[Any, int]:
        """An earlier state that is not behind what the session saw or wrote: of everything (prefix), or, under causal
        consistency, of some lists, and with each version all that its writer had seen."""
        seen = self.seen.setdefault(_session(draft), {})
        if self.level == "strong-session-prefix":
            appends = {micro[1] for micro in draft.micros if micro[0] == "append"}
            both = any(micro[0] == "r" and micro[1] in appends for micro in draft.micros)
            moment = len(self.versions) if both else self.random.randint(seen.get("moment", 0), len(self.versions))
            seen["moment"] = moment
            return _lengths(draft for _, draft in self.versions[:moment])
        for key in latest:
            for length, view in self.commits.get(key, ()):
                if length > seen.get(key, 0) and self.random.random() < 0.5:
                    break
                for other, least in [*view.items(), (key, length)]:
                    seen[other] = max(seen.get(other, 0), least)
        return dict(seen)

    def _committed(self, draft: Draft, appends: dict[Any, None]) -> None:
        if self.level == "strong-session-prefix":
            self.versions.append((len(self.versions), draft))
            self.seen.setdefault(_session(draft), {})["moment"] = len(self.versions)
        elif self.level == "causal":
            seen = self.seen.setdefault(_session(draft), {})
            for key in appends:
                seen[key] = len(self.lists[key])
            for key in appends:
                self.commits.setdefault(key, []).append((seen[key], dict(seen)))

    def _listed(self, elements: list[Any]) -> Any:
        return elements or self.shape.empty


def _session(draft: Draft) -> Any:
    return draft.process if draft.session is None else draft.session


def _own(draft: Draft, key: Any, place: int) -> list[Any]:
    return [micro[2] for micro in draft.micros[:place] if micro[:2] == ["append", key]]


def _lengths(drafts: Iterable[Draft]) -> dict[Any, int]:
    lengths: dict[Any, int] = {}
    for draft in drafts:
        for micro in draft.micros:
            if micro[0] == "append":
                lengths[micro[1]] = lengths.get(micro[1], 0) + 1
    return lengths


def stored(random: Random, level: str, shape: Shape | None = None) -> list[Op]:
    """The history that a store of that level (one of LEVELS) left."""
    return Store(level, shape or Shape(), random).run()


def random_shape(random: Random) -> Shape:
    """Some small run, with any option on."""
    return Shape(
        transactions=random.randint(5, 60), processes=random.randint(1, 8), keys=random.randint(1, 5),
        appends_per_key=random.choice((2, 8, 32)), micros=random.randint(1, 5), reads=random.uniform(0.1, 0.9),
        unknown=random.choice((0.0, 0.05, 0.3)), failed=random.choice((0.0, 0.05, 0.3)),
        sessions=random.random() < 0.2, names=random.random() < 0.2, empty=random.choice((None, [])),
    )  # fmt: skip
