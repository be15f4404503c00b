"""Every statement of the conformance body, on every kind of cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.clusters.docker.provider import PROVIDER as DOCKER
from harness.clusters.local.provider import PROVIDER as LOCAL
from harness.clusters.loopback import LoopbackProvider
from tests.harness.clusters.local_clusters import missing
from tests.harness.conformance.arm import Arm, RealArm, SimArm
from tests.harness.conformance.body import STATEMENTS
from tests.harness.conformance.world import Lacking, Statement

SEEDS = 12
ARMS: dict[str, Callable[[Path], Arm]] = {
    "sim": lambda folder: SimArm(folder, SEEDS),
    "loopback": lambda folder: RealArm(LoopbackProvider(), folder),
    "local": lambda folder: RealArm(LOCAL, folder),
    "docker": lambda folder: RealArm(DOCKER, folder),
}
CLUSTERS = {"local": LOCAL, "docker": DOCKER}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.cluster if name in CLUSTERS else ())
                                        for name in ARMS])  # fmt: skip
def arm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    if request.param in CLUSTERS and (lacking := missing(CLUSTERS[request.param])):
        pytest.skip(f"the provider {request.param} cannot be used here: {lacking}")
    made = ARMS[request.param](tmp_path_factory.mktemp(request.param))
    yield made
    made.close()


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.__name__)
def test_statement(arm: Arm, statement: Statement) -> None:
    try:
        arm.run(statement)
    except Lacking as lacking:
        pytest.skip(f"{statement.__name__}: {lacking}")


def test_the_body_is_whole() -> None:
    names = [statement.__name__ for statement in STATEMENTS]
    assert len(set(names)) == len(names) >= 30
    assert [name for name, statement in zip(names, STATEMENTS, strict=True) if not statement.__doc__] == []
