"""Points of a linearization: inside their operations, in its order, each before the next line."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.random_history import Shape, linearizable
from checkers.linearizable import check
from harness.history import History
from harness.report.history_view.finding import orders
from harness.report.history_view.linearization import FRACTION, points


@pytest.mark.parametrize("seed", range(30))
def test_each_operation_takes_effect_while_it_runs_and_in_order(seed: int) -> None:
    shape = Shape(60, 6, keys=("a", "b"), crashes=5)
    history = History(linearizable(shape, Random(seed)))
    found = orders(check(history, certify=True).as_json())
    assert sum(map(len, found)) > 20
    placed = points(found)
    for order in found:
        moments = []
        for rank, invoke in enumerate(order, 1):
            point = placed[invoke]
            assert point.rank == rank
            assert 0 < point.fraction < FRACTION
            moments.append(point.anchor + point.fraction / FRACTION)
            complete = history.partners[invoke]
            assert moments[-1] > invoke
            assert complete < 0 or history[complete].type != "ok" or moments[-1] < complete
        assert moments == sorted(set(moments)), "strictly one after the other"


def test_what_is_no_linearization_is_still_drawn() -> None:
    assert points([[8, 2]])[2].anchor == 8, "outside its operation, where everybody can see it"
