"""Histories of every kind that linearizability is measured on: right by construction, or wrong for certain and late.

An object is played by clients that always have an operation running, so that as many overlap as there are clients; each
operation takes effect at a random moment between its invocation and its completion. After the last one the object is
asked a few things more, one after the other. A wrong history is a right one of which one or two answers, as late as
possible, were changed so that no order can explain them, whatever the operations that perhaps took effect did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any, Final, Protocol

from harness.history import History, Op, OpType

REFUSED: Final = object()  # the object does nothing, and says so
FIVE: Final = (1, 2, 3, 4, 5)
RARE: Final = 5  # of FIVE, what is written no more towards the end
Ask = tuple[str, Any]


class Played(Protocol):
    """A sequential object, with what its clients ask. ``late``: few operations are left."""

    def ask(self, random: Random, *, late: bool, crashes: bool) -> Ask: ...
    def apply(self, f: str, argument: Any) -> Any: ...
    def close(self, random: Random) -> list[Ask]:
        """What is asked at the end, one after the other."""


@dataclass(slots=True)
class Asked:
    """An operation as it went; ``begin`` and ``end`` are lines of the history."""

    process: int
    f: str
    argument: Any
    begin: int
    end: int = -1
    result: Any = None
    outcome: OpType = "info"


# Changes answers, of which those from ``closing`` on were asked at the end; False if it finds none to change.
Spoiler = Callable[[list[Asked], int, Random], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of history, with its usual size. The first of the ``spoilers`` that can makes a right one wrong.
    ``crash_first``: the operations without an answer come before all others, and not anywhere between."""

    model: str
    summary: str
    make: Callable[[], Played]
    spoilers: tuple[Spoiler, ...]
    operations: int
    clients: int
    crashed: int = 0
    crash_first: bool = False


def generate(
    row: str, *, seed: int, operations: int, clients: int, valid: bool = True, crashed: int = 0
) -> tuple[History, str]:
    """A history of that row, and the name of its model. ``operations`` includes the ``crashed`` ones, which nobody
    answers; a few more are asked at the end. The same arguments give the same history."""
    chosen = ROWS[row]
    random = Random(f"{row} {seed} {operations} {clients} {crashed}")
    thing = chosen.make()
    asked, closing = _play(thing, operations, clients, _crashes(chosen, operations, crashed, random), random)
    if not valid and not any(spoiler(asked, closing, random) for spoiler in chosen.spoilers):
        raise ValueError(f"no answer of {row}, seed {seed}, can be made wrong for certain: ask for more operations")
    return History(_lines(asked)), chosen.model


def _crashes(row: Row, operations: int, crashed: int, random: Random) -> set[int]:
    return set(range(crashed)) if row.crash_first else set(random.sample(range(operations), crashed))


def _play(thing: Played, operations: int, clients: int, crashes: set[int], random: Random) -> tuple[list[Asked], int]:
    """The operations in order of invocation, and how many were not asked at the end."""
    asked: list[Asked] = []
    lost: list[tuple[float, Asked]] = []  # no answer will come; from that line on they may take effect
    running: list[Asked | None] = [None] * clients
    applied = [False] * clients
    open_, line, fresh, late_from = 0, 0, clients, operations - 12 * clients
    names = list(range(clients))
    while len(asked) < operations or open_:
        while lost and lost[-1][0] <= line:
            each = lost.pop()[1]
            thing.apply(each.f, each.argument)
        client = random.randrange(clients)
        here = running[client]
        if here is not None and not applied[client]:
            here.result, applied[client] = thing.apply(here.f, here.argument), True
            continue
        if here is not None:
            here.end, line, open_ = line, line + 1, open_ - 1
            here.outcome = "fail" if here.result is REFUSED else "ok"
            running[client] = None
        while running[client] is None and len(asked) < operations:
            crashes_now = len(asked) in crashes
            f, argument = thing.ask(random, late=len(asked) >= late_from, crashes=crashes_now)
            begun = Asked(names[client], f, argument, line)
            asked.append(begun)
            line += 1
            if crashes_now:
                names[client], fresh = fresh, fresh + 1
                if random.random() < 0.7:
                    lost.append((line + random.random() * 2 * (operations - len(asked)), begun))
                    lost.sort(key=lambda pair: -pair[0])
                continue
            running[client], applied[client], open_ = begun, False, open_ + 1
    closing = len(asked)
    for f, argument in thing.close(random):
        answer = thing.apply(f, argument)
        asked.append(Asked(names[0], f, argument, line, line + 1, answer, "ok"))
        line += 2
    return asked, closing


