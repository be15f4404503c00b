"""From what forbids a level to the anomalies of a result: one of each kind, its evidence checked again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from checkers.transactional.certificate import refute_cycle
from checkers.transactional.classify import classify
from checkers.transactional.cycle import Cycle
from checkers.transactional.decide import Violation
from checkers.transactional.explain import explain_cycle, explain_observation, transaction_name
from checkers.transactional.graph import PROCESS, REALTIME, RW, WR
from checkers.transactional.lattice import MODELS, Family, Model, forbids, implied
from checkers.transactional.pattern import forbids as forbids_kinds
from checkers.transactional.tail import Dilemma
from checkers.transactional.transaction import value_of
from checkers.transactional.verdict import Verdicts
from checkers.transactional.version_order import Inference, Observation
from checkers.value import plain
from harness.result import Anomaly

WRITE_SKEW: Final = "write-skew"
LONG_FORK: Final = "long-fork"
CYCLIC_VERSIONS: Final = "cyclic-versions"  # of registers; the reads of a list tell the order of its versions
CAUSAL_REVERSE: Final = "causal-reverse"
_ORDERS: Final = (PROCESS, REALTIME)
SHAPES: Final[Mapping[tuple[int, ...], str]] = {
    (RW, RW): WRITE_SKEW, (WR, RW, WR, RW): LONG_FORK, (RW, WR, RW, WR): LONG_FORK,
    **{(RW, order, WR): CAUSAL_REVERSE for order in _ORDERS},
    **{(order, WR, RW): CAUSAL_REVERSE for order in _ORDERS},
    **{(WR, RW, order): CAUSAL_REVERSE for order in _ORDERS},
}  # fmt: skip
SEVERITY: Final = (
    "garbage-read", "duplicate-elements", "predicate-read-miss", "internal", "future-read", "incompatible-order", "G0",
    "G1a", "dirty-update", "G1b", CYCLIC_VERSIONS, "G1c", "G-monotonic", "fractured-read", "lost-update", "G-cursor",
    CAUSAL_REVERSE, "G-single", LONG_FORK, "G-nonadjacent", WRITE_SKEW, "G2-item", "G2",
)  # fmt: skip


def anomalies(found: Verdicts, model: Model) -> list[Anomaly]:
    """What forbids the model: the worst first, then by how much of sessions and real time they need."""
    listed = [*_observed(found.inference, model), *_cycles(found, model)]
    return sorted(listed, key=lambda each: (suffix_rank(each.type), severity(each.type)))


def suffix_rank(type_: str) -> int:
    """0 for what needs no order, 1 for -process, 2 for -realtime."""
    return 2 if type_.endswith("-realtime") or type_ == CAUSAL_REVERSE else 1 if type_.endswith("-process") else 0


def severity(type_: str) -> int:
    """The place in SEVERITY of a type, in any form."""
    base = type_.removesuffix("-realtime").removesuffix("-process")
    return SEVERITY.index(base)


def _observed(inference: Inference, model: Model) -> Iterator[Anomaly]:
    """One of each kind of wrong read, with how many there are."""
    by_type: dict[str, list[Observation]] = {}
    for each in inference.observations:
        if forbids(model, each.type):
            by_type.setdefault(each.type, []).append(each)
    for type_, several in by_type.items():
        first = several[0]
        operations = [*(first.other.operations if first.other else ()), *first.reader.operations]
        details: dict[str, Any] = {"key": plain(value_of(first.read.key)), "count": len(several)}
        details |= {"reader": first.reader.invoke, "place": first.read.place}
        if first.other is not None:
            details["other"] = first.other.invoke
        if first.other_read is not None:
            details["other_place"] = first.other_read.place
        if first.element is not None:
            details["element"] = plain(value_of(first.element))
        yield Anomaly(type_, tuple(dict.fromkeys(operations)), explain_observation(first), details)


def _cycles(found: Verdicts, model: Model) -> Iterator[Anomaly]:
    best = _violations(found, model)
    if best or found.scenes:
        _classify(found, model, best)
    for type_, violation in best.items():
        yield _anomaly(found.inference, type_, violation.cycle)
    shapes = dict.fromkeys(
        shape for each in best.values() if len(each.cycle.edges) <= 4
        and (shape := SHAPES.get(tuple(each.cycle.kinds))) and shape not in best
    )  # fmt: skip
    for shape in shapes:
        cycle = next(each.cycle for each in best.values() if SHAPES.get(tuple(each.cycle.kinds)) == shape)
        anomaly = _anomaly(found.inference, shape, cycle)
        if shape != WRITE_SKEW or not _of_one_list(anomaly):  # that is a lost update
            yield anomaly
    refuted = found.dilemmas.get((model.family, model.order))
    if refuted is not None:
        yield _dilemma(found.inference, refuted)


def _violations(found: Verdicts, model: Model) -> dict[str, Violation]:
    """A shortest cycle of each name that the model or a weaker one forbids."""
    best: dict[str, Violation] = {}
    for name in MODELS:
        if name in implied(model.name):
            found.of(MODELS[name])
            for each in found.violations.get((MODELS[name].family, MODELS[name].order), ()):
                if each.type not in best or len(each.cycle.edges) < len(best[each.type].cycle.edges):
                    best[each.type] = each
    return best


def _classify(found: Verdicts, model: Model, best: dict[str, Violation]) -> None:
    """The kinds that stand behind worse ones."""
    for scene in found.scenes:
        for each in classify(scene.part, model.order, best):
            if model_forbids(model, each) and _certain(found, model, each):
                best.setdefault(each.type, each)


def _certain(found: Verdicts, model: Model, violation: Violation) -> bool:
    """Whether all on the cycle committed: what was read uncommitted may be the append of one that never did."""
    outcomes = (found.inference.transactions[number].outcome for number in violation.cycle.numbers)
    return model.family is not Family.WRITES or all(outcome == "ok" for outcome in outcomes)


def model_forbids(model: Model, violation: Violation) -> bool:
    """Whether the kinds of the cycle's edges alone tell that the model forbids it."""
    return forbids_kinds(model.family, model.order, violation.cycle.kinds)


