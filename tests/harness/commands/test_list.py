"""``splitbrain list``: everything by name, with one line on each, for people and programs."""

from __future__ import annotations

import json

import pytest

from harness import catalog, cli
from harness.commands.list import KINDS

FIELDS = {
    "systems": {"name", "summary", "options", "workloads", "operations", "bugs"},
    "workloads": {"name", "summary", "operations", "expect", "model", "valid needs"},
    "faults": {"name", "summary", "shapes", "needs"},
    "models": {"name", "summary"},
    "providers": {"name", "summary"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_json_has_every_name(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", kind, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    entries = json.loads(out)[kind]
    assert tuple(entry["name"] for entry in entries) == catalog.names(kind)  # type: ignore[arg-type]
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
