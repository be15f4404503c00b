"""``splitbrain list``: everything by name, with one line on each, for people and programs."""

from __future__ import annotations

import json

import pytest

from harness import catalog, cli
from harness.commands.list import KINDS
from harness.faults.grammar import parse
from harness.system import Bug

FIELDS = {
    "systems": {"name", "summary", "needs", "options", "workloads", "operations", "events", "bugs"},
    "workloads": {"name", "summary", "operations", "expect", "model", "valid needs"},
    "faults": {"name", "summary", "shapes", "needs"},
    "models": {"name", "summary"},
    "checkers": {"name", "summary", "options"},
    "providers": {"name", "summary"},
    "bugs": {"name", "summary", "system", "row", "faults", "workloads", "shows_as", "options"},
}


def bugs() -> dict[str, Bug]:
    """Those of all systems, each system's in order of row."""
    systems = [catalog.system(name).bugs for name in catalog.names("systems")]
    return {name: bug for each in systems for name, bug in sorted(each.items(), key=lambda item: item[1].row)}


@pytest.mark.parametrize("kind", KINDS)
def test_json_has_every_name(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", kind, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    entries = json.loads(out)[kind]
    names = tuple(entry["name"] for entry in entries)
    known = tuple(bugs()) if kind == "bugs" else catalog.names(kind)  # type: ignore[arg-type]
    assert names == (*known, *(catalog.externals() if kind == "systems" else ()))
    assert all(set(entry) == FIELDS[kind] for entry in entries)


@pytest.mark.parametrize("kind", KINDS)
def test_text_has_every_name_with_its_summary(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["list", kind, "--json"])
    entries = json.loads(capsys.readouterr().out)[kind]
    assert cli.main(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    for entry in entries:
        assert any(line.startswith(entry["name"]) and entry["summary"] in line for line in lines)


def test_systems_have_options_with_values_and_faults_have_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "systems"]) == 0
    assert "async" in capsys.readouterr().out
    assert cli.main(["list", "faults"]) == 0
    assert "isolate-leader" in capsys.readouterr().out


def test_what_a_bug_says_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Its faults can be read, its workloads and options are the system's."""
    faults = catalog.faults()
    cli.main(["list", "bugs", "--json"])
    for entry in json.loads(capsys.readouterr().out)["bugs"]:
        system = catalog.system(entry["system"])
        assert parse(entry["faults"], faults, system.events, system.operations)
        assert entry["workloads"]
        assert all(catalog.workload(name).operations <= system.operations for name in entry["workloads"])
        for name, value in entry["options"].items():
            assert value in (system.options[name].values or [str(int(value))])
        assert set(entry["shows_as"]) <= {"LIN", "SET", "CNT", "DIV", "EV", "AVL"}
