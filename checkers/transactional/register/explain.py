"""The story of a refutation: which reads and orders forbid what, edge by edge in words, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from checkers.transactional.composite.cell import missed, misses_key, plain_key, plain_values, saw, told_of
from checkers.transactional.cycle import Edge
from checkers.transactional.explain import explain_edge as explain_order
from checkers.transactional.explain import key_text, transaction_name
from checkers.transactional.graph import KINDS, RW, WR, WW
from checkers.transactional.register.excerpt import Case, Excerpt, Ground, Seen
from checkers.transactional.register.history import INITIAL, RegisterHistory
from checkers.transactional.register.refutation import Forced, Refutation
from checkers.transactional.transaction import Atom, Read, value_of
from checkers.transactional.version_order import (
    ABORTED_READ,
    DIRTY_UPDATE,
    FUTURE_READ,
    INTERMEDIATE_READ,
    INTERNAL,
    Inference,
    Observation,
)
from checkers.value import plain, show

_TOLD_MAX: Final = 12
_FORCED_TOLD_MAX: Final = 4


def explain_refutation(scene: Excerpt, found: Refutation) -> tuple[str, dict[str, Any]]:
    """In words, and {edges} of a cycle, or {pair, cases} of a choice; with {forced} where orders were forced first."""
    keys = {ground.pair: ground.read.key for case in found.all_cases() for ground in case.grounds if ground.read}
    forced = [explain_forced(scene, each, keys.get(each.pair)) for each in found.forced]
    details: dict[str, Any] = {"forced": [data for _, data in forced]} if forced else {}
    texts = [text for text, _ in forced[:_FORCED_TOLD_MAX]]
    if len(forced) > _FORCED_TOLD_MAX:
        texts.append(f"And {len(forced) - _FORCED_TOLD_MAX} more orders of writes are forced.")
    if found.cycle is not None:
        text, edges = explain_case(scene, found.cycle)
        return " ".join((text, *texts)), {"edges": edges, **details}
    assert found.pair is not None, "no cycle: then a pair"
    assert found.cases is not None, "a pair has two cases"
    first, second = (_name(scene.history, number) for number in found.pair)
    key = _common(scene, *found.pair)
    cases = [explain_refutation(scene, case) for case in found.cases]
    text = (f"{first} and {second} both wrote {key_text(key)}, and neither order is allowed. If {first} wrote first: "
            f"{cases[0][0]} If {second} did: {cases[1][0]}")  # fmt: skip
    pair = [scene.history.transactions[number].invoke for number in found.pair]
    return " ".join((text, *texts)), {"pair": pair, "cases": [data for _, data in cases], **details}


def explain_lost_update(scene: Excerpt, first: int, second: int) -> str:
    """Two transactions overwrote the same version, which both had read."""
    history = scene.history
    reads = {(each.key, each.writer): each for each in scene.reads if each.reader == first}
    seen = next(reads[each.key, each.writer] for each in scene.reads if each.reader == second
                and (each.key, each.writer) in reads and {first, second} <= set(scene.writers[each.key]))  # fmt: skip
    read = f"{key_text(seen.key)}={_text(_value(history, seen))}"
    wrote = " and ".join(_written(history, number, seen.key) for number in (first, second))
    return (f"{_name(history, first)} and {_name(history, second)} both read {read} and wrote over it ({wrote}): "
            "whichever wrote last did so without the other's write.")  # fmt: skip


def explain_forced(scene: Excerpt, forced: Forced, key: Atom = None) -> tuple[str, dict[str, Any]]:
    """Why one transaction wrote before another; ``key`` is the register that matters, if it is one."""
    first, second = forced.pair
    key = _common(scene, first, second) if key is None else key
    text, edges = explain_case(scene, forced.otherwise)
    others = [edge for edge in forced.otherwise.cycle.edges if edge != Edge(second, first, WW)]
    history = scene.history
    claim = (f"{_name(history, first)} wrote {key_text(key)}={_written(history, first, key)} before "
             f"{_name(history, second)} wrote {_written(history, second, key)}")  # fmt: skip
    if len(others) + 1 == len(edges) and all(edge.kind not in (RW, WW) for edge in others):
        texts = [explain_edge(scene, edge, Ground())[0] for edge in others]
        text = f"{claim}: {'; '.join(texts)}."
    else:
        text = f"{claim}; else: {text}"
    lines = [history.transactions[number].invoke for number in forced.pair]
    return text, {"order": lines, "key": plain(value_of(key)), "otherwise": edges}


def explain_case(scene: Excerpt, case: Case) -> tuple[str, list[dict[str, Any]]]:
    """All edges of the cycle. What a read missed comes first, if it is one read."""
    edges = list(zip(case.cycle.edges, case.grounds, strict=True))
    missed = [place for place, (edge, _) in enumerate(edges) if edge.kind == RW]
    if len(missed) == 1:
        edges = edges[missed[0] :] + edges[: missed[0]]
    told = [explain_edge(scene, edge, ground) for edge, ground in edges]
    texts = [text for text, _ in told[:_TOLD_MAX]]
    if len(told) > _TOLD_MAX:
        texts.append(f"and {len(told) - _TOLD_MAX} more")
    if len(missed) == 1:
        return f"{texts[0]}, although {'; '.join(texts[1:])}.", [details for _, details in told]
    return f"{'; '.join(texts)}: no order of these {len(told)} is possible.", [details for _, details in told]


def explain_edge(scene: Excerpt, edge: Edge, ground: Ground) -> tuple[str, dict[str, Any]]:
    """Why the target comes after the source, and {from, to, type, key, values}."""
    history = scene.history
    if edge.kind not in (WR, WW, RW):
        return explain_order(Inference(history.transactions, [], {}, []), edge)
    source, target = history.transactions[edge.source], history.transactions[edge.target]
    first, second = transaction_name(source), transaction_name(target)
    if edge.kind == WW:
        key = _common(scene, edge.source, edge.target)
        text = (f"{second}'s write of {_written(history, edge.target, key)} to {key_text(key)} came after {first}'s of "
                f"{_written(history, edge.source, key)}")  # fmt: skip
        values = [source.appends[key][-1], target.appends[key][-1]]
    elif edge.kind == WR:
        seen = next(each for each in scene.reads if (each.writer, each.reader) == (edge.source, edge.target))
        read, key = _read(history, seen), seen.key
        value = read.elements[0]
        text = f"{second} read {key_text(key)}={_text(value)}, which {first} wrote" if told_of(read) is None else saw(
            target, read, source)  # fmt: skip
        values = [value]
    else:
        assert ground.read is not None, "a read missed it"
        read, key = _read(history, ground.read), ground.read.key
        value = read.elements[0]
        initial = " its initial value," if ground.read.writer == INITIAL else ""
        text = (f"{first} read {key_text(key)}={_text(value)},{initial} "
                f"without {second}'s write of {_written(history, edge.target, key)}")  # fmt: skip
        text = text if told_of(read) is None else missed(source, read, target)
        values = [value, target.appends[key][-1]]
    return text, {"from": source.invoke, "to": target.invoke, "type": KINDS[edge.kind],
                  "key": plain_key(key), "values": plain_values(key, values)}  # fmt: skip


def explain_observation(found: Observation) -> str:
    """One wrong read in a sentence."""
    name, read = transaction_name(found.reader), found.read
    value = _text(read.elements[0])
    told = told_of(read)
    what = f"{name} read {f'{key_text(read.key)}={value}' if told is None else f'{told}'}"
    other = "" if found.other is None else transaction_name(found.other)
    if told is not None:
        return _explain_part(found, f"{what}, {_part(read)}")
    match found.type:
        case str(each) if each == INTERNAL:
            return f"{what}, though it had itself written {_text(found.reader.appends[read.key][read.own - 1])} before."
        case str(each) if each == FUTURE_READ:
            return f"{what} before it wrote that itself."
        case str(each) if each == ABORTED_READ:
            return f"{what}, and {other}, which wrote that, had failed."
        case str(each) if each == INTERMEDIATE_READ and found.other is not None:
            last = _text(found.other.appends[read.key][-1])
            return f"{what}: {other} wrote that, and then {last}, which it did not see."
        case str(each) if each == DIRTY_UPDATE and found.element is not None:
            return (
                f"{what}, which {other} wrote over {_text(found.element)}, the write of a transaction that had failed."
            )
    return f"{what}, and nobody ever wrote that."


def _part(read: Read) -> str:
    key = key_text(read.key)
    return f"without {key}" if misses_key(read) else f"in which {key}={_text(read.elements[0])}"


def _explain_part(found: Observation, what: str) -> str:
    """What is wrong with one key of a predicate read."""
    key, reader, other = found.read.key, found.reader, found.other
    if found.read.own:
        return f"{what}, though it had itself written {_text(reader.appends[key][found.read.own - 1])} there before."
    if found.type == FUTURE_READ:
        return f"{what}, before it wrote that itself."
    if other is not None and found.type == ABORTED_READ:
        return f"{what}, and {transaction_name(other)}, which wrote that, had failed."
    if other is not None and found.type == INTERMEDIATE_READ:
        last = _text(other.appends[key][-1])
        return f"{what}: {transaction_name(other)} wrote that, and then {last}, which it did not see."
    if other is not None and found.element is not None:
        return (f"{what}, which {transaction_name(other)} wrote over {_text(found.element)}, the write of a "
                "transaction that had failed.")  # fmt: skip
    if misses_key(found.read):
        return f"{what}, which always had a value: nobody ever removed it."
    return f"{what}, and nobody ever wrote that."


def _name(history: RegisterHistory, number: int) -> str:
    return transaction_name(history.transactions[number])


def _common(scene: Excerpt, first: int, second: int) -> Atom:
    """A register that both wrote; of several one that a member read."""
    keys: Sequence[Atom] = [key for key, writers in scene.writers.items() if first in writers and second in writers]
    read = {each.key for each in scene.reads if each.writer in (first, second)}
    return next((key for key in keys if key in read), keys[0])


def _value(history: RegisterHistory, seen: Seen) -> Atom:
    return _read(history, seen).elements[0]


def _read(history: RegisterHistory, seen: Seen) -> Read:
    reader = history.transactions[seen.reader]
    return next(read for read in reader.reads if (read.place, read.key) == (seen.place, seen.key))


def _written(history: RegisterHistory, writer: int, key: Atom) -> str:
    return _text(history.transactions[writer].appends[key][-1])


def _text(atom: Atom) -> str:
    return show(value_of(atom))