def _lines(asked: Sequence[Asked]) -> Iterator[Op]:
    lines: dict[int, Op] = {}
    for each in asked:
        begun = Op("invoke", each.process, each.f, each.argument)
        lines[each.begin] = begun
        if each.end >= 0:
            value = each.argument if each.outcome == "fail" else each.result
            lines[each.end] = replace(begun, type=each.outcome, value=value)
    return (lines.pop(number) for number in range(len(lines)))


# The objects.


@dataclass(slots=True)
class Cell:
    """A register: of distinct values or of five, with CAS or not. What ``crashes`` is a write, or a CAS."""

    distinct: bool = False
    cas: bool = False
    state: Any = None
    last: int = 0

    def ask(self, random: Random, *, late: bool, crashes: bool) -> Ask:
        draw = random.random()
        if draw < 0.4 and not crashes:
            return "read", None
        if self.distinct:
            self.last += 1
            return "write", self.last
        new = random.choice(FIVE[:-1] if late else FIVE)
        if self.cas and (draw < 0.7 or crashes):
            return "cas", [random.choice(FIVE), new]
        return "write", new

    def apply(self, f: str, argument: Any) -> Any:
        if f == "read":
            return self.state
        if f == "cas" and self.state != argument[0]:
            return REFUSED
        self.state = argument[1] if f == "cas" else argument
        return argument

    def close(self, random: Random) -> list[Ask]:
        return [("read", None), ("read", None)]


@dataclass(slots=True)
class Container:
    """Puts and takes by name, with the place in the content that each concerns (puts: 0 or the end). It is asked for
    no more than it will have; what crashes is a take, or either."""

    puts: Mapping[str, int]
    takes: Mapping[str, int]
    domain: int = 0  # so many values, or all distinct
    crash_puts: bool = False
    scatter: bool = False
    greatest: bool = False
    content: list[int] = field(default_factory=list)
    spare: int = 0  # puts asked for, less takes
    last: int = 0

    def ask(self, random: Random, *, late: bool, crashes: bool) -> Ask:
        put = random.random() < (0.5 if self.spare < 30 else 0.4)
        if crashes and self.spare > 0:
            put = self.crash_puts and put
        if put or self.spare <= 0:
            self.spare += 0 if crashes else 1
            return random.choice(list(self.puts)), self.value(random)
        self.spare -= 1
        return random.choice(list(self.takes)), None

    def value(self, random: Random) -> int:
        self.last += 1
        if self.scatter:
            return (self.last * 7919) % 1_000_003
        return random.randint(1, self.domain) if self.domain else self.last

    def apply(self, f: str, argument: Any) -> Any:
        if f in self.puts:
            self.content.insert(0 if self.puts[f] == 0 else len(self.content), argument)
            return argument
        if not self.content:
            return None
        return self.content.pop(self.content.index(max(self.content)) if self.greatest else self.takes[f])

    def close(self, random: Random) -> list[Ask]:
        """Two values that nothing else put, by each way in; then all is taken, by the first way out."""
        puts = [(name, self.fresh(number)) for number, name in enumerate([*self.puts, *self.puts])]
        return [*puts, *[(next(iter(self.takes)), None)] * (len(self.content) + len(puts))]

    def fresh(self, number: int) -> int:
        return 10_000_001 + number


@dataclass(slots=True)
class Total:
    """A counter that is only added to; ``tells`` its new value."""

    tells: bool = False
    state: int = 0

    def ask(self, random: Random, *, late: bool, crashes: bool) -> Ask:
        if random.random() < (0.2 if self.tells else 0.5) and not crashes:
            return "read", None
        return ("inc", None) if self.tells else ("add", random.randint(1, 3))

    def apply(self, f: str, argument: Any) -> Any:
        self.state += {"read": 0, "inc": 1, "add": argument}[f]
        return self.state if f == "read" or self.tells else argument

    def close(self, random: Random) -> list[Ask]:
        return [("read", None), ("read", None)]


@dataclass(slots=True)
class Registers:
    """Four registers of five values that one operation reads or writes together."""

    state: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys("wxyz"))

    def ask(self, random: Random, *, late: bool, crashes: bool) -> Ask:
        names = random.sample("wxyz", random.randint(1, 3))
        if random.random() < 0.5 and not crashes:
            return "read", dict.fromkeys(names)
        return "write", {name: random.choice(FIVE[:-1] if late else FIVE) for name in names}

    def apply(self, f: str, argument: Any) -> Any:
        if f == "write":
            self.state.update(argument)
            return argument
        return {name: self.state[name] for name in argument}

    def close(self, random: Random) -> list[Ask]:
        return [("read", dict.fromkeys("wxyz")), ("read", dict.fromkeys("wxyz"))]


