"""Commit orders of large histories of lists, made by arrays: each proves its level, plainly checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from benchmarks.random_transactions import LEVELS, random_shape, stored, unread
from benchmarks.transactions_columnar_fuzz import text_of, with_columns
from checkers.guard import OutOfTimeError
from checkers.transactional import MODELS, columnar
from checkers.transactional.axiom import refute
from checkers.transactional.graph import Graph
from checkers.transactional.transaction import transactions
from checkers.transactional.verdict import Verdicts
from harness.history import History, Op


def verdicts(lines: list[Op], random: Random) -> Verdicts | None:
    columns = with_columns(text_of(random, lines)).columns
    assert columns is not None
    found = columnar.examined(columns, None)
    return None if found is None else Verdicts(found.inference, Graph(0), [], found.scenes, found)


def test_every_level_that_holds() -> None:
    proved: Counter[str] = Counter()
    for number in range(60):
        random = Random(number)
        lines = unread(random, 6) if number % 2 else stored(random, LEVELS[number % 5], random_shape(random))
        found, listed = verdicts(lines, random), transactions(History(lines))
        for level in random.sample(list(MODELS), 8) if found else ():
            if found and found.of(MODELS[level]) is True:
                order = columnar.proved(found, MODELS[level])
                assert refute(listed, order, MODELS[level]) is None, (number, level)
                proved[MODELS[level].family.name] += 1
    assert min(proved.values()) >= 3, proved
    assert len(proved) > 9, proved


def test_past_the_time_limit_there_is_none() -> None:
    found = verdicts(stored(Random(0), LEVELS[0]), Random(0))
    assert found is not None
    assert found.large is not None
    late = Verdicts(found.inference, found.graph, [], found.scenes, replace(found.large, deadline=0.0))  # type: ignore[type-var]
    with pytest.raises(OutOfTimeError, match="commit order"):
        columnar.proved(late, MODELS["serializable"])
