"""The isolation levels, what each forbids, and which is stronger than which: one table.

Sources: Adya, "Weak Consistency" (1999); Bailis et al., "Highly Available Transactions" (VLDB 2013); Cerone, Bernardi,
Gotsman, "A Framework for Transactional Consistency Models with Atomic Visibility" (2015); Cerone, Gotsman, "Analysing
Snapshot Isolation" (2016); Crooks et al., "Seeing is Believing" (2017); Biswas, Enea, "On the Complexity of Checking
Transactional Consistency" (2019); Kingsbury, Alvaro, "Elle" (VLDB 2020).

A history satisfies a model if some choice of what is unknown (which transactions of unknown outcome committed, and in
which order the appends took effect that nobody read) satisfies it. A list is a register whose value is its version's
history: a read *depends* on the transaction that appended the last element it saw, and earlier elements are history.

In the plain forms the order inside a session binds nothing (Adya; Cerone et al. 2015); the strong-session forms respect
it, the strong forms also real time: what had completed before another began comes before it, and is visible to it.
``causal`` is the exception: it is about the order inside sessions (Biswas, Enea).

The same level has one definition where it has two sources; on items alone (no predicates), these coincide: repeatable
read with serializability (Adya's G2-item and G2), and consistent view with parallel snapshot isolation (Adya's PL-2+,
and Cerone et al.'s dependency graphs of PSI). Beside predicate reads (``composite``) repeatable read forbids what
antidependencies of items close (G2-item) and not what phantoms do (G2), and cursors are on items.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from checkers.transactional.version_order import (
    ABORTED_READ,
    DIRTY_UPDATE,
    DUPLICATE_ELEMENTS,
    FUTURE_READ,
    GARBAGE_READ,
    INCOMPATIBLE_ORDER,
    INTERMEDIATE_READ,
    INTERNAL,
    PREDICATE_READ_MISS,
)


class Family(Enum):
    """Which cycles of dependencies are forbidden. ``o`` is the order of the model's form: none, sessions, real time."""

    WRITES = "ww, o"
    DEPENDENCIES = "ww, wr, o"
    MONOTONIC = "ww, wr, o; and later reads that miss part of what an earlier read of the transaction depended on"
    CURSOR = "ww, wr, o; and ww of one list with one rw of it, by a reader that appends to it"
    ATOMIC = "ww, wr, o; and one wr or o with one rw*, which misses part of the same transaction"
    CAUSAL = "ww, wr, o; and one rw* with any number of wr, o"
    ONE_RW = "at most one rw"
    PREFIX = "every rw comes straight after a wr or o"
    SNAPSHOT = "no two rw are adjacent"
    UPDATE = "at most one transaction that appends nothing"
    ANY = "ww, wr, rw, o"


class Order(Enum):
    """What comes before what beside the data: nothing, earlier ones of the session, all that had completed."""

    NONE = ""
    SESSION = "strong-session-"
    REALTIME = "strong-"


@dataclass(frozen=True, slots=True)
class Model:
    """A level: its forbidden cycles, and the models that it directly implies."""

    name: str
    family: Family
    order: Order
    weaker: tuple[str, ...]


# name -> forbidden cycles, what it directly implies, whether it has a strong-session and a strong form of its own
_PLAIN: Final[tuple[tuple[str, Family, tuple[str, ...], bool], ...]] = (
    ("read-uncommitted", Family.WRITES, (), True),  # PL-1: G0
    ("read-committed", Family.DEPENDENCIES, ("read-uncommitted",), True),  # PL-2: G1
    ("cursor-stability", Family.CURSOR, ("read-committed",), False),  # PL-CS: G-cursor; every read counts as one
    ("monotonic-atomic-view", Family.MONOTONIC, ("read-committed",), False),  # Bailis et al.; Biswas, Enea's RC
    ("read-atomic", Family.ATOMIC, ("monotonic-atomic-view",), True),  # Cerone et al.; Biswas, Enea's is -session-
    ("consistent-view", Family.ONE_RW, ("cursor-stability", "read-atomic"), True),  # PL-2+: G-single
    ("parallel-snapshot-isolation", Family.ONE_RW, ("cursor-stability", "read-atomic"), True),  # Cerone, Gotsman
    ("prefix", Family.PREFIX, ("read-atomic",), True),  # Cerone et al.
    ("snapshot-isolation", Family.SNAPSHOT, ("parallel-snapshot-isolation", "consistent-view", "prefix"), True),
    ("repeatable-read", Family.ANY, ("cursor-stability", "monotonic-atomic-view"), True),  # PL-2.99: G2-item
    ("update-serializable", Family.UPDATE, ("consistent-view",), False),  # PL-3U: G-update
    ("serializable", Family.ANY, ("repeatable-read", "update-serializable", "snapshot-isolation"), True),  # PL-3: G2
)
_CAUSAL_ABOVE: Final = frozenset(("prefix", "consistent-view", "parallel-snapshot-isolation"))
STRICT: Final = "strict-serializable"
_OWN_NAME: Final = {"strong-serializable": STRICT}
ALIASES: Final = {
    "PL-1": "read-uncommitted", "PL-2": "read-committed", "PL-CS": "cursor-stability", "PL-2+": "consistent-view",
    "PL-2.99": "repeatable-read", "PL-SI": "snapshot-isolation", "PL-3U": "update-serializable",
    "PL-3": "serializable", "PL-SS": STRICT, **_OWN_NAME,
}  # fmt: skip