@dataclass(slots=True)
class Elements:
    """A set: one that only grows, or of which elements are removed, too (each ``once`` at most, or any number of
    times); read whole, or element by element."""

    grows: bool = True
    whole: bool = True
    once: bool = False
    state: set[int] = field(default_factory=set)
    last: int = 0
    removed: set[int] = field(default_factory=set)

    def ask(self, random: Random, *, late: bool, crashes: bool) -> Ask:
        draw = random.random()
        if draw < 0.4 and not crashes:
            return ("read", None) if self.whole else ("contains", random.randint(1, self.last + 1))
        if not self.grows and draw < 0.7 and self.last and (asked := self._to_remove(random)):
            return "remove", asked
        self.last += 1
        return "add", self.last

    def _to_remove(self, random: Random) -> int | None:
        recent = random.randint(max(1, self.last - 30), self.last)
        if self.once and recent in self.removed:
            return None
        self.removed.add(recent)
        return recent

    def apply(self, f: str, argument: Any) -> Any:
        if f == "read":
            return sorted(self.state)
        if f == "contains":
            return argument in self.state
        (self.state.add if f == "add" else self.state.discard)(argument)
        return argument

    def close(self, random: Random) -> list[Ask]:
        last = self.last + 1
        return [("add", last), *[("read", None) if self.whole else ("contains", last)] * 2]


@dataclass(slots=True)
class Text:
    """One key: get, append, and put or not. Every piece of text is another one."""

    puts: bool = False
    domain: int = 0  # so many pieces, or all distinct
    state: str | None = None
    last: int = 0

    def ask(self, random: Random, *, late: bool, crashes: bool) -> Ask:
        if random.random() < 0.4 and not crashes:
            return "get", None
        self.last += 1
        piece = random.randint(1, self.domain) if self.domain else self.last
        if self.puts and random.random() < 0.3:
            return "put", f"p{piece},"
        return "append", f"{piece},"

    def apply(self, f: str, argument: Any) -> Any:
        if f == "get":
            return self.state
        self.state = argument if f == "put" else (self.state or "") + argument
        return argument

    def close(self, random: Random) -> list[Ask]:
        return [("append", "end,"), ("get", None), ("get", None)]


# What makes an answer wrong for certain.


def _stale_of_unique(asked: list[Asked], closing: int, random: Random) -> bool:
    """The last read that can returns what was written and overwritten before it began."""
    writes = sorted((each for each in asked if each.f == "write" and each.end >= 0), key=lambda each: each.end)
    for reader in reversed([each for each in asked[:closing] if each.f == "read" and each.end >= 0]):
        over = max((each.begin for each in writes if each.end < reader.begin), default=-1)
        stale = [each for each in writes if each.end < over]
        if stale:
            reader.result = stale[-1].argument
            return True
    return False


def _left(each: Asked) -> Any:
    return each.argument[1] if each.f == "cas" else each.argument


def _stale_of_five(asked: list[Asked], closing: int, random: Random) -> bool:
    """The last read of all, while others run, returns what was no more written towards the end."""
    if any(each.outcome == "info" for each in asked) or random.random() < 0.5:
        return False
    rare = max((each.end for each in asked if _left(each) == RARE and each.outcome == "ok"), default=-1)
    others = [each for each in asked if each.f == "write" and each.begin > rare]
    over = min((each.end for each in others), default=len(asked) * 2)
    return _change_last(asked[:closing], lambda each: each.f == "read" and each.begin > over, lambda _: RARE)


def _change_last(asked: Sequence[Asked], chosen: Callable[[Asked], bool], wrong: Callable[[Any], Any]) -> bool:
    last = next((each for each in reversed(asked) if each.outcome == "ok" and chosen(each)), None)
    if last is not None:
        last.result = wrong(last.result)
    return last is not None


def _more_than_were_lost(asked: list[Asked], closing: int, random: Random) -> bool:
    """In the end a value is read, and overwritten, once more often than operations without an answer could leave it."""
    lost = Counter(_left(each) for each in asked if each.outcome == "info")
    wanted = min(FIVE, key=lambda value: (lost[value], random.random()))
    other = random.choice([value for value in FIVE if value != wanted])
    process, line = asked[closing].process, asked[closing].begin
    del asked[closing:]
    for _ in range(lost[wanted] + 1):
        asked.append(Asked(process, "write", other, line, line + 1, other, "ok"))
        asked.append(Asked(process, "read", None, line + 2, line + 3, wanted, "ok"))
        line += 4
    return True


