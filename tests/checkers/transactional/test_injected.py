"""Every anomaly of the table, alone and in a history that is valid otherwise: its levels, its name, nothing else."""

from __future__ import annotations

import pytest

from benchmarks.injected_anomalies import campaign, failing, lines_of, table
from benchmarks.planted_anomalies import LISTS, PREDICATES, REGISTERS, Planted
from benchmarks.transactions_fuzz import Tally
from checkers.causal_reverse import check as check_causal_reverse
from checkers.transactional import MODELS, brute, check
from checkers.transactional.composite import brute as composites
from checkers.transactional.composite.reading import read_composite
from checkers.transactional.lattice import STRICT
from checkers.transactional.register import brute as registers
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.transaction import transactions
from harness.history import History
from tests.checkers.transactional import notation
from tests.checkers.transactional.register import notation as register_notation

ALL = (*LISTS, *REGISTERS, *PREDICATES)
CYCLES = ("G0", "G1c", "G-single", "G-nonadjacent", "G2-item")
MUST = {
    "G0", "G1a", "G1b", "G1c", "lost-update", "write-skew", "long-fork", "G-single", "dirty-update", "internal",
    "fractured-read", "causal-reverse", "G-nonadjacent", "G2-item", "G-cursor", "G-monotonic", "incompatible-order",
    "duplicate-elements", "future-read", "garbage-read", "cyclic-versions",
    *(base + form for base in CYCLES for form in ("-process", "-realtime")),
}  # fmt: skip
OF_LISTS_ONLY = {"G0", "G0-process", "G0-realtime", "incompatible-order", "duplicate-elements"}
OF_REGISTERS_ONLY = {"cyclic-versions"}


def test_every_anomaly_is_planted_in_lists_and_in_registers_where_it_has_a_meaning() -> None:
    assert {each.name for each in LISTS} == MUST - OF_REGISTERS_ONLY
    assert {each.name for each in REGISTERS} == MUST - OF_LISTS_ONLY
    assert {each.name for each in PREDICATES} >= {
        "predicate-read-miss",
        "G2",
        "G2-process",
        "G2-realtime",
        "write-skew",
    }


@pytest.mark.parametrize("planted", ALL, ids=lambda each: f"{each.name} of {each.data}s: {each.text}")
def test_the_levels_of_the_table_are_those_of_the_definitions(planted: Planted) -> None:
    truth = definitions(planted, History(lines_of(planted.text)))
    failed = {level for level, holds in truth.items() if not holds}
    assert failed - set(planted.open) == failing(planted.weakest) - set(planted.open)


def definitions(planted: Planted, history: History) -> dict[str, bool]:
    """What brute force over all orders says of each level."""
    if planted in PREDICATES:
        composite, worlds = read_composite(history), composites.Known()
        return {level: composites.holds(composite, model, worlds) for level, model in MODELS.items()}
    if planted.data == "list":
        listed = transactions(history)
        return {level: brute.holds(listed, model) for level, model in MODELS.items()}
    reading, known = read_transactions(history), registers.Known()
    return {level: registers.holds(reading, model, known) for level, model in MODELS.items()}


@pytest.mark.parametrize("planted", ALL, ids=lambda each: f"{each.name} of {each.data}s: {each.text}")
def test_alone_it_is_named(planted: Planted) -> None:
    result = check(History(lines_of(planted.text)), expect=STRICT)
    types = [each.type for each in result.anomalies]
    assert planted.name in types
    assert set(planted.types) <= set(types)
    assert len(types) == len(set(types))


@pytest.mark.parametrize("planted", [LISTS, REGISTERS, PREDICATES], ids=["lists", "registers", "predicates"])
def test_in_a_long_history_it_is_found_named_and_forbidden_where_it_should(planted: tuple[Planted, ...]) -> None:
    tally = Tally()
    for number, each in enumerate(planted):
        found = campaign(1, number, [each])
        tally.counts += found.counts
        tally.disagreements += found.disagreements
    assert tally.disagreements == []
    assert tally.counts["histories"] == len(planted)
    assert tally.counts["level asked: False"] > tally.counts["level asked: True"] > 0


def test_the_checker_of_causal_reverse_names_it_too() -> None:
    for each in REGISTERS:
        if each.name == "causal-reverse":
            result = check_causal_reverse(History(lines_of(each.text)))
            assert [anomaly.type for anomaly in result.anomalies] == ["causal-reverse"]


def test_two_updates_of_one_list_are_no_write_skew() -> None:
    result = check(notation.concurrent("rx[] ax1", "rx[] ax2"), expect="serializable")
    assert [each.type for each in result.anomalies] == ["lost-update", "G2-item"]


def test_a_circle_of_versions() -> None:
    result = check(register_notation.concurrent("rx1 wx2", "rx2 wx1"), expect="read-committed")
    assert [each.type for each in result.anomalies] == ["cyclic-versions", "G1c"]
    assert result.anomalies[0].explanation == (
        "Each overwrote the version that it had read, all in a circle: T1 read x=2, which T0 wrote; "
        "T0 read x=1, which T1 wrote: no order of these 2 is possible."
    )
    other = check(register_notation.concurrent("rx1 wy2", "ry2 wx1"), expect="read-committed")
    assert [each.type for each in other.anomalies] == ["G1c"]


def test_a_causal_reverse_through_real_time_and_through_a_session() -> None:
    for processes in ([0, 1], [0, 0]):
        lines = notation.sequential("ax1", "ay1", processes=processes)
        reader = notation.concurrent("rx[] ry[1]")
        begin, end = (type(op)(op.type, 9, op.f, op.value) for op in reader)
        result = check(History([begin, *lines, end]), expect=STRICT)
        named = {each.type: each for each in result.anomalies}
        assert set(named) == {"causal-reverse", "G-single-process" if processes == [0, 0] else "G-single-realtime"}
        assert "read x=[], without T1's append of 1" in named["causal-reverse"].explanation


def test_the_table_has_a_row_for_each() -> None:
    rows = list(table(LISTS[:3]))
    assert rows[0] == "| garbage-read | list | `ax1, rx[1 9]` | garbage-read | read-uncommitted (garbage-read) |"
    assert len(rows) == 3
