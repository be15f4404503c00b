"""A file that is read into columns through the whole of ``check --certificate`` and ``verify``."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.random_object import make, play
from harness import cli
from harness.columns import LINES_MIN
from harness.history import Op

KEYS = 3


def _lines(model: str, count: int) -> list[Op]:
    """At least so many; three objects beside each other, and one of a value written twice."""
    random = Random(model)
    parts = []
    for _ in range(KEYS):
        thing, _ = make(model, random, distinct=True)
        parts.append(play(thing, count // KEYS // 2 + 100, 8, 0.0, random))
    lines: list[Op] = []
    for number in range(max(map(len, parts))):
        for key, part in enumerate(parts):
            if number < len(part):
                op = part[number]
                lines.append(Op(op.type, int(op.process) * KEYS + key, op.f, op.value, key=f"k{key}"))
    put = {"register": "write", "stack": "push"}[model]
    for process in (9001, 9002):
        lines += [Op("invoke", process, put, 5, key="twice"), Op("ok", process, put, 5, key="twice")]
    return lines


def _written(folder: Path, lines: list[Op]) -> Path:
    path = folder / "history.jsonl"
    fields = ("type", "process", "f", "value", "key")
    path.write_text("".join(json.dumps({name: getattr(op, name) for name in fields}) + "\n" for op in lines))
    return path


def _said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    status = cli.main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(("model", "lines"), [("register", LINES_MIN), ("stack", 4000)])
def test_certificates_of_large_histories(
    model: str, lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.history.LINES_MIN", lines)
    history, evidence = _written(tmp_path, _lines(model, lines)), tmp_path / "evidence.json"
    status, result = _said(capsys, "check", str(history), "--model", model, "--certificate", str(evidence))
    assert (status, result["valid"], result["method"]) == (0, True, "polynomial+search")
    assert result["details"]["keys_by_method"] == {"polynomial": KEYS, "search": 1}
    assert _said(capsys, "verify", str(evidence), str(history))[1]["holds"] is True
    data = json.loads(evidence.read_text())
    assert [each["key"] for each in data["linearizations"]] == ["k0", "k1", "k2", "twice"]
    order = data["linearizations"][1]["order"]
    order[100], order[600] = order[600], order[100]
    evidence.write_text(json.dumps(data))
    status, verified = _said(capsys, "verify", str(evidence), str(history))
    assert (status, verified["holds"], verified["method"]) == (1, False, "replay")
    assert "operation" in verified["explanation"]


def test_witnesses_of_large_histories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.history.LINES_MIN", 4000)
    lines = _lines("register", 4000)
    lines += [Op("invoke", 9003, "read", None, key="k1"), Op("ok", 9003, "read", 7, key="k1")]
    history, evidence = _written(tmp_path, lines), tmp_path / "evidence.json"
    status, result = _said(capsys, "check", str(history), "--model", "register", "--certificate", str(evidence))
    assert (status, result["valid"], result["details"]["keys_invalid"]) == (1, False, 1)
    (anomaly,) = result["anomalies"]
    assert anomaly["details"]["key"] == "k1"
    assert anomaly["details"]["minimal"] is True
    assert len(anomaly["operations"]) == 3
    assert "began after" in anomaly["explanation"]
    status, verified = _said(capsys, "verify", str(evidence), str(history))
    assert (status, verified["holds"]) == (0, True)
