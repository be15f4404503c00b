"""The benchmark of linearizability: its baseline is right, its rows are there, peers are heard and contradicted."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from benchmarks import linearizability, peer, wing_gong
from benchmarks.linearizable_histories import ROWS, generate
from checkers import read_history
from checkers.linearizable.brute import decide as decide_by_brute_force
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import by_key
from checkers.value import Codes
from harness.history import History

SAYS_VALID = f"{sys.executable} -c 'print(\"seconds=0.25 Ok\")' {{file}} {{model}}"


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("valid", [True, False])
def test_the_baseline_is_right(row: str, valid: bool) -> None:
    for seed in range(3):
        crashed = 2 if ROWS[row].crashed else 0
        history, model = generate(row, seed=seed, operations=30, clients=3, valid=valid, crashed=crashed)
        assert wing_gong.decide(history, model, 20.0) is valid


@pytest.mark.parametrize("row", ["register", "crashed-cas", "queue-duplicates", "counter", "kv-duplicates"])
def test_the_baseline_agrees_with_brute_force_on_what_nobody_made_wrong(row: str) -> None:
    """The answers of one history in another: what comes of it is for the definition to say."""
    seen = set()
    for seed in range(60):
        history, model = generate(row, seed=seed, operations=7, clients=3, crashed=2 if ROWS[row].crashed else 0)
        mixed = _mixed(history, seed)
        (key,) = by_key(mixed, BY_NAME[model], Codes())
        truth = decide_by_brute_force(key.model, key.initial, key.required, key.optional)
        assert wing_gong.decide(mixed, model, 20.0) is truth
        seen.add(truth)
    assert seen == {True, False}


def _mixed(history: History, seed: int) -> History:
    reads = [op.index for op in history if op.type == "ok" and op.f in ("read", "get", "dequeue")]
    chosen = Random(seed).sample(reads, min(2, len(reads)))
    values = dict(zip(chosen, [history[index].value for index in reversed(chosen)], strict=True))
    return History(replace(op, value=values.get(op.index, op.value)) for op in history)


def test_it_gives_up_in_time() -> None:
    history, model = generate("cas-register", seed=1, operations=1000, clients=30, valid=False)
    assert wing_gong.decide(history, model, 0.2) is None


def test_every_row_has_its_history() -> None:
    assert {name.split("-")[0] for name in linearizability.ROWS} == {"T1", "T2", "T3", "T4", "T6"}
    assert {kind for kind, *_ in linearizability.ROWS.values()} <= set(ROWS)


@pytest.mark.parametrize("row", ["crashed-writes", "kv", "set", "multi-register", "deque"])
def test_what_peers_read_is_the_same_history(row: str, tmp_path: Path) -> None:
    history, model = generate(row, seed=2, operations=30, clients=3, crashed=2 if ROWS[row].crashed else 0)
    for form in peer.FORMATS:
        path = tmp_path / form
        peer.write(history, path, form)
        same = [(call.f, call.argument, call.result) for call in history.calls() if call.outcome == "ok"]
        again = read_history(path, "porcupine-json" if form == "porcupine" else form)
        assert [(call.f, call.argument, call.result) for call in again.calls() if call.outcome == "ok"] == same
        assert wing_gong.decide(again, model, 20.0) is True


@pytest.mark.parametrize(
    ("prints", "status", "verdict"),
    [("Ok", 0, True), ("it is Illegal", 0, False), ("Unknown", 0, None), ("", 0, True), ("", 1, False), ("?", 7, None)],
)
def test_what_a_peer_says(prints: str, status: int, verdict: bool | None, tmp_path: Path) -> None:
    command = f"{sys.executable} -c \"import sys; print('{prints}'); sys.exit({status})\""
    assert peer.ask(command, tmp_path, "register", 10.0).verdict is verdict


def test_a_peer_that_takes_too_long_and_one_that_tells_its_own_time(tmp_path: Path) -> None:
    slow = peer.ask(f"{sys.executable} -c 'import time; time.sleep(60)'", tmp_path, "register", 0.3)
    assert (slow.verdict, slow.seconds) == (None, 0.3)
    told = peer.ask(SAYS_VALID, tmp_path, "register", 10.0)
    assert (told.verdict, told.seconds) == (True, 0.25)
    assert told.whole_s < 10


def test_a_disagreement_is_loud(capsys: pytest.CaptureFixture[str]) -> None:
    status = linearizability.main(
        ["--rows", "T2-queue-500-3", "--seeds", "1", "--patience", "2", "--no-baseline", "--peer", SAYS_VALID, "--json"]
    )
    out = capsys.readouterr().out
    assert status == 1
    assert "!!! DISAGREEMENT on T2-queue-500-3-clients, seed 0" in out
    valid, invalid = json.loads(out.splitlines()[-1])
    assert (valid["verdict"], valid["peer"], valid["wrong"]) == (True, True, [])
    assert (invalid["truth"], invalid["peer"], len(invalid["wrong"])) == (False, True, 1)
    assert valid["peer_s"] == 0.25
    assert 0 < valid["decide_s"] < valid["command_s"]
    assert 5 < valid["peak_mb"] < 200
