"""From what refutes a level to the anomalies of a result: one of each kind, with its story."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

from checkers.transactional.anomaly import (
    CAUSAL_REVERSE,
    CYCLIC_VERSIONS,
    LONG_FORK,
    SEVERITY,
    SHAPES,
    WRITE_SKEW,
    severity,
    suffix_rank,
)
from checkers.transactional.composite.cell import misses_key
from checkers.transactional.graph import WR
from checkers.transactional.lattice import MODELS, Family, Model, Order, forbids, implied
from checkers.transactional.pattern import forbids as forbids_kinds
from checkers.transactional.pattern import name as cycle_name
from checkers.transactional.register.certificate import objection
from checkers.transactional.register.excerpt import Case, Excerpt, Seen, excerpt, shown
from checkers.transactional.register.explain import explain_lost_update, explain_observation, explain_refutation
from checkers.transactional.register.refutation import Refutation, Undecided, refute, shortened
from checkers.transactional.register.verdict import Verdicts
from checkers.transactional.transaction import Transaction, value_of
from checkers.transactional.version_order import DIRTY_UPDATE, Observation
from checkers.transactional.visibility import CURSOR, FRACTURED_READ, LOST_UPDATE, MONOTONIC
from checkers.value import plain
from harness.result import Anomaly

EXPLAINED_MAX: Final = 24
JUDGED_MAX: Final = 400
ITEMS: Final = "G2-item"
PREDICATES: Final = "G2"
_SUFFIXES: Final = ("", "-process", "-realtime")
_TYPES_OF_SHAPE: Final = {
    WRITE_SKEW: ("G2-item", "G2", "G-nonadjacent"), LONG_FORK: ("G-nonadjacent",),
    CAUSAL_REVERSE: ("G-single",),
}  # fmt: skip
_OF_FAMILY: Final = {Family.CURSOR: CURSOR, Family.SNAPSHOT: "G-nonadjacent", Family.PREFIX: "G-nonadjacent"}


def anomalies(found: Verdicts, model: Model) -> list[Anomaly]:
    """What forbids the model: the worst first, then by how much of sessions and real time they need."""
    listed = [*observed(found, model), *_refutations(found, model)]
    best: dict[str, Anomaly] = {}
    for each in listed:
        if each.type not in best or len(each.operations) < len(best[each.type].operations):
            best[each.type] = each
    return sorted(best.values(), key=lambda each: (suffix_rank(each.type), severity(each.type)))


def observed(found: Verdicts, model: Model) -> Iterator[Anomaly]:
    """One of each kind of wrong read, with how many there are."""
    by_type: dict[str, list[Observation]] = {}
    for each in found.history.observations:
        if forbids(model, each.type):
            by_type.setdefault(each.type, []).append(each)
    for type_, several in by_type.items():
        first = several[0]
        others = [*_aborted(found, first), *([first.other] if first.other else [])]
        operations = [line for each in (*others, first.reader) for line in each.operations]
        details: dict[str, Any] = {"key": plain(value_of(first.read.key)), "count": len(several),
                                   "value": plain(value_of(first.read.elements[0])),
                                   "reader": first.reader.invoke, "place": first.read.place}  # fmt: skip
        yield Anomaly(type_, tuple(dict.fromkeys(operations)), explain_observation(first), details)


def _aborted(found: Verdicts, dirty: Observation) -> list[Transaction]:
    """Whose aborted write was written over."""
    if dirty.type != DIRTY_UPDATE:
        return []
    writers = (each for each in found.history.uncommitted if dirty.element in each.appends.get(dirty.read.key, ()))
    return [each for each in writers if each.outcome == "fail"][:1]


def _refutations(found: Verdicts, model: Model) -> Iterator[Anomaly]:
    """For each weakest level that fails: the fewest transactions that refute it. Of a long history only what is known
    already: to look for more would take a search for each level."""
    judge = found.ordered if len(found.history) <= JUDGED_MAX else found.inherited
    told: set[frozenset[int]] = set()
    for name, weaker in MODELS.items():
        if name in implied(model.name) and judge(weaker) is False:
            members = found.refutations[weaker.family, weaker.order]
            if members is not None and members not in told:
                told.add(members)
                yield from _told(found, _weakest(found, weaker, members), members, model)


def _weakest(found: Verdicts, model: Model, members: frozenset[int]) -> Model:
    """Of the model and the weaker ones the first that these transactions refute: it has the most exact name."""
    for name, weaker in MODELS.items() if len(members) <= EXPLAINED_MAX else ():
        if name in implied(model.name) and weaker.family is not Family.WRITES:
            try:
                if refute(excerpt(found.history, members, weaker.order), weaker.family) is not None:
                    return weaker
            except Undecided:
                continue
    return model


def _told(found: Verdicts, model: Model, members: frozenset[int], asked: Model) -> Iterator[Anomaly]:
    scene = excerpt(found.history, members, model.order)
    refutation: Refutation | None = None
    try:
        scene = shortened(scene, model.family)
        refutation = refute(scene, model.family)
    except Undecided:
        pass
    if refutation is None:
        yield _listed(scene, model)
        return
    why_not = objection(found.history.transactions, refutation, model.family, model.order)
    assert why_not is None, f"the evidence against {model.name} does not hold: {why_not}"
    text, details = explain_refutation(scene, refutation)
    operations = shown(found.history.transactions, _in_order(scene, refutation))
    details |= {"transactions": len(scene.members)}
    types = types_of(scene, refutation)
    for type_ in [*types, *_besides(refutation, types[0], asked)]:
        updated = type_.startswith(LOST_UPDATE) and _updated(scene)
        story = explain_lost_update(scene, *updated) if updated else text
        if type_ == CYCLIC_VERSIONS:
            story = f"Each overwrote the version that it had read, all in a circle: {text}"
        yield Anomaly(type_, operations, story, details)


def _listed(scene: Excerpt, model: Model) -> Anomaly:
    """More transactions than a story is told of."""
    names = ", ".join(f"T{scene.history.transactions[number].invoke}" for number in scene.members[:EXPLAINED_MAX])
    more = f" and {len(scene.members) - EXPLAINED_MAX} more" * (len(scene.members) > EXPLAINED_MAX)
    suffix = _SUFFIXES[list(Order).index(model.order)]
    type_ = _OF_FAMILY.get(model.family, "G2-item" if model.family is Family.ANY else "G-single") + suffix
    text = f"{names}{more} fit no order: whatever the order of their writes, some dependencies form a cycle."
    return Anomaly(type_, shown(scene.history.transactions, scene.members), text,
                   {"transactions": len(scene.members)})  # fmt: skip


def _in_order(scene: Excerpt, found: Refutation) -> list[int]:
    """The members, those of the cycles first."""
    cycles = [number for case in found.all_cases() for number in case.cycle.numbers]
    return list(dict.fromkeys([*cycles, *scene.members]))


def types_of(scene: Excerpt, found: Refutation) -> list[str]:
    """What the refutation is called: of all that must be forbidden for it, what only the strongest levels forbid, in
    the form that it needs; and by its shape, too."""
    cases = list(found.all_cases())
    suffix = max((_suffix(each.type) for each in cases), key=_SUFFIXES.index)
    bases = [_base(scene, each) for each in cases]
    pair = found.pair if found.cases and all(each.cycle is not None for each in found.cases) else None
    if pair is not None and _same_version(scene, *pair) and {"G-single", LOST_UPDATE} & set(bases):
        return [LOST_UPDATE + suffix]
    type_ = max(bases, key=SEVERITY.index)
    if type_ == ITEMS and any(_is_phantom(scene, each.read) for case in cases for each in case.grounds if each.read):
        type_ = PREDICATES
    shapes = {SHAPES.get(tuple(each.cycle.kinds)) for each in _ends(found) if each is not None}
    by_shape = [shape for shape, types in _TYPES_OF_SHAPE.items() if shape in shapes and type_ in types]
    circle = [CYCLIC_VERSIONS] if not suffix and found.cycle is not None and _circle(scene, found.cycle) else []
    return [type_ + suffix, *by_shape, *circle]


def _besides(found: Refutation, type_: str, asked: Model) -> Iterator[str]:
    """What else a read of part of a transaction is called, where the level that was asked for forbids that, too."""
    if type_ not in (MONOTONIC, FRACTURED_READ):
        return
    if type_ == MONOTONIC and "read-atomic" in implied(asked.name):
        yield FRACTURED_READ
    cycles = [None if each is None else each.cycle.kinds for each in _ends(found)]
    names = {each and cycle_name(each) for each in cycles}
    if len(names) == 1 and all(each and forbids_kinds(asked.family, asked.order, each) for each in cycles):
        yield from (each for each in names if each)


def _ends(found: Refutation) -> list[Case | None]:
    """What is forbidden in the end; in either case, where there are two."""
    return [found.cycle] if found.cycle is not None else [case.cycle for case in found.cases or ()]


def _circle(scene: Excerpt, case: Case) -> bool:
    """Whether each of the cycle wrote a register over the version that it had read, and the next one did over that."""
    keys = [
        {each.key for each in scene.reads if (each.writer, each.reader) == (edge.source, edge.target)
         and edge.target in scene.writers.get(each.key, ())} if edge.kind == WR else set()
        for edge in case.cycle.edges
    ]  # fmt: skip
    return bool(set.intersection(*keys))


def _suffix(type_: str) -> str:
    return _SUFFIXES[suffix_rank(type_)]


def _base(scene: Excerpt, case: Case) -> str:
    base = case.type.removesuffix("-realtime").removesuffix("-process")
    reads = [each.read for each in case.grounds if each.read is not None]
    if len(case.cycle.edges) == len(reads) == 2 and _same_version(scene, *case.cycle.numbers):
        return LOST_UPDATE
    return base


def _is_phantom(scene: Excerpt, seen: Seen) -> bool:
    """Whether it is the part of a predicate read that missed a key, which somebody else wrote."""
    reads = scene.history.transactions[seen.reader].reads
    return any(misses_key(read) for read in reads if (read.place, read.key) == (seen.place, seen.key))


def _updated(scene: Excerpt) -> tuple[int, int] | None:
    """Two members that overwrote the same version, which both had read."""
    return next((pair for pair in combinations(scene.members, 2) if _same_version(scene, *pair)), None)


def _same_version(scene: Excerpt, first: int, second: int) -> bool:
    """Whether both read the same version of a register, and both wrote it."""
    ours = {(each.key, each.writer) for each in scene.reads if each.reader == first}
    theirs = {(each.key, each.writer) for each in scene.reads if each.reader == second}
    return any({first, second} <= set(scene.writers.get(key, ())) for key, _ in ours & theirs)
