"""``splitbrain mutants --option-sets``: option sets that keep what they promise, and one that does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness import catalog
from harness.cli import main
from harness.commands import UsageError, option_sets
from harness.commands.option_sets import choose
from harness.system import System


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean chain"):
        choose("chian", 1, 1)


def test_no_bug_may_be_named_besides(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", "local-reads", "--option-sets"]) == 254
    assert "expected neither" in capsys.readouterr().err


def test_one_campaign_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", "--named", "--option-sets"]) == 254
    assert "expected one of them" in capsys.readouterr().err


def test_the_named_sets_are_left_in_peace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "mutants",
        "--named",
        "--family",
        "chain",
        "--runs",
        "4",
        "--jobs",
        "1",
        "--store",
        str(tmp_path),
        "--json",
    ]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)["option_sets"]
    assert [(each["runs"], each["false_alarms"]) for each in told] == [(4, 0)] * len(told)
    assert "head-answers-reads" in told[0]["promises"]


def test_sets_keep_their_promises_or_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = option_sets.option_sets(catalog.system("replication-log"), 2)
    monkeypatch.setattr(option_sets, "choose", lambda family, runs, seed, named: [sample[0], sample[-1]])
    assert main(["mutants", "--option-sets", "--jobs", "1", "--store", str(tmp_path), "--json"]) == 0
    out = capsys.readouterr()
    one, other = json.loads(out.out)["option_sets"]
    assert (one["promises"], one["runs"], one["false_alarms"], one["alarms"]) == (["rows"], 2, 0, [])
    assert (other["promises"], other["runs"]) == ([], 0)
    assert "nothing; log=wal" in out.err
    assert "2 option sets, of which 1 promise something; 2 runs" in out.err


def test_a_promise_too_many_is_a_false_alarm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest: System = catalog.system("replication-log")
    bold = replace(honest, promises=lambda options: frozenset({"rows"}))
    monkeypatch.setattr(option_sets, "choose", lambda family, runs, seed, named: [
        each for each in option_sets.option_sets(bold, runs, seed)
        if each.options["log"] == "statement" and each.options["nondeterminism"] == "as-is"
    ][:1])  # fmt: skip
    words = ["mutants", "--option-sets", "--family", "replication-log", "--runs", "1", "--jobs", "1"]
    assert main([*words, "--store", str(tmp_path), "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["option_sets"]
    assert told["false_alarms"] >= 1
    assert told["alarms"][0]["codes"] == ["DIV"]
    assert Path(told["alarms"][0]["repeat"].split()[-1]).is_file()
