"""A serial order from outside, executed on columns: yes only where the plain check of that order says so, too."""

from __future__ import annotations

from collections import Counter
from random import Random

from benchmarks.random_transactions import LEVELS, random_shape, small, stored
from benchmarks.transactions_columnar_fuzz import text_of, with_columns
from checkers.transactional import MODELS, columnar
from checkers.transactional.axiom import refute
from checkers.transactional.commit_order import CommitOrder
from checkers.transactional.lattice import Family
from checkers.transactional.proof import proof
from checkers.transactional.transaction import transactions
from checkers.transactional.verdict import examined
from checkers.transactional.version_order import infer
from harness.history import History

SERIAL = [model for model in MODELS.values() if model.family is Family.ANY and "serializable" in model.name]


def test_as_plainly() -> None:
    found: Counter[tuple[bool, bool]] = Counter()
    for number in range(150):
        random = Random(number)
        lines = small(random, 6) if number % 3 else stored(random, LEVELS[number % 5], random_shape(random))
        columns = with_columns(text_of(random, lines)).columns
        assert columns is not None
        listed = transactions(History(lines))
        model = random.choice(SERIAL)
        known = examined(infer(listed))
        order = [each.invoke for each in listed if each.outcome == "ok"]
        if known.of(model) is True:
            order = list(proof(known, model).order)
        if random.random() < 0.4:
            random.shuffle(order)
        plainly = refute(listed, CommitOrder(order), model) is None
        explained = columnar.replayed(columns, order, model.order)
        assert plainly or not explained, number
        found[explained, plainly] += 1
    assert found[True, True] > 30, found
    assert found[False, False] > 30, found
    assert found[False, True] < 40, found  # histories with sessions, or not plain


def test_what_is_no_order_of_the_history() -> None:
    columns = with_columns(text_of(Random(0), stored(Random(0), LEVELS[0]))).columns
    assert columns is not None
    for order in ([-1], [10**30], [1], [], [0, 0]):
        assert columnar.replayed(columns, order, SERIAL[0].order) is False