def _out_of_order(asked: list[Asked], closing: int, random: Random, *, puts: Sequence[str]) -> bool:
    """Of values put one after the other at the end and taken there, two that follow each other change places."""
    fresh = {each.argument for each in asked[closing:] if each.f in puts}
    takes = [each for each in asked[closing:] if each.f not in puts and each.result in fresh]
    pairs = list(pairwise(takes))
    if pairs:
        one, other = random.choice(pairs)
        one.result, other.result = other.result, one.result
    return bool(pairs)


def _exchanged(asked: list[Asked], closing: int, random: Random) -> bool:
    """A queue: two values put one after the other, and taken so, both while others run, change places."""
    put_by = {each.argument: each for each in asked if each.argument is not None}
    takes = [each for each in asked[:closing] if each.argument is None and each.outcome == "ok" and each.result]
    for at in range(len(takes) - 1, max(0, len(takes) - 200), -1):
        for one in takes[max(0, at - 60) : at]:
            other = takes[at]
            mine, yours = put_by[one.result], put_by[other.result]
            if one.end < other.begin and 0 <= mine.end < yours.begin and 0 <= yours.end < one.begin:
                one.result, other.result = other.result, one.result
                return True
    return False


def _falls(asked: list[Asked], closing: int, random: Random) -> bool:
    """A counter that only grows is read, while others run, with less than was read or told before."""
    highest, earlier, by_end = -1, 0, sorted((e for e in asked if e.f == "read" and e.end >= 0), key=lambda e: e.end)
    for reader in reversed([each for each in asked[:closing] if each.f == "read" and each.end >= 0]):
        seen = [each.result for each in by_end if each.end < reader.begin]
        highest, earlier = max(seen, default=-1), len(seen)
        if earlier and highest > 0:
            reader.result = highest - 1
            return True
    return False


def _fractured(asked: list[Asked], closing: int, random: Random) -> bool:
    """While others run, the last read of a register returns what was no more written to it towards the end."""
    if any(each.outcome == "info" for each in asked) or random.random() < 0.5:
        return False
    for reader in reversed([each for each in asked[:closing] if each.f == "read"]):
        for name in reader.argument:
            writes = [each for each in asked if each.f == "write" and name in each.argument]
            rare = max((each.end for each in writes if each.argument[name] == RARE), default=-1)
            if any(each.begin > rare and each.end < reader.begin for each in writes):
                reader.result = {**reader.result, name: RARE}
                return True
    return False


def _contradicted(asked: list[Asked], closing: int, random: Random) -> bool:
    """The second of two reads at the end sees one register as nothing could have left it."""
    last, lost = asked[-1], {each.argument[name] for each in asked if each.outcome == "info" for name in each.argument}
    name = random.choice("wxyz")
    wrong = [value for value in FIVE if value not in lost and value != last.result[name]]
    last.result = {**last.result, name: random.choice(wrong or [None])}
    return True


def _vanished(asked: list[Asked], closing: int, random: Random) -> bool:
    """The last answer does not have what was added last, and that one before it had."""
    last = asked[-1]
    if isinstance(last.result, str):
        last.result = last.result.removesuffix("end,")
    else:
        last.result = last.result[:-1] if isinstance(last.result, list) else False
    return True


def _doubled(asked: list[Asked], closing: int, random: Random) -> bool:
    """The last answer has twice what was appended once."""
    asked[-1].result += asked[closing].argument
    return True


def _forked(asked: list[Asked], closing: int, random: Random) -> bool:
    """Two reads of a set that only grows, late and while others run, each miss what the other has."""
    adds = {each.argument: each for each in asked if each.f == "add"}
    reads = [each for each in asked[:closing] if each.f == "read" and each.end >= 0]
    for one, other in reversed(list(pairwise(reads))):
        running = [a for a, each in adds.items() if each.begin < one.begin and not 0 <= each.end < other.begin]
        if len(running) >= 2:
            mine, yours = random.sample(running, 2)
            one.result = sorted({*one.result, mine} - {yours})
            other.result = sorted({*other.result, yours} - {mine})
            return True
    return False


