"""Which failures are the same one."""

from __future__ import annotations

from harness.node_failure import NodeFailure
from harness.result import Anomaly, Reason, Result, unknown
from harness.search.shrink_failure import Failure, failures, shape_of


def assertion(node: str, error: str) -> Result:
    return Result(False, "set", anomalies=(NodeFailure("assertion", node, 3, "raft/core.py:120", error).anomaly(),))


def found(result: Result) -> list[Failure]:
    return [failure for failure, _ in failures(result)]


def test_an_anomaly_is_known_by_its_type_and_checker() -> None:
    first = Result(False, "linearizable", anomalies=(Anomaly("non-linearizable", (1, 2), "a read of 3"),))
    other = Result(False, "linearizable", anomalies=(Anomaly("non-linearizable", (9,), "a cas of [1, 2]"),))
    assert found(first) == found(other) == [Failure("non-linearizable", "linearizable")]
    assert found(Result(False, "set", anomalies=(Anomaly("lost", (1,), "x"),))) != found(first)


def test_an_assertion_is_known_by_what_it_says_without_numbers_and_nodes() -> None:
    assert found(assertion("n3", "term 7 fell to 6")) == found(assertion("n1", "term 12 fell to 11"))
    assert found(assertion("n3", "term 7 fell to 6")) != found(assertion("n3", "commit 7 fell to 6"))


def test_not_to_recover_is_a_failure_and_other_unknowns_are_none() -> None:
    assert [failure.type for failure in found(unknown("set", Reason.NO_RECOVERY, "nothing succeeded"))] == [
        "no-recovery"
    ]
    assert found(unknown("set", Reason.TOO_FEW_OK, "3 of 9")) == []
    assert found(Result(True, "set")) == []


def test_each_anomaly_of_a_run_is_one() -> None:
    both = Result(False, "set", anomalies=(Anomaly("lost", (), "x"), Anomaly("divergence", (), "y")))
    assert [failure.type for failure in found(both)] == ["lost", "divergence"]


def test_a_shape_is_bounded_and_on_one_line() -> None:
    assert shape_of("n12  holds\n-3.5 of key7") == "# holds # of key7"
    assert len(shape_of("x" * 10_000)) <= 300
