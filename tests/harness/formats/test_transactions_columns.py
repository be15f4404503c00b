"""The compiled reader of transactions: what it reads is what Python's own reads, and what is odd it leaves."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest

from harness.columns import (
    APPEND,
    NULL,
    PADDING,
    READ,
    READ_LIST,
    READ_NOTHING,
    READ_NULL,
    TEXTS,
    WRITE,
    Columns,
    Micros,
)
from harness.formats import jsonl_columns, transactions_columns
from harness.history import INVOKE

ATOMS = (0, 1, 2, 10, 12, 123, -1, -12, 2**61, "a", "b", "a,b", "a]b", "1", "", "é", 1234567890123)
ODD = (1.5, True, [1], {"a": 1}, 2**61 + 1, 2**63, 'q"', "line\n", "\\")


def columns_of(lines: list[tuple[str, int, Any]], separators: tuple[str, str] = (", ", ": ")) -> Columns:
    fields = ({"type": kind, "process": process, "f": "txn", "value": value} for kind, process, value in lines)
    text = "".join(json.dumps(each, separators=separators, ensure_ascii=False) + "\n" for each in fields)
    columns = jsonl_columns.columns_in(bytearray(text.encode()) + bytes(PADDING), 0)
    assert columns is not None
    return columns


def read(columns: Columns) -> Micros | None:
    return columns.micros(np.flatnonzero(columns.types == INVOKE))


def value(micros: Micros, number: int) -> Any:
    return None if number == NULL else micros.text(number - TEXTS) if number >= TEXTS else number


def told(micros: Micros) -> list[list[list[Any]]] | None:
    """All micro-operations as JSON has them; None if some key is mixed."""
    if micros.mixed.any():
        return None
    shown = [[value(micros, int(number)) for number in micros.shown[micros.shown_keys == key]]
             for key in range(len(micros.mixed))]  # fmt: skip
    found: list[list[Any]] = []
    for act, key, number, length in zip(micros.acts, micros.keys, micros.numbers, micros.lengths, strict=True):
        name = {APPEND: "append", WRITE: "w"}.get(int(act), "r")
        rest: list[Any] = [value(micros, int(number))] if act in (APPEND, WRITE, READ) else []
        rest = [None] if act == READ_NULL else [shown[key][:length]] if act == READ_LIST else rest
        assert rest or act == READ_NOTHING
        found.append([name, micros.key(int(key)), *rest])
    ends = micros.firsts.tolist()
    return [found[first:end] for first, end in pairwise(ends)]


def random_value(random: Random, lists: dict[Any, list[Any]], odd: float) -> list[list[Any]]:
    listed = []
    for _ in range(random.randrange(4)):
        key = random.choice(ATOMS[:12])
        whole = lists.setdefault(key, random.sample(ATOMS, random.randrange(len(ATOMS))))
        micro = random.choice([["append", key, random.choice(ATOMS)], ["r", key, whole[: random.randrange(12)]],
                               ["r", key, whole], ["r", key, None], ["r", key], ["w", key, random.choice(ATOMS)],
                               ["w", key, None], ["r", key, random.choice(ATOMS)]])  # fmt: skip
        if random.random() < odd:
            micro = random.choice([["append", key, random.choice(ODD)], ["append", key, None], ["append", key],
                                   ["r", random.choice(ODD[:5]), None], ["r"], [], "r", ["r", key, [None]], ["R", key],
                                   ["r", key, [1, random.choice(ODD)]], ["append", key, 1, 2], None])  # fmt: skip
        listed.append(micro)
    return listed


@pytest.mark.parametrize("odd", [0.0, 0.02])
def test_random_transactions(odd: float) -> None:
    random = Random(f"micros {odd}")
    known = 0
    for _ in range(400):
        lists: dict[Any, list[Any]] = {}
        values = [random_value(random, lists, odd) for _ in range(random.randrange(1, 12))]
        lines = [line for number, each in enumerate(values) for line in (("invoke", number, []), ("ok", number, each))]
        micros = read(columns_of(lines, random.choice([(",", ":"), (", ", ": "), (" ,\t", ":")])))
        assert micros is not None or odd, values
        if micros is not None:
            known += 1
            assert told(micros) == values
    assert known > 200


def test_what_is_odd_is_left() -> None:
    for odd in ODD:
        assert read(columns_of([("invoke", 0, []), ("ok", 0, [["append", 1, odd]])])) is None
        assert read(columns_of([("invoke", 0, []), ("ok", 0, [["r", 1, [0, odd]]])])) is None
    for whole in (None, 5, "x", {}, [[]], [5], [["append", 1, None]], [["r", 1, 2, 3]], [["w", 1]], [["r", None, 1]]):
        assert read(columns_of([("invoke", 0, []), ("ok", 0, whole)])) is None, whole


def test_lists_that_are_no_parts_of_each_other_are_mixed() -> None:
    for first, second in (([1, 2], [1, 3]), ([1, 2], [2]), ([12], [1]), ([1], [12]), (["a]"], ["a"]), (["a,b"], ["a"]),
                          ([1, 2, 3], [1, 23])):  # fmt: skip
        micros = read(columns_of([("invoke", 0, []), ("ok", 0, [["r", 7, first], ["r", 7, second], ["r", 8, [1]]])]))
        assert micros is not None
        assert micros.mixed.tolist() == [1, 0], (first, second)


def test_of_what_did_not_happen_the_fuller_half_counts() -> None:
    some, more = [["append", 1, 1]], [["r", 1, 5], ["append", 1, 2]]
    for asked, answered, expected in ((some, more, more), (more, some, more), (some, None, some), (None, None, []),
                                      ([["append", 1, 3]], some, some)):  # fmt: skip
        for outcome in ("fail", "info"):
            micros = read(columns_of([("invoke", 0, asked), (outcome, 0, answered), ("invoke", 1, some)]))
            assert micros is not None
            assert told(micros) == [[each[:2] if each[0] == "r" else each for each in expected], some]


def test_there_is_space_for_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions_columns, "KEYS_FIRST", 2)
    monkeypatch.setattr(transactions_columns, "TEXTS_FIRST", 2)
    values = [[["append", f"key {key}", f"element {key} {number}"] for key in range(40)]
              + [["r", f"key {key}", [f"element {key} {each}" for each in range(number)]] for key in range(40)]
              for number in range(20)]  # fmt: skip
    lines = [line for number, each in enumerate(values) for line in (("invoke", number, []), ("ok", number, each))]
    micros = read(columns_of(lines))
    assert micros is not None
    assert told(micros) == values