def _form(order: Order, name: str) -> str:
    full = order.value + name
    return _OWN_NAME.get(full, full)


def _table() -> Iterable[Model]:
    strong_forms = {name for name, _, _, strong in _PLAIN if strong}
    for name, family, weaker, _ in _PLAIN:
        yield Model(name, family, Order.NONE, weaker)
    for order, below in ((Order.SESSION, Order.NONE), (Order.REALTIME, Order.SESSION)):
        causal = "causal" if order is Order.SESSION else "strong-causal"
        implied = (_form(order, "read-atomic"), _form(order, "read-committed"))
        yield Model(causal, Family.CAUSAL, order, implied if order is Order.SESSION else ("causal", *implied))
        for name, family, weaker, strong in _PLAIN:
            if strong:
                forms = [_form(order, each) for each in weaker if each in strong_forms]
                committed = [] if family is Family.WRITES or forms else [_form(order, "read-uncommitted")]
                above = [causal] if name in _CAUSAL_ABOVE else []
                if name in ("read-atomic", "repeatable-read"):
                    committed = [_form(order, "read-committed")]
                yield Model(_form(order, name), family, order,
                            (_form(below, name), *forms, *committed, *above))  # fmt: skip


MODELS: Final[dict[str, Model]] = {model.name: model for model in _table()}

# What no order of transactions changes. A read of what nobody wrote, of what the reader writes only later, or without
# its own earlier append, or of one append twice, or a predicate read without a key that must have had a value, is in no
# history of any level (Adya 1999, what a history must be);
# a read of aborted or intermediate states is forbidden from read committed on, and so are reads that contradict each
# other, which some read of uncommitted states may explain (so that read uncommitted is then undecided).
ALWAYS_FORBIDDEN: Final = frozenset((GARBAGE_READ, DUPLICATE_ELEMENTS, INTERNAL, FUTURE_READ, PREDICATE_READ_MISS))
FORBIDDEN_IF_COMMITTED: Final = frozenset((ABORTED_READ, INTERMEDIATE_READ, DIRTY_UPDATE, INCOMPATIBLE_ORDER))


def forbids(model: Model, observation: str) -> bool:
    """Whether the model forbids a wrong read of that type."""
    return observation in ALWAYS_FORBIDDEN or (
        observation in FORBIDDEN_IF_COMMITTED and model.family is not Family.WRITES
    )


@cache
def implied(name: str) -> frozenset[str]:
    """The model and everything weaker."""
    found, waiting = {name}, [name]
    while waiting:
        for weaker in MODELS[waiting.pop()].weaker:
            if weaker not in found:
                found.add(weaker)
                waiting.append(weaker)
    return frozenset(found)


def strongest_holding(holding: Collection[str]) -> tuple[str, ...]:
    """Those that no other of them implies, in the order of the table."""
    covered = {weaker for name in holding for weaker in implied(name) - {name}}
    return tuple(name for name in MODELS if name in holding and name not in covered)


def weakest_failing(failing: Collection[str]) -> tuple[str, ...]:
    """Those that imply no other of them, in the order of the table."""
    return tuple(name for name in MODELS if name in failing and not (implied(name) - {name}) & set(failing))


def proscribed(name: str) -> tuple[str, ...]:
    """The anomalies that the model forbids, by the names under which they are reported."""
    model = MODELS[name]
    wrong_reads = [each for each in sorted(ALWAYS_FORBIDDEN | FORBIDDEN_IF_COMMITTED) if forbids(model, each)]
    suffixes = ("", "-process", "-realtime")[: 1 + list(Order).index(model.order)]
    kinds = _CYCLES[model.family] + PHANTOMS * (model.family is Family.ANY and not name.endswith("repeatable-read"))
    return (*wrong_reads, *(cycle + suffix for suffix in suffixes for cycle in kinds))


PHANTOMS: Final = ("G2",)
_G1: Final = ("G0", "G1c")
_VIEW: Final = (*_G1, "G-monotonic", "fractured-read")
_UPDATE: Final = ("lost-update", "G-cursor")
_CYCLES: Final[dict[Family, tuple[str, ...]]] = {  # the kinds of which every cycle is forbidden; of others, some may be
    Family.WRITES: ("G0",),
    Family.DEPENDENCIES: _G1,
    Family.MONOTONIC: (*_G1, "G-monotonic"),
    Family.CURSOR: (*_G1, *_UPDATE),
    Family.ATOMIC: _VIEW,
    Family.CAUSAL: _VIEW,
    Family.ONE_RW: (*_VIEW, *_UPDATE, "G-single"),
    Family.PREFIX: (*_VIEW, "long-fork"),
    Family.SNAPSHOT: (*_VIEW, *_UPDATE, "G-single", "long-fork", "G-nonadjacent"),
    Family.UPDATE: (*_VIEW, *_UPDATE, "G-single"),
    Family.ANY: (*_VIEW, *_UPDATE, "G-single", "long-fork", "G-nonadjacent", "write-skew", "G2-item"),
}
