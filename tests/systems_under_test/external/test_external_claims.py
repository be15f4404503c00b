"""What is claimed of external systems: the words of each claim are those of systems, options and faults that there are.

``splitbrain claims ID --provider local`` tests them; that takes minutes for each.
"""

from __future__ import annotations

import pytest

from harness import catalog
from harness.claim import Claim, Variant
from harness.claims.experiment import plan_of

CLAIMS = [(name, claim) for name in catalog.externals() for claim in catalog.system(name).claims]


def test_every_claim_has_an_id_of_its_own() -> None:
    bundled = [claim.id for name in catalog.names("systems") for claim in catalog.system(name).claims]
    ids = [*bundled, *(claim.id for _, claim in CLAIMS)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("name", "claim"), CLAIMS, ids=[claim.id for _, claim in CLAIMS])
def test_a_claim_fits_its_system(name: str, claim: Claim) -> None:
    assert claim.sentence.endswith(".")
    assert "sim" not in claim.providers
    system = catalog.system(name)
    points = getattr(claim.expect, "points", ())
    for variant in (Variant("itself"), *points, *([claim.control] if claim.control is not None else [])):
        experiment = claim.experiment.varied(variant)
        workload = catalog.workload(experiment.workload)
        assert workload.operations <= system.operations
        for option, value in experiment.options.items():
            values = system.options[option].values
            assert value.isdecimal() if values is None else value in values, f"{option}={value}"
        plan = plan_of(experiment, system, catalog.faults(), 1, "local")
        assert bool(plan.schedule) == (experiment.faults != "none")
