"""Systems that are not ours, by the command line: where they run, what is refused, and one that is run for real."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalog, cli
from harness.cluster_faults import OUT_OF_REACH
from harness.commands import UsageError
from harness.commands.run import check_library
from harness.faults.profile import PROFILES
from harness.plan import Plan
from harness.setup import reachable, scheduled
from tests.harness.clusters.local_clusters import missing

STORE = Path(__file__).resolve().parents[1] / "clusters/kept/kept_store.py"


def test_the_catalog_finds_them_beside_those_that_are_bundled() -> None:
    assert catalog.externals()
    assert not set(catalog.externals()) & set(catalog.names("systems"))
    for name in catalog.externals():
        system = catalog.system(name)
        assert system.name == name
        assert system.external is not None
        assert all(path.is_file() for path in catalog.files_of(name))
    with pytest.raises(catalog.UnknownNameError, match=catalog.externals()[0]):
        catalog.system("no-such-database")


def test_the_files_of_a_system_stand_beside_its_own(tmp_path: Path) -> None:
    assert catalog.files_of(str(STORE)) == (STORE.parent / "store_server.py",)
    assert catalog.files_of("raft") == ()
    lonely = tmp_path / "lonely_store.py"
    lonely.write_text(STORE.read_text())
    with pytest.raises(catalog.BadFileError, match=r"store_server\.py"):
        catalog.files_of(str(lonely))


@pytest.mark.parametrize(("words", "told"), [
    (["--provider", "sim"], "kept-store with --provider sim; expected local or docker"),
    *((["--faults", name], "kept-store is not ours") for name in sorted(OUT_OF_REACH) if name != "membership"),
    (["--faults", "membership"], "expected a fault that kept-store can have"),
])  # fmt: skip
def test_what_cannot_be_is_refused_and_why(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", str(STORE), "--store", str(tmp_path), *words]) == 254
    assert told in capsys.readouterr().err


def test_a_client_without_its_library_is_refused_before_the_run() -> None:
    system = catalog.system(str(STORE))
    check_library(system)
    assert system.external is not None
    lacking = replace(system, external=replace(system.external, library="no_such_library.at_all"))
    with pytest.raises(UsageError, match=r"needs the Python package no_such_library,.*splitbrain\[databases\]"):
        check_library(lacking)


@pytest.mark.parametrize("name", catalog.externals())
def test_the_libraries_of_all_clients_are_there(name: str) -> None:
    check_library(catalog.system(name))


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "calm"])
def test_profiles_draw_what_is_possible(profile: str) -> None:
    faults, system = catalog.faults(), catalog.system(str(STORE))
    everything = frozenset().union(*(fault.needs for fault in faults.values()))
    drawn = {
        entry.fault
        for seed in range(20)
        for entry in scheduled(
            Plan(system=str(STORE), workload="register", faults=profile, seed=seed, time_limit_s=60),
            system, faults, everything,
        )
    }  # fmt: skip
    assert {"kill", "partition", "power-loss"} <= drawn
    assert not [name for name in drawn if faults[name].needs & OUT_OF_REACH.keys()]
    assert reachable(catalog.system("raft"), everything) == everything


def test_their_claims_are_for_real_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    count = sum(len(catalog.system(name).claims) for name in catalog.externals())
    assert count, "there is none, and the test says nothing"
    assert listed(["claims", "--list", "--json"], capsys)[0] == []
    assert f"{count} claims are left out" in listed(["claims", "--list", "--json"], capsys)[1]
    local, told = listed(["claims", "--list", "--json", "--provider", "local"], capsys)
    assert set(local) == set(catalog.externals()) - {name for name in local if not catalog.system(name).claims}
    assert "left out" not in told


def listed(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """The external systems of which claims are named; and what was told besides."""
    assert cli.main(words) == 0
    out, told = capsys.readouterr()
    return sorted({claim["system"] for claim in json.loads(out)} & set(catalog.externals())), told


def test_mutants_leave_them_out() -> None:
    from harness.commands import mutants, option_sets

    external = set(catalog.externals())
    assert not {each.system for each in option_sets.choose(None, 1, 1)} & external
    assert not {system for system, _ in mutants.choose([], None)} & external


def test_one_is_run_killed_and_cut_off(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if reason := missing():
        pytest.skip(f"the provider local cannot be used here: {reason}")
    result = run(tmp_path, capfd, "kill=n1,partition=clients")
    assert result["valid"] is True
    bit: dict[str, Any] = {fault["name"]: fault for fault in result["faults"]}
    assert bit["kill"]["bit"], bit
    assert bit["partition"]["effect"]["packets_dropped"] > 0
    assert "exits" not in result


def test_a_database_that_its_disk_ends_is_told_of_and_is_no_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if reason := missing():
        pytest.skip(f"the provider local cannot be used here: {reason}")
    result = run(tmp_path, capfd, "eio=n1")
    assert result["valid"] is True
    assert "ended with its store, which had status 3" in result["exits"][0]
    assert "could not write: [Errno 5] Input/output error" in result["exits"][0]
    assert not result["anomalies"]


def run(folder: Path, capfd: pytest.CaptureFixture[str], faults: str) -> dict[str, Any]:
    words = ["--nodes", "2", "--time-limit", "10", "--seed", "5", "--json", "--store", str(folder)]
    cli.main(["run", str(STORE), "--faults", faults, *words])
    result: dict[str, Any] = json.loads(capfd.readouterr().out.splitlines()[-1])
    return result