def _anomaly(inference: Inference, type_: str, cycle: Cycle) -> Anomaly:
    objection = refute_cycle(inference.transactions, cycle.edges)
    assert objection is None, f"the evidence for {type_} does not hold: {objection}"
    explanation, edges = explain_cycle(inference, cycle)
    details = {"edges": edges, "shortest": cycle.shortest, "transactions": len(cycle.edges)}
    return Anomaly(type_, _operations(inference, [cycle]), explanation, details)


def _of_one_list(anomaly: Anomaly) -> bool:
    first, *others = (edge["key"] for edge in anomaly.details["edges"])
    return all(each == first for each in others)


def _operations(inference: Inference, cycles: Iterable[Cycle]) -> tuple[int, ...]:
    numbers = dict.fromkeys(number for cycle in cycles for number in cycle.numbers)
    return tuple(line for number in numbers for line in inference.transactions[number].operations)


def _dilemma(inference: Inference, refuted: Dilemma) -> Anomaly:
    """Two appends that nobody read: in either order something is forbidden."""
    first, second = (transaction_name(inference.transactions[number]) for number in refuted.pair)
    cases = [explain_cycle(inference, each.cycle) for each in refuted.cases]
    told = [explain_cycle(inference, violation.cycle) for _, violation in refuted.forced]
    before = (
        f" (The other orders of what nobody read were excluded: {' '.join(text for text, _ in told)})" if told else ""
    )
    text = (f"Nobody read the appends of {first} and {second} to one list, and neither order is allowed. If {first}'s "
            f"came first: {cases[0][0]} If {second}'s did: {cases[1][0]}{before}")  # fmt: skip
    cycles = [each.cycle for each in (*refuted.cases, *(violation for _, violation in refuted.forced))]
    for cycle in cycles:
        objection = refute_cycle(inference.transactions, cycle.edges)
        assert objection is None, f"the evidence for {refuted.cases[0].type} does not hold: {objection}"
    details: dict[str, Any] = {"cases": [edges for _, edges in cases], "pair": _lines(inference, refuted.pair)}
    if told:
        details["forced"] = [{"order": _lines(inference, pair), "otherwise": edges}
                             for (pair, _), (_, edges) in zip(refuted.forced, told, strict=True)]  # fmt: skip
    if not refuted.complete:
        details["incomplete"] = True
    return Anomaly(refuted.cases[0].type, _operations(inference, cycles), text, details)


def _lines(inference: Inference, pair: tuple[int, int]) -> list[int]:
    return [inference.transactions[number].invoke for number in pair]
