"""Of every kind of anomaly the first one stands in front."""

from __future__ import annotations

from harness.result import Anomaly, Result
from workloads.anomaly_order import each_type_first


def test_one_of_every_kind_comes_before_the_second_of_any() -> None:
    anomalies = tuple(Anomaly(type_, (place,), "") for place, type_ in enumerate("aaabbc"))
    result = each_type_first(Result(False, "play", anomalies=anomalies))
    assert [(each.type, each.operations[0]) for each in result.anomalies] == [
        ("a", 0), ("b", 3), ("c", 5), ("a", 1), ("b", 4), ("a", 2)
    ]  # fmt: skip


def test_a_valid_result_stays_as_it_is() -> None:
    valid = Result(True, "play")
    assert each_type_first(valid) == valid
