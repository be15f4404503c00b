"""From what refutes a level of a history of sets, counters and ranges to the anomalies of a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from checkers.transactional.anomaly import severity, suffix_rank
from checkers.transactional.composite.cell import plain_key, update_text
from checkers.transactional.composite.possibility import Wrong
from checkers.transactional.composite.verdict import Answers, Unread, World
from checkers.transactional.explain import key_text
from checkers.transactional.lattice import MODELS, Family, Model, Order, forbids, implied
from checkers.transactional.register.anomaly import anomalies as register_anomalies
from checkers.transactional.register.anomaly import observed
from checkers.transactional.register.verdict import Verdicts
from checkers.value import show
from harness.result import Anomaly

_NAMES_MAX: Final = 6
_SUFFIX: Final = {Order.NONE: "", Order.SESSION: "-process", Order.REALTIME: "-realtime"}


def anomalies(found: Answers, model: Model) -> list[Anomaly]:
    """What forbids the model: the worst first, then by how much of sessions and real time they need."""
    listed = [*_wrong(found, model), *observed(found.base, model)]
    if not listed:
        listed = [*_ordered(found, model)]
    best: dict[str, Anomaly] = {}
    for each in listed:
        if each.type not in best or len(each.operations) < len(best[each.type].operations):
            best[each.type] = each
    return sorted(best.values(), key=lambda each: (suffix_rank(each.type), severity(each.type)))


def _wrong(found: Answers, model: Model) -> Iterator[Anomaly]:
    """One of each kind of wrong read, with how many there are."""
    by_type: dict[str, list[Wrong]] = {}
    for each in found.wrong:
        if forbids(model, each.type):
            by_type.setdefault(each.type, []).append(each)
    for type_, several in by_type.items():
        first = several[0]
        operations = [line for each in (*first.others, first.reader) for line in each.operations]
        details = {"key": plain_key(first.key), "count": len(several)}
        yield Anomaly(type_, tuple(dict.fromkeys(operations)), first.text, details)


def _ordered(found: Answers, model: Model) -> Iterator[Anomaly]:
    """Of the model itself, or, where there is too much to choose from, of the weakest one that fails."""
    for name in (model.name, *(each for each in MODELS if each in implied(model.name))):
        failing = MODELS[name]
        worlds = found.possible(failing)
        if worlds is None or found.of(failing) is not False:
            continue
        unread = worlds if isinstance(worlds, Unread) else found.unread(failing) if len(worlds) > 1 else None
        if unread is not None:
            yield _unread(found, unread, failing)
        elif isinstance(worlds, list) and len(worlds) == 1:
            yield from register_anomalies(_verdicts(found, worlds[0], failing), failing)
        elif isinstance(worlds, list):
            yield _either_way(worlds, [_verdicts(found, each, failing) for each in worlds], failing)
        return


def _verdicts(found: Answers, world: World, model: Model) -> Verdicts:
    items = model.family is Family.CURSOR or model.name.endswith("repeatable-read")
    return world.items if items else world.whole


def _either_way(worlds: Sequence[World], several: Sequence[Verdicts], model: Model) -> Anomaly:
    """Every possibility is refuted: the story of the first one, and the transactions of all."""
    first = register_anomalies(several[0], model)[0]
    lines = dict.fromkeys(first.operations)
    for each in several[1:]:
        each.of(model)
        members = each.refutations[model.family, model.order] or ()
        lines.update(
            (line, None) for number in sorted(members) for line in each.history.transactions[number].operations
        )
    text = (f"{first.explanation} (What was read can be explained in {len(worlds)} ways, by other increments, adds or "
            "writes of the same; this is one of them, and none of the others is allowed.)")  # fmt: skip
    details: dict[str, Any] = {**first.details, "readings": len(worlds)}
    return replace(first, operations=tuple(lines), explanation=text, details=details)


def _unread(found: Answers, unread: Unread, model: Model) -> Anomaly:
    """A read that no choice of updates explains, those that it must have seen among them."""
    known, whole, required, excluded = unread
    transactions = found.composite.transactions
    others = [number for number in known.updates if number != whole.reader.number]
    must = [number for number in others if number in required]
    may = [number for number in others if number not in required and number not in excluded]
    read = f"T{whole.reader.invoke} read {key_text(known.key)}={show(whole.micro.value)}"
    when = "before it began" if model.order is Order.REALTIME else "before it in its session"
    texts = []
    if must:
        total = sum(known.updates[each].values[0] for each in must) if known.type == "counter" else 0
        together = f" ({total:+d} in all)" if total and len(must) > 1 else ""
        texts.append(f"{_listed(found, unread, must)}{together} had completed {when}")
    if may:
        texts.append(f"of the others {_listed(found, unread, may)} may or may not have been there")
    if len(must) + len(may) < len(others):
        later = "after it had completed" if model.order is Order.REALTIME else "after it in its session"
        texts.append(f"{len(others) - len(must) - len(may)} more came {later}")
    own = sum(micro.value for micro in whole.before) if known.type == "counter" else 0
    begin = f", beginning with {known.initial + own}," if known.type == "counter" and known.initial + own else ""
    text = f"{read}, although {'; '.join(texts)}: no choice of these{begin} gives that."
    numbers = [*must, *may] or [number for number in others if number in excluded]
    operations = [line for number in numbers for line in transactions[number].operations]
    type_ = ("G-single" if must else "G1c") + _SUFFIX[model.order]
    details = {"key": plain_key(known.key), "required": [transactions[each].invoke for each in must],
               "possible": [transactions[each].invoke for each in may]}  # fmt: skip
    return Anomaly(type_, (*operations, *whole.reader.operations), text, details)


def _listed(found: Answers, unread: Unread, numbers: Sequence[int]) -> str:
    texts = [f"T{found.composite.transactions[each].invoke}'s {update_text(unread.known.updates[each])}"
             for each in numbers[:_NAMES_MAX]]  # fmt: skip
    if len(numbers) > _NAMES_MAX:
        texts.append(f"{len(numbers) - _NAMES_MAX} more")
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
