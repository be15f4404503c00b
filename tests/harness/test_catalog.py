"""The catalog: every name leads to what has that name, nothing is imported early, and wrong names get a suggestion."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import catalog

ROOT = Path(__file__).resolve().parents[2]
LOADERS: dict[str, Callable[[str], Any]] = {
    "systems": catalog.system,
    "workloads": catalog.workload,
    "faults": catalog.fault,
    "providers": catalog.provider,
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in LOADERS for name in catalog.PLUG_INS[kind]])
def test_every_name_is_the_name_of_what_it_loads(kind: str, name: str) -> None:
    loaded = LOADERS[kind](name)
    assert loaded.name == name
    assert loaded.summary
    assert "\n" not in loaded.summary


def test_checkers_and_models() -> None:
    assert {catalog.checker(name).__name__ for name in catalog.PLUG_INS["checkers"]} == {"check"}
    assert {"register", "cas-register", "queue", "stack", "kv", "mutex"} <= set(catalog.names("models"))


def test_what_plug_ins_name_is_in_the_catalog() -> None:
    for name in catalog.names("systems"):
        system = catalog.system(name)
        assert set(system.workloads) <= set(catalog.names("workloads"))
        for workload in system.workloads:
            assert catalog.workload(workload).operations <= system.operations
    for name in catalog.names("workloads"):
        workload_found = catalog.workload(name)
        assert workload_found.expect in catalog.names("checkers")
        assert workload_found.model is None or workload_found.model in catalog.names("models")


@pytest.mark.parametrize(
    ("kind", "name", "suggested"),
    [
        ("systems", "rafft", "raft"),
        ("systems", "SingleLeader", "single-leader"),
        ("workloads", "sets", "set"),
        ("faults", "partitions", "partition"),
        ("providers", "loca", "local"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(kind: str, name: str, suggested: str) -> None:
    with pytest.raises(catalog.UnknownNameError) as caught:
        LOADERS[kind](name)
    assert f"(did you mean {suggested}?)" in str(caught.value)
    assert repr(name) in str(caught.value)


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(catalog.UnknownNameError) as caught:
        catalog.fault("zzz" * 1000)
    assert "did you mean" not in str(caught.value)
    assert str(caught.value).endswith(f"expected one of {', '.join(catalog.names('faults'))}")
    assert len(str(caught.value)) < 120 + len(", ".join(catalog.names("faults")))


def test_importing_the_catalog_imports_no_plug_in() -> None:
    code = (
        "import sys, harness.catalog as c; c.names('systems'); c.names('faults');"
        "print([m for m in sys.modules if m.split('.')[0] in ('checkers', 'workloads', 'systems_under_test')"
        " and m not in ('checkers', 'checkers.names') or m.startswith(('harness.faults', 'harness.clusters'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
