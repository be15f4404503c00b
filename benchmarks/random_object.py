"""Random histories of every model, played on real Python objects: correct by construction, or spoilt a little.

The objects below are plain lists, dicts and sets, and share nothing with the models of ``checkers.linearizable``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Protocol

from harness.history import Op

FAIL = object()  # the object refuses, and nothing happens


class Object(Protocol):
    """A sequential object and what its clients ask."""

    def ask(self, random: Random, process: int) -> tuple[str, Any]: ...
    def apply(self, f: str, argument: Any, process: int) -> Any: ...


@dataclass(slots=True)
class Values:
    """Values to write: all distinct, or of a small domain."""

    random: Random
    distinct: bool
    last: int = 0

    def __call__(self) -> int:
        self.last += 1
        return self.last if self.distinct else self.random.randint(1, 3)


@dataclass(slots=True)
class Container:
    """Anything one puts into and takes from. ``choose`` gives the place of what goes next, for each take."""

    values: Values
    puts: Sequence[str]
    takes: Mapping[str, Callable[[list[Any]], int]]
    peeks: Mapping[str, Callable[[list[Any]], int]] = field(default_factory=dict)
    refuse_empty: bool = False
    shuffled: bool = False
    content: list[Any] = field(default_factory=list)

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        if random.random() < 0.5:
            value = self.values()
            # A priority queue is no test where values only ever grow.
            return random.choice(self.puts), (value * 7919) % 1_000_003 if self.shuffled else value
        return random.choice([*self.takes, *self.takes, *self.peeks]), None

    def apply(self, f: str, argument: Any, process: int) -> Any:
        if f in self.puts:
            self.content.insert(0 if f.endswith("front") else len(self.content), argument)
            return argument
        if not self.content:
            return FAIL if self.refuse_empty else None
        place = (self.takes.get(f) or self.peeks[f])(self.content)
        return self.content.pop(place) if f in self.takes else self.content[place]


@dataclass(slots=True)
class Elements:
    """A set; ``whole`` reads, too; ``tells`` whether an operation changed anything."""

    values: Values
    whole: bool
    tells: bool
    grows: bool
    content: set[Any] = field(default_factory=set)

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        f = random.choice(["add", "contains", *["remove"] * (not self.grows), *["read"] * self.whole])
        return f, None if f == "read" else self.values() if f == "add" else random.randint(1, max(3, self.values.last))

    def apply(self, f: str, argument: Any, process: int) -> Any:
        if f == "read":
            return sorted(self.content)
        present = argument in self.content
        if f == "contains":
            return present
        (self.content.add if f == "add" else self.content.discard)(argument)
        return present == (f == "remove") if self.tells else argument


@dataclass(slots=True)
class Total:
    """A counter."""

    tells: bool
    content: int = 0

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        f = random.choice(["add", "inc", "dec", "read"])
        return f, random.randint(1, 3) if f == "add" else None

    def apply(self, f: str, argument: Any, process: int) -> Any:
        self.content += {"add": argument, "inc": 1, "dec": -1, "read": 0}[f]
        return self.content if f == "read" or (self.tells and f != "add") else argument


@dataclass(slots=True)
class Lock:
    """A mutex: owned by nobody in particular; or by a process, perhaps again and again; perhaps with fencing tokens."""

    owned: bool
    again: bool = False
    fenced: bool = False
    owner: int | None = None
    holds: int = 0
    token: int = 0

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        return random.choice(["acquire", "release"]), None

    def apply(self, f: str, argument: Any, process: int) -> Any:
        if f == "acquire":
            if self.holds and not (self.again and self.owner == process):
                return FAIL
            self.owner, self.holds, self.token = process, self.holds + 1, self.token + 1 + (self.token % 2)
            return self.token if self.fenced else None
        if not self.holds or (self.owned and self.owner != process):
            return FAIL
        self.holds -= 1
        return None


@dataclass(slots=True)
class Permits:
    """A semaphore."""

    all: int
    taken: int = 0

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        return random.choice(["acquire", "release"]), random.choice([None, 1, 2])

    def apply(self, f: str, argument: Any, process: int) -> Any:
        taken = self.taken + (argument or 1) * (1 if f == "acquire" else -1)
        if not 0 <= taken <= self.all:
            return FAIL
        self.taken = taken
        return None


@dataclass(slots=True)
class Store:
    """One key: put, get, append to a string or a list."""

    values: Values
    appends: bool
    lists: bool
    puts: bool
    content: Any = None

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        f = random.choice(["get", *["put"] * self.puts, *["append"] * self.appends])
        value = self.values()
        if f == "get":
            return f, None
        if not self.appends:
            return f, value
        return f, value if self.lists and f == "append" else [value] if self.lists else f"{value},"

    def apply(self, f: str, argument: Any, process: int) -> Any:
        if f == "put":
            self.content = argument
        elif f == "append":
            self.content = (self.content or ([] if self.lists else "")) + ([argument] if self.lists else argument)
        return self.content if f == "get" else argument


@dataclass(slots=True)
class Registers:
    """Registers that transactions, or reads and writes of maps, touch together."""

    values: Values
    content: dict[str, Any] = field(default_factory=dict)

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        names = random.sample("xyz", random.randint(1, 2))
        f = random.choice(["txn", "txn", "read", "write"])
        if f == "write":
            return f, {name: self.values() for name in names}
        if f == "read":
            return f, dict.fromkeys(names)
        acts = [random.choice("rw") for _ in names]
        return f, [[act, name, self.values() if act == "w" else None] for act, name in zip(acts, names, strict=True)]

    def apply(self, f: str, argument: Any, process: int) -> Any:
        if f == "write":
            self.content.update(argument)
            return argument
        if f == "read":
            return {name: self.content.get(name) for name in argument}
        answer = []
        for act, name, value in argument:
            if act == "w":
                self.content[name] = value
            answer.append([act, name, value if act == "w" else self.content.get(name)])
        return answer


@dataclass(slots=True)
class Cell:
    """A register with reads and writes only."""

    values: Values
    content: Any = None

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        return ("read", None) if random.random() < 0.5 else ("write", self.values())

    def apply(self, f: str, argument: Any, process: int) -> Any:
        if f == "write":
            self.content = argument
        return self.content


@dataclass(slots=True)
class Faulty:
    """An object that now and then forgets what was last done, answers from an earlier state, or mixes what it holds."""

    thing: Any
    random: Random
    share: float
    earlier: list[Any] = field(default_factory=list)

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        asked: tuple[str, Any] = self.thing.ask(random, process)
        return asked

    def apply(self, f: str, argument: Any, process: int) -> Any:
        self.earlier.append(_snapshot(self.thing))
        if self.random.random() >= self.share:
            return self.thing.apply(f, argument, process)
        if isinstance(getattr(self.thing, "content", None), list) and self.random.random() < 0.5:
            self.random.shuffle(self.thing.content)
            return self.thing.apply(f, argument, process)
        stale = _snapshot(self.random.choice(self.earlier[-4:]))
        answer = stale.apply(f, argument, process)
        if self.random.random() < 0.5:
            self.thing = stale
        return answer


def _snapshot(thing: Any) -> Any:
    """The object as it is now; what gives it fresh values goes on, so that what was once written is not new again."""
    copied = copy(thing)
    if hasattr(thing, "content"):
        copied.content = deepcopy(thing.content)
    return copied


def _front(content: list[Any]) -> int:
    return 0


def _back(content: list[Any]) -> int:
    return -1


def _greatest(content: list[Any]) -> int:
    return content.index(max(content))


def make(model: str, random: Random, distinct: bool | None = None) -> tuple[Object, Any]:
    """An object of the model, with its initial value."""
    values = Values(random, random.random() < 0.6 if distinct is None else distinct)
    refuse = random.random() < 0.5
    peek = random.random() < 0.2 and distinct is None

    def container(put: str, take: str, place: Callable[[list[Any]], int]) -> Object:
        peeks = {"peek": place} if peek and model != "unordered-queue" else {}
        return Container(values, [put], {take: place}, peeks, refuse, shuffled=model == "pqueue" and values.distinct)

    made: dict[str, Callable[[], Object]] = {
        "register": lambda: Cell(values),
        "mutex": lambda: Lock(owned=False),
        "reentrant-mutex": lambda: Lock(owned=True, again=True),
        "fenced-mutex": lambda: Lock(owned=True, fenced=True),
        "semaphore": lambda: Permits(3),
        "counter": lambda: Total(refuse),
        "set": lambda: Elements(values, random.random() < 0.4, refuse, random.random() < 0.4),
        "queue": lambda: container("enqueue", "dequeue", _front),
        "unordered-queue": lambda: container("enq", "deq", lambda content: random.randrange(len(content))),
        "stack": lambda: container("push", "pop", _back),
        "pqueue": lambda: container("insert", "poll", _greatest),
        "deque": lambda: Container(values, ["push-front", "push-back"], {"pop-front": _front, "pop-back": _back},
                                   {"peek-front": _front, "peek-back": _back} if peek else {}, refuse),
        "kv": lambda: Store(values, random.random() < 0.7, random.random() < 0.5, random.random() < 0.6),
        "multi-register": lambda: Registers(values),
    }  # fmt: skip
    return made[model](), 3 if model == "semaphore" else None


MODELS = ("register", "mutex", "reentrant-mutex", "fenced-mutex", "semaphore", "counter", "set", "queue",
          "unordered-queue", "stack", "pqueue", "deque", "kv", "multi-register")  # fmt: skip


@dataclass(slots=True)
class _Running:
    op: Op
    applied: bool = False
    result: Any = None
    crashes: bool = False


def play(thing: Object, operations: int, processes: int, crash_share: float, random: Random) -> list[Op]:
    """A history of the object: running operations take effect one at a time, in random order. One that crashes may
    take effect later, or never."""
    running: dict[int, _Running] = {}
    lost: list[_Running] = []
    lines: list[Op] = []
    names, fresh, invoked, thread = list(range(processes)), processes, 0, 0
    haste = random.choice((0.0, 0.5, 0.8))  # how often an operation goes on at once: the rest overlap
    while invoked < operations or running:
        if names[thread] not in running or random.random() >= haste:
            thread = random.randrange(processes)
        process = names[thread]
        here = running.get(process)
        if here is None:
            if invoked < operations:
                f, argument = thing.ask(random, process)
                running[process] = _Running(Op("invoke", process, f, argument), crashes=random.random() < crash_share)
                lines.append(running[process].op)
                invoked += 1
        elif here.crashes:
            del running[process]
            names[thread], fresh = fresh, fresh + 1
            lost.append(here)
            if random.random() < 0.7:
                lines.append(replace(here.op, type="info"))
        elif not here.applied:
            _apply(thing, here)
        else:
            del running[process]
            refused = here.result is FAIL
            lines.append(replace(here.op, type="fail" if refused else "ok", value=None if refused else here.result))
        if lost and random.random() < 0.2:
            _apply(thing, lost.pop(random.randrange(len(lost))))
    return lines


def _apply(thing: Object, running: _Running) -> None:
    running.applied = True
    running.result = thing.apply(running.op.f, running.op.value, int(running.op.process))


def spoil(lines: Sequence[Op], random: Random, times: int) -> list[Op]:
    """The history with a few answers exchanged or made up, or lines exchanged: perhaps still linearizable."""
    spoilt = list(lines)
    for _ in range(times if spoilt else 0):
        at = random.randrange(len(spoilt))
        others = [op.value for op in spoilt if op.type == "ok" and op.f == spoilt[at].f]
        if spoilt[at].type == "ok" and random.random() < 0.6:
            spoilt[at] = replace(spoilt[at], value=random.choice(others))
        elif spoilt[at].type == "fail" and random.random() < 0.5 and others:
            spoilt[at] = replace(spoilt[at], type="ok", value=random.choice(others))
        elif at + 1 < len(spoilt) and spoilt[at].process != spoilt[at + 1].process:
            spoilt[at], spoilt[at + 1] = spoilt[at + 1], spoilt[at]
    return spoilt


def small(model: str, random: Random) -> tuple[list[Op], Any, bool]:
    """A history small enough for brute force, its initial value, and whether it is linearizable by construction."""
    thing, initial = make(model, random)
    right = random.random() < 0.1
    if not right:
        thing = Faulty(thing, random, random.choice((0.4, 0.8)))
    lines = play(thing, random.randint(2, 12), random.randint(1, 5), random.choice((0, 0, 0.1, 0.3)), random)
    if right:
        return lines, initial, True
    return spoil(lines, random, random.choice((1, 3, 5, 8))), initial, False