def _earlier_text(asked: list[Asked], closing: int, random: Random) -> bool:
    """A late get, while others run, returns what an earlier one did, before something was put or appended for good."""
    gets = [each for each in asked[:closing] if each.f == "get" and each.end >= 0]
    changes = [each for each in asked[:closing] if each.f != "get" and each.end >= 0]
    for reader in reversed(gets):
        between = max((each.begin for each in changes if each.end < reader.begin), default=-1)
        earlier = [each for each in gets if each.end < between]
        if earlier:
            reader.result = earlier[-1].result
            return True
    return False


_queue = partial(Container, {"enqueue": -1}, {"dequeue": 0})
_stack = partial(Container, {"push": -1}, {"pop": -1})
_deque = partial(Container, {"push-front": 0, "push-back": -1}, {"pop-front": 0, "pop-back": -1})
_ENQUEUED: Final = partial(_out_of_order, puts=("enqueue",))
_PUSHED: Final = partial(_out_of_order, puts=("push",))
_INSERTED: Final = partial(_out_of_order, puts=("insert",))
_DEQUE: Final = partial(_out_of_order, puts=("push-front", "push-back"))
_CELL: Final = (_stale_of_five, _more_than_were_lost)

ROWS: Final[Mapping[str, Row]] = {
    "register-unique": Row("register", "a register, all values distinct", partial(Cell, distinct=True),
                           (_stale_of_unique,), 1000, 20),
    "register": Row("register", "a register of five values", Cell, _CELL, 1000, 20),
    "cas-register": Row("cas-register", "a CAS register of five values", partial(Cell, cas=True), _CELL, 1000, 20),
    "crashed-writes": Row("cas-register", "writes without an answer, anywhere", Cell, _CELL, 1000, 1, 40),
    "crashed-cas": Row("cas-register", "CASes without an answer, anywhere", partial(Cell, cas=True), _CELL,
                       1000, 1, 40),
    "crashed-writes-first": Row("cas-register", "writes without an answer, then all else", Cell, _CELL, 1000, 1, 40,
                                crash_first=True),
    "crashed-cas-first": Row("cas-register", "CASes without an answer, then all else", partial(Cell, cas=True), _CELL,
                             1000, 1, 40, crash_first=True),
    "queue": Row("queue", "first in, first out, all values distinct", _queue, (_exchanged, _ENQUEUED), 500, 5),
    "queue-duplicates": Row("queue", "first in, first out, of five values", partial(_queue, domain=5), (_ENQUEUED,),
                            500, 5),
    "queue-lost-takes": Row("queue", "first in, first out, some takes without an answer", _queue, (_ENQUEUED,),
                            500, 5, 20),
    "stack": Row("stack", "last in, first out, all values distinct", _stack, (_PUSHED,), 500, 8),
    "stack-duplicates": Row("stack", "last in, first out, of five values", partial(_stack, domain=5), (_PUSHED,),
                            500, 8),
    "pqueue": Row("pqueue", "the greatest first, all values distinct",
                  partial(Container, {"insert": -1}, {"poll": 0}, scatter=True, greatest=True), (_INSERTED,), 500, 8),
    "deque": Row("deque", "two ends, all values distinct", _deque, (_DEQUE,), 500, 8),
    "deque-duplicates": Row("deque", "two ends, of five values", partial(_deque, domain=5), (_DEQUE,), 500, 8),
    "counter": Row("counter", "adds that tell nothing, reads", Total, (_falls,), 500, 20),
    "counter-told": Row("counter", "incs that return the new value, reads", partial(Total, tells=True), (_falls,),
                        500, 20),
    "multi-register": Row("multi-register", "four registers of five values, read and written together", Registers,
                          (_fractured, _contradicted), 300, 15),
    "set": Row("set", "a set that only grows, read whole", Elements, (_forked, _vanished), 300, 15),
    "set-removes": Row("set", "adds, removes, reads of the whole", partial(Elements, grows=False), (_vanished,),
                       300, 15),
    "set-elements": Row("set", "adds, removes, contains", partial(Elements, grows=False, whole=False), (_vanished,),
                        1000, 15),
    "set-distinct": Row("set", "adds, removes, contains; each element added and removed once",
                        partial(Elements, grows=False, whole=False, once=True), (_vanished,), 500, 8),
    "kv": Row("kv", "one key: get and append, all pieces distinct", Text, (_earlier_text, _vanished), 300, 15),
    "kv-puts": Row("kv", "one key: get, append and put, all pieces distinct", partial(Text, puts=True),
                   (_earlier_text, _vanished), 300, 15),
    "kv-duplicates": Row("kv", "one key: get, append and put, of five pieces", partial(Text, puts=True, domain=5),
                         (_doubled,), 300, 15),
}  # fmt: skip
