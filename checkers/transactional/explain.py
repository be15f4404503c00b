"""The story of an anomaly, edge by edge in words, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from checkers.transactional.cycle import Cycle, Edge
from checkers.transactional.graph import KINDS, PROCESS, REALTIME, RW, WR
from checkers.transactional.transaction import Atom, Read, Transaction, value_of
from checkers.transactional.version_order import (
    ABORTED_READ,
    DIRTY_UPDATE,
    DUPLICATE_ELEMENTS,
    FUTURE_READ,
    GARBAGE_READ,
    INCOMPATIBLE_ORDER,
    INTERMEDIATE_READ,
    INTERNAL,
    Inference,
    Observation,
    Versions,
)
from checkers.value import plain, show

_SHOWN: Final = 5
_TOLD_MAX: Final = 12
_NAME_MAX: Final = 40


def transaction_name(transaction: Transaction) -> str:
    """T and the line of its invocation in the history."""
    return f"T{transaction.invoke}"


def list_text(elements: Sequence[Atom]) -> str:
    """A list, of a long one the end: that is where reads differ."""
    texts = [show(value_of(each)) for each in elements[-_SHOWN:]]
    return "[" + " ".join(["…"] * (len(elements) > _SHOWN) + texts) + "]"


def explain_edge(inference: Inference, edge: Edge) -> tuple[str, dict[str, Any]]:
    """Why the target comes after the source: a sentence without its full stop, and {from, to, type, key, elements}."""
    source, target = inference.transactions[edge.source], inference.transactions[edge.target]
    first, second = transaction_name(source), transaction_name(target)
    details: dict[str, Any] = {"from": source.invoke, "to": target.invoke, "type": KINDS[edge.kind]}
    if edge.kind == REALTIME:
        return f"{first} had completed (op {source.complete}) before {second} began (op {target.invoke})", details
    if edge.kind == PROCESS:
        session = f"process {source.process}" if source.session == source.process else "their session"
        return f"{first} came before {second} in {session}", details
    explain = {WR: _read_of, RW: _missed}.get(edge.kind, _overwritten)
    text, key, elements = explain(inference, source, target)
    details |= {"key": plain(value_of(key)), "elements": [plain(value_of(each)) for each in elements]}
    return text, details


def _keys(inference: Inference, source: Transaction, target: Transaction) -> Iterable[Versions]:
    """The lists that both touched."""
    touched = {*target.appends, *(read.key for read in target.reads)}
    keys = dict.fromkeys([*source.appends, *(read.key for read in source.reads)])
    return (inference.versions[key] for key in keys if key in touched and key in inference.versions)


def _read_of(inference: Inference, source: Transaction, target: Transaction) -> tuple[str, Atom, list[Atom]]:
    for versions in _keys(inference, source, target):
        for reader, seen, place in versions.reads:
            if reader == target.number and seen and versions.writers[seen - 1] == source.number:
                element = versions.elements[seen - 1]
                text = (f"{transaction_name(target)} read {_read(versions, target, seen, place)}, and "
                        f"{transaction_name(source)} appended {_value(element)}")  # fmt: skip
                return text, versions.key, [element]
    raise AssertionError("an edge of a read without the read")


def _missed(inference: Inference, source: Transaction, target: Transaction) -> tuple[str, Atom, list[Atom]]:
    """Of several reads that miss something of the target, the one that misses it by least."""
    found: list[tuple[int, Versions, int, int, Atom]] = []
    for versions in _keys(inference, source, target):
        if versions.key not in target.appends:
            continue
        places = [place for place, writer in enumerate(versions.writers) if writer == target.number]
        for reader, seen, place in versions.reads:
            if reader != source.number:
                continue
            behind = [each for each in places if each >= seen]
            if behind:
                found.append((behind[0] - seen, versions, seen, place, versions.elements[behind[0]]))
            elif target.number in versions.tail:
                unread = _first_unread(versions, target)
                found.append((len(versions.writers) - seen, versions, seen, place, unread))
    assert found, "an antidependency without the read"
    _, versions, seen, place, element = min(found, key=lambda each: each[0])
    text = (f"{transaction_name(source)} read {_read(versions, source, seen, place)}, without "
            f"{transaction_name(target)}'s append of {_value(element)}")  # fmt: skip
    return text, versions.key, [element]


def _overwritten(inference: Inference, source: Transaction, target: Transaction) -> tuple[str, Atom, list[Atom]]:
    first, second = transaction_name(source), transaction_name(target)
    for versions in _keys(inference, source, target):
        writers, elements = versions.writers, versions.elements
        for place in range(len(writers) - 1):
            if writers[place] == source.number and writers[place + 1] == target.number:
                text = (f"{second}'s append of {_value(elements[place + 1])} to {key_text(versions.key)} follows "
                        f"{first}'s of {_value(elements[place])}")  # fmt: skip
                return text, versions.key, [elements[place], elements[place + 1]]
        if target.number in versions.tail and source.number in versions.writers:
            element, last = (
                _first_unread(versions, target),
                elements[len(writers) - 1 - writers[::-1].index(source.number)],
            )
            text = (f"{second}'s append of {_value(element)} to {key_text(versions.key)}, which nobody read, follows "
                    f"{first}'s of {_value(last)}, which was read")  # fmt: skip
            return text, versions.key, [last, element]
    for versions in _keys(inference, source, target):
        if source.number in versions.tail and target.number in versions.tail:
            one, two = _first_unread(versions, source), _first_unread(versions, target)
            text = (f"{second}'s append of {_value(two)} to {key_text(versions.key)} follows {first}'s of "
                    f"{_value(one)} (nobody read them; the other order is refuted, too)")  # fmt: skip
            return text, versions.key, [one, two]
    for versions in _keys(inference, source, target):
        if source.number in versions.writers and target.number in versions.writers:
            one = next(e for e, w in zip(versions.elements, versions.writers, strict=True) if w == source.number)
            two = next(e for e, w in zip(versions.elements[::-1], versions.writers[::-1], strict=True)
                       if w == target.number)  # fmt: skip
            text = (f"{second}'s append of {_value(two)} to {key_text(versions.key)} comes after {first}'s of "
                    f"{_value(one)}")  # fmt: skip
            return text, versions.key, [one, two]
    raise AssertionError("an edge of versions without the versions")


def _first_unread(versions: Versions, writer: Transaction) -> Atom:
    known = set(versions.elements)
    return next(element for element in writer.appends[versions.key] if element not in known)


def _read(versions: Versions, reader: Transaction, seen: int, place: int) -> str:
    read = next(each for each in reader.reads if each.place == place)
    return f"{key_text(versions.key)}={list_text(read.elements)}"


def key_text(atom: Atom) -> str:
    """A key as a person reads it: a short name without its quotes."""
    return atom if isinstance(atom, str) and atom.isidentifier() and len(atom) <= _NAME_MAX else _value(atom)


def _value(atom: Atom) -> str:
    return show(value_of(atom))


def explain_cycle(inference: Inference, cycle: Cycle) -> tuple[str, list[dict[str, Any]]]:
    """All edges of the cycle, each in words and as JSON. What a read missed comes first, if it is one read."""
    edges = list(cycle.edges)
    missed = [place for place, edge in enumerate(edges) if edge.kind == RW]
    if len(missed) == 1:
        edges = edges[missed[0] :] + edges[: missed[0]]
    told = [explain_edge(inference, edge) for edge in edges]
    texts = [text for text, _ in told[:_TOLD_MAX]]
    if len(told) > _TOLD_MAX:
        texts.append(f"and {len(told) - _TOLD_MAX} more")
    if len(missed) == 1:
        return f"{texts[0]}, although {'; '.join(texts[1:])}.", [details for _, details in told]
    return f"{'; '.join(texts)}: no order of these {len(told)} is possible.", [details for _, details in told]


def explain_observation(found: Observation) -> str:
    """One wrong read in a sentence."""
    name, read = transaction_name(found.reader), found.read
    element = "" if found.element is None else _value(found.element)
    other = "" if found.other is None else transaction_name(found.other)
    what = f"{name} read {key_text(read.key)}={list_text(read.elements)}"
    match found.type:
        case str(each) if each == GARBAGE_READ:
            return f"{what}, and nobody ever appended {element}."
        case str(each) if each == DUPLICATE_ELEMENTS:
            return f"{what}, in which {element} stands twice; it was appended once."
        case str(each) if each == INTERNAL:
            return f"{what}, though it had itself appended {_own(found.reader, read)} just before."
        case str(each) if each == FUTURE_READ:
            return f"{what} before it appended {element} itself."
        case str(each) if each == ABORTED_READ:
            return f"{what}, and {other}, which appended {element}, had failed."
        case str(each) if each == DIRTY_UPDATE:
            return f"{what}, in which {other}'s append stands on top of {element}, whose transaction had failed."
        case str(each) if each == INTERMEDIATE_READ:
            last = _value(found.other.appends[read.key][-1]) if found.other else ""
            return f"{what}: {other} appended {element}, and then {last}, which it did not see."
        case str(each) if each == INCOMPATIBLE_ORDER and found.other_read is not None:
            theirs = f"{key_text(read.key)}={list_text(found.other_read.elements)}"
            return f"{what}, and {other} read {theirs}: no order of the appends explains both."
    return f"{what}, in which {other}'s appends do not stand in the order in which it made them."


def _own(reader: Transaction, read: Read) -> str:
    return list_text(reader.appends[read.key][: read.own])
