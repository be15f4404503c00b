"""The campaign on columns: random small histories of one to three keys, decided on columns, against brute force.

    python -m benchmarks.linearizable_fuzz --columns [--histories 100000] [--models all] [--seed 0]

Of each history every object that is decided on columns must have the verdict of brute force; its linearization must
pass ``certificate.refute``, which knows nothing of columns, and what refutes it must be a witness. Registers whose
values are not distinct are searched, however few operations they have. A linearization that was changed at random must
be refused by ``replay`` exactly when ``certificate.refute`` refuses it. Of every few histories the whole of ``check``
is asked, too: verdict, minimal witnesses, linearizations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from time import monotonic
from typing import Any, Final, Literal, NamedTuple

from benchmarks import random_history, random_object
from benchmarks.linearizable_fuzz import CAS_REGISTER, Tally, examine_witness, examine_witnesses
from checkers.guard import Unsupported
from checkers.linearizable import brute, check, columnar
from checkers.linearizable.certificate import refute, refute_large
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Reading
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, by_key
from checkers.value import Codes
from harness.columns import PADDING, Columns, columns_of
from harness.formats.jsonl_columns import columns_in
from harness.history import History, Op

MODELS: Final = ("register", CAS_REGISTER, "queue", "unordered-queue", "stack", "pqueue", "set")
OTHER_VALUES: Final = {1: "a", 2: [2], 3: True, 4: 4.0, 5: None, 6: 2**70}
NilReads = Literal["value", "unknown"]


class Case(NamedTuple):
    """A history to examine."""

    name: str
    model: str
    history: History
    columns: Columns
    initial: Any
    nil_reads: NilReads


class Object(NamedTuple):
    """An object as it is read from operations, with what was made of it on columns and its number there."""

    key: KeyHistory
    number: int
    verdict: int


def campaign(
    histories: int,
    seed: int,
    deadline: float,
    models: Sequence[str] = MODELS,
    check_every: int = 20,
    witness_every: int = 1,
) -> Tally:
    """Examine that many histories of each model; of one in ``check_every`` what the whole of ``check`` says, of one in
    ``witness_every`` what refutes it."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        for model in models:
            case = _case(model, number)
            witnesses = number % witness_every == 0
            examine(tally, case, Random(number), checked=number % check_every == 0, witnesses=witnesses)
        tally.counts["histories"] += 1
    return tally


def _case(model: str, number: int) -> Case:
    random = Random(f"columns {model} {number}")
    nil_reads: NilReads = random.choice(("value", "value", "unknown"))
    initial = None
    if model == CAS_REGISTER and random.random() < 0.7:
        lines, initial = random_history.small(random)
        lines = [op if op.key is None else replace(op, key=f"{type(op.key).__name__} {op.key}") for op in lines]
    else:
        thing = "register" if model == CAS_REGISTER else model
        parts = [_lines(thing, random) for _ in range(random.choice((1, 1, 2, 3)))]
        lines = _mixed(parts, random)
    history = History(lines)
    columns = _written(history) if random.random() < 0.5 else columns_of(history)
    assert columns is not None, "numpy is there, and all keys are strings"
    return Case(f"{model}, seed {number}, nil {nil_reads}", model, history, columns, initial, nil_reads)


def _written(history: History) -> Columns | None:
    """The columns of the same history, as the reader of large files makes them."""
    names = ("type", "process", "f", "value", "key")
    text = "".join(json.dumps({name: getattr(op, name) for name in names}) + "\n" for op in history)
    return columns_in(bytearray(text.encode() + bytes(PADDING)), 0)


def _lines(model: str, random: Random) -> list[Op]:
    """One object's, of distinct values most often, wrong most often, and of odd values now and then."""
    if random.random() < 0.25:
        lines, _, _ = random_object.small(model, random)
    else:
        thing, _ = random_object.make(model, random, distinct=True)
        faulty = random_object.Faulty(thing, random, random.choice((0.3, 0.7)))
        crash_share = random.choice((0, 0, 0.1, 0.2))
        lines = random_object.play(faulty, random.randint(4, 12), random.randint(1, 4), crash_share, random)
        lines = random_object.spoil(lines, random, random.choice((0, 2, 4, 8) if model != "set" else (2, 6, 12)))
    if random.random() < 0.2:
        odd = OTHER_VALUES if model != "set" else {1: "a", 2: (2,), 4: 4.0, 6: 2**70}
        lines = [replace(op, value=odd.get(op.value, op.value)) if type(op.value) is int else op for op in lines]
    return lines


def _mixed(parts: Sequence[Sequence[Op]], random: Random) -> list[Op]:
    """Several objects' lines, each of a key of its own, in any order that keeps each one's."""
    waiting = {f"k{number}": list(lines) for number, lines in enumerate(parts) if lines}
    mixed = []
    while waiting:
        key = random.choice(sorted(waiting))
        op = waiting[key].pop(0)
        process = int(op.process) * len(parts) + int(key[1:])
        mixed.append(replace(op, process=process, key=key if len(parts) > 1 else None))
        if not waiting[key]:
            del waiting[key]
    return mixed


