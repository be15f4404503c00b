"""What the books claim of the bundled systems, with a short budget: nothing of it is refuted, and most is confirmed.

``splitbrain claims`` tests them with their own budgets; these few runs say that sentences, experiments and systems
still fit each other.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness import catalog
from harness.claim import QUOTATION_WORDS_MAX, Claim, Measured, Tabled, Variant
from harness.claims.experiment import plan_of
from harness.claims.figure import FIGURES
from harness.claims.inquiry import Inquiry
from harness.claims.survey import Survey

CHECKERS = Path(__file__).parents[2] / "checkers"
RUNS = 2
CONFIRMED_MIN = 0.5
CLAIMS = [(name, claim) for name in catalog.names("systems") for claim in catalog.system(name).claims]
CLAIMS_OF_A_PART_MAX = 12  # so that no worker is left alone with the rest in the end


def parts() -> dict[str, list[Inquiry]]:
    """The claims of each system, a few at a time, named after the first of them."""
    found = {}
    for name in sorted({name for name, _ in CLAIMS}):
        inquiries = [Inquiry(claim, name, RUNS) for system, claim in CLAIMS if system == name]
        count = math.ceil(len(inquiries) / CLAIMS_OF_A_PART_MAX)
        for part in (inquiries[start::count] for start in range(count)):
            found[f"{name}-{part[0].claim.id}"] = part
    return found


def variants(claim: Claim) -> list[Variant]:
    points = claim.expect.points if isinstance(claim.expect, Measured | Tabled) else ()
    return [*points, *([claim.control] if claim.control is not None else [])]


def test_every_claim_has_an_id_of_its_own() -> None:
    ids = [claim.id for _, claim in CLAIMS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("name", "claim"), CLAIMS, ids=[claim.id for _, claim in CLAIMS])
def test_a_claim_fits_its_system(name: str, claim: Claim) -> None:
    """Its words are those of systems, options, faults and figures that there are."""
    assert 0 < len(claim.source.quotation.split()) <= QUOTATION_WORDS_MAX
    assert claim.sentence.endswith(".")
    for experiment, system_name in [
        (claim.experiment, name),
        *((claim.experiment.varied(variant), variant.system or name) for variant in variants(claim)),
    ]:
        system, workload = catalog.system(system_name), catalog.workload(experiment.workload)
        assert set(experiment.options) <= set(system.options)
        for option, value in experiment.options.items():
            values = system.options[option].values
            assert value.isdecimal() if values is None else value in values, f"{option}={value}"
        assert set(experiment.bugs) <= set(system.bugs)
        assert workload.operations <= system.operations
        plan = plan_of(experiment, system, catalog.faults(), 1, "sim")
        assert bool(plan.schedule) == (experiment.faults != "none")
    demanded = claim.thresholds
    assert demanded.disturbed_ok_min >= 50
    assert demanded.counted_min >= 0.5
    assert demanded.operations_min >= 20
    for curve in getattr(claim.expect, "curves", ()):
        assert curve.figure.partition(":")[0] in FIGURES


def test_the_anomalies_of_claims_are_those_that_checkers_find() -> None:
    said = "\n".join(path.read_text() for path in CHECKERS.rglob("*.py"))
    for _, claim in CLAIMS:
        for anomaly in getattr(claim.expect, "anomalies", getattr(claim.expect, "forbids", ())):
            assert f'"{anomaly}"' in said, f"{claim.id}: no checker speaks of {anomaly!r}"


@pytest.mark.parametrize("inquiries", parts().values(), ids=parts())
def test_a_few_runs_refute_nothing(inquiries: list[Inquiry], tmp_path: Path) -> None:
    survey = Survey(inquiries, "sim", tmp_path, 1)
    survey.execute()
    judged = {inquiry.claim.id: inquiry.judgement() for inquiry in inquiries}
    refuted = {identity: judgement.why for identity, judgement in judged.items() if judgement.verdict == "refuted"}
    assert not refuted
    confirmed = [identity for identity, judgement in judged.items() if judgement.verdict == "confirmed"]
    open_ = {identity: judged[identity].why for identity in judged if identity not in confirmed}
    assert len(confirmed) >= CONFIRMED_MIN * len(judged), open_
