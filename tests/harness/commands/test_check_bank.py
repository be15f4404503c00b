"""``splitbrain check --expect bank``: its options, on a real file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import cli
from harness.history import Op
from tests.checkers.calls import call


def written(folder: Path, *calls: list[Op]) -> str:
    path = folder / "history.jsonl"
    lines = [{"type": op.type, "process": op.process, "f": op.f, "value": op.value} for each in calls for op in each]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_total_and_negative_balances(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, call(0, "read", None, {"a": 5, "b": -1}), call(0, "read", None, {"a": 2, "b": 2}))
    arguments = ["check", "--expect", "bank", "--json", path]
    assert cli.main(arguments) == 1
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [each["type"] for each in told["anomalies"]] == ["negative-value"]
    assert cli.main([*arguments, "--negative-balances"]) == 0
    assert cli.main([*arguments, "--negative-balances", "--total", "4"]) == 0
    assert cli.main([*arguments, "--negative-balances", "--total", "5"]) == 1


@pytest.mark.parametrize("option", [["--total", "4"], ["--negative-balances"]])
def test_others_have_no_use_for_them(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    path = written(tmp_path, call(0, "read", None, 1))
    assert cli.main(["check", *option, "--expect", "set", path]) == 254
    assert f"read {option[0]} with --expect set; it belongs to --expect bank" in capsys.readouterr().err
    assert cli.main(["check", *option, path]) == 254
    assert cli.main(["check", *option, "--manifest", path]) == 254