def examine(tally: Tally, case: Case, random: Random, *, checked: bool, witnesses: bool) -> None:
    """Decide one history on its columns, and compare; what was seen goes into the tally."""
    columns = case.columns
    model, reading = BY_NAME[case.model], Reading(Codes(), case.nil_reads == "value")
    read = columnar.read(columns, model, case.initial, reading, Limit())
    if read is None:
        tally.expect(not len(case.history), f"{case.name}: nothing was read")
        return
    found = columnar.decide(read, Limit(), searched_min=0)
    tally.expect(not columnar.objections(read, found), f"{case.name}: {columnar.objections(read, found)}")
    try:
        keys = by_key(case.history, model, reading.codes, case.nil_reads, case.initial)
    except Unsupported:
        tally.counts["unsupported"] += 1
        tally.expect((found.verdicts == columnar.LEFT).any(), f"{case.name}: decided what the model cannot read")
        return
    truths = {}
    for each in _objects(columns.key_names, found, keys):
        truths[each.number] = _examine_object(tally, case, each, found, witnesses=witnesses)
    tally.counts[f"{case.model}: {'invalid' if False in truths.values() else 'valid'} histories"] += 1
    if not (found.verdicts == columnar.LEFT).any() and all(truths.values()):
        _examine_changed(tally, case, read, found, keys, random)
    if checked:
        _examine_check(tally, case, keys)


def _objects(names: Sequence[Any], found: columnar.Objects, keys: Sequence[KeyHistory]) -> Iterator[Object]:
    """The objects that are decided on columns. A key that is left as a whole may be many objects by operations."""
    codes = found.keys.tolist()
    expanded = len(keys) != len(found)
    left = {names[c] if c >= 0 else None for c, v in zip(codes, found.verdicts, strict=True) if v == columnar.LEFT}
    kept = [key for key in keys if not expanded or key.key not in left]
    numbers = [i for i, c in enumerate(codes) if not expanded or (names[c] if c >= 0 else None) not in left]
    for key, number in zip(kept, numbers, strict=True):
        assert key.key == (names[codes[number]] if codes[number] >= 0 else None), "objects are in the same order"
        yield Object(key, number, int(found.verdicts[number]))


def _examine_object(tally: Tally, case: Case, each: Object, found: columnar.Objects, *, witnesses: bool) -> bool | None:
    """The truth, None if the object is left or undecided."""
    if each.verdict == columnar.LEFT:
        tally.counts[f"{case.model}: left"] += 1
        return None
    truth = brute.decide(each.key.model, each.key.initial, each.key.required, each.key.optional)
    if truth is None:
        tally.counts["undecided by brute force"] += 1
        return None
    algorithm = "search" if found.by_search(each.number) else found.algorithm
    tally.counts[f"{case.model}: {truth} by {algorithm}"] += 1
    valid = each.verdict == columnar.VALID
    name = f"{case.name}: key {each.key.key}"
    tally.expect(valid is truth, f"{name}: columns say {valid}, brute force {truth}")
    if valid:
        at = {operation.invoke: operation for operation in (*each.key.required, *each.key.optional)}
        objection = refute(each.key, [at[invoke] for invoke in found.order(each.number).tolist()])
        tally.expect(objection is None, f"{name}: {objection}")
    elif witnesses:
        blame = found.blame(each.number)
        tally.expect(set(blame.refuted) <= set(blame.involved), f"{name}: refuted by what is not involved")
        examine_witness(tally, name, each.key, set(blame.refuted))
    return truth


def _examine_changed(
    tally: Tally,
    case: Case,
    read: columnar.Read,
    found: columnar.Objects,
    keys: Sequence[KeyHistory],
    random: Random,
) -> None:
    """Linearizations, one of them changed, refused here and there for the same reason: or not."""
    orders = [found.order(number).tolist() for number in range(len(found))]
    number = random.randrange(len(orders))
    operations = {each.invoke: each for each in (*keys[number].required, *keys[number].optional)}
    orders[number] = _changed(orders[number], sorted(operations), random)
    objection = refute(keys[number], [operations[invoke] for invoke in orders[number]])
    replayed = columnar.replayed(read, orders)
    tally.counts[f"changed linearizations {'refused' if replayed else 'accepted'}"] += 1
    tally.expect(
        (objection is None) is (replayed is None), f"{case.name}: {orders[number]}: {objection} but {replayed}"
    )


def _changed(order: list[int], all_: Sequence[int], random: Random) -> list[int]:
    changed = list(order)
    kind = random.randrange(4)
    if kind == 0 and changed:
        del changed[random.randrange(len(changed))]
    elif kind == 1 and all_:
        changed.insert(random.randint(0, len(changed)), random.choice(all_))
    elif len(changed) > 1:
        a, b = random.sample(range(len(changed)), 2)
        changed[a], changed[b] = changed[b], changed[a]
    return changed


def _examine_check(tally: Tally, case: Case, keys: Sequence[KeyHistory]) -> None:
    """The whole, on a history that has columns though it is small."""
    large = History.from_columns(case.columns)
    truths = [brute.decide(key.model, key.initial, key.required, key.optional) for key in keys]
    if None in truths:
        return
    options: dict[str, Any] = {"model": case.model, "initial": case.initial, "nil_reads": case.nil_reads}
    result = check(large, certify=True, **options)
    tally.counts["verdicts by check"] += 1
    tally.expect(result.valid is all(truths), f"{case.name}: check says {result.valid}: {result}")
    examine_witnesses(tally, case.name, result, keys, truths)
    if result.valid is True:
        orders = [each["order"] for each in result.details["linearizations"]]
        _examine_certificate(tally, case, large, orders, keys)


def _examine_certificate(
    tally: Tally, case: Case, large: History, orders: Sequence[Sequence[int]], keys: Sequence[KeyHistory]
) -> None:
    for key, order in zip(keys, orders, strict=True):
        at = {operation.invoke: operation for operation in (*key.required, *key.optional)}
        objection = refute(key, [at[invoke] for invoke in order])
        tally.expect(objection is None, f"{case.name}: its certificate: {objection}")
    try:
        reading = Reading(Codes(), case.nil_reads == "value")
        objection = refute_large(large, BY_NAME[case.model], reading, case.initial, orders)
    except Unsupported:
        return
    tally.counts["certificates replayed on columns"] += 1
    tally.expect(objection is None, f"{case.name}: its certificate, on columns: {objection}")
