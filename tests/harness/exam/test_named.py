"""Named option sets: each claim that something holds, and each bug's twin, is among them, with its own alarms."""

from __future__ import annotations

import pytest

from harness import catalog
from harness.claim import Holds, Measured, Tabled, Violates
from harness.exam.named import named_sets
from tests.harness.claims.findings import bad

SYSTEMS = catalog.names("systems")


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_holds_and_every_twin_is_named_once(name: str) -> None:
    system = catalog.system(name)
    sets = named_sets(system, runs=1000)
    plans = [question.arm.experiment for each in sets for question in each.questions]
    wanted = [claim.experiment for claim in system.claims if isinstance(claim.expect, Holds)]
    assert all(experiment in plans for experiment in wanted)
    assert len({tuple(sorted(each.options.items())) for each in sets}) == len(sets)
    assert {sum(question.wanted for question in each.questions) for each in sets if each.questions} <= {1000}


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_to_break_is_in_no_plan(name: str) -> None:
    system = catalog.system(name)
    breaking = {claim.id for claim in system.claims if isinstance(claim.expect, Violates)}
    plans = {question.arm.name for each in named_sets(system) for question in each.questions}
    assert not breaking & plans


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_option_set_of_a_claim_is_there_and_tested_if_anything_is_promised_in_it(name: str) -> None:
    system = catalog.system(name)
    found = {tuple(sorted(each.options.items())): each for each in named_sets(system)}
    for claim in system.claims:
        points = claim.expect.points if isinstance(claim.expect, Measured | Tabled) else ()
        variants = [variant for variant in (*points, claim.control) if variant is not None and variant.system is None]
        experiments = [] if points else [claim.experiment]
        for experiment in (*experiments, *(claim.experiment.varied(variant) for variant in variants)):
            options = system.completed(experiment.options)
            named = found[tuple(sorted(options.items()))]
            assert claim.id in named.promises
            assert named.questions or not system.promises(options), claim.id


def test_no_bug_is_in_a_plan() -> None:
    for name in SYSTEMS:
        for each in named_sets(catalog.system(name), runs=100):
            assert all(question.arm.experiment.bugs == () for question in each.questions)


def test_only_what_is_forbidden_is_an_alarm() -> None:
    (question,) = (
        question for each in named_sets(catalog.system("single-leader")) for question in each.questions
        if question.arm.name == "SL-6a"
    )  # fmt: skip
    for kind in ("read-your-writes", "monotonic-reads", "assertion"):
        wanted = question.next()
        assert wanted is not None
        question.add(wanted[0], bad(wanted[1], kind))
    assert [alarm.seed for alarm in question.alarms()] == [2, 3]
