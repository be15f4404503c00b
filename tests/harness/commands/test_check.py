"""``splitbrain check``: verdicts for people and programs, runs checked again, and no verdict on what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from checkers.linearizable.decide import Method
from harness import catalog, cli
from harness.commands.check import METHODS
from harness.history import History
from harness.result import Reason, Result, unknown

VALID = """\
{"type": "invoke", "process": 0, "f": "write", "value": 1, "time": 1000000000}
{"type": "ok", "process": 0, "f": "write", "value": 1, "time": 1500000000}
{"type": "invoke", "process": 1, "f": "read", "value": null}
{"type": "ok", "process": 1, "f": "read", "value": 1}
"""
STALE = VALID.replace('"read", "value": 1', '"read", "value": null')
CAS = VALID.replace("write", "cas").replace('"value": 1, "time"', '"value": [null, 1], "time"')
SET = """\
{"type": "invoke", "process": 0, "f": "add", "value": 1}
{"type": "ok", "process": 0, "f": "add", "value": 1}
{"type": "invoke", "process": 1, "f": "read", "value": null}
{"type": "ok", "process": 1, "f": "read", "value": [1]}
"""
LOST = SET.replace("[1]", "[]")
EDN = """\
[{:type :invoke :process 0 :f :write :value 1} {:type :ok :process 0 :f :write :value 1}
 {:type :invoke :process 1 :f :read :value nil} {:type :ok :process 1 :f :read :value nil}]
"""
FIELDS = {"valid", "expect", "model", "method", "reason", "anomalies", "operations", "seconds", "explanation",
          "details", "history"}  # fmt: skip


def written(folder: Path, content: str, name: str = "history.jsonl") -> str:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = cli.main(["check", *arguments, "--json"])
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return status, json.loads(out)


@pytest.mark.parametrize(
    ("content", "options", "status"),
    [
        (VALID, [], 0),
        (VALID, ["--method", "search"], 0),
        (VALID, ["--method", "z3"], 0),
        (VALID, ["--model", "register"], 0),
        (STALE, [], 1),
        (STALE, ["--method", "search"], 1),
        (STALE, ["--method", "z3"], 1),
        (STALE, ["--nil-reads", "unknown"], 0),
        (CAS, [], 0),
        (CAS, ["--initial", "null"], 0),
        (CAS, ["--initial", "0"], 1),
        (CAS, ["--model", "register"], 2),
        (EDN, [], 0),
        (EDN, ["--nil-reads", "value"], 1),
        (EDN, ["--format", "edn"], 0),
        (SET, ["--expect", "set"], 0),
        (LOST, ["--expect", "set"], 1),
        (SET, [], 2),
    ],
)
def test_verdicts(
    tmp_path: Path, content: str, options: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, content)
    found, answer = checked(capsys, path, *options)
    assert (found, answer["valid"]) == (status, {0: True, 1: False, 2: "unknown"}[status])
    assert set(answer) == FIELDS
    assert answer["history"] == path
    assert (answer["reason"] is None) == (status != 2)
    assert bool(answer["anomalies"]) == (status == 1)


def test_the_model_is_what_the_operations_need(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(capsys, written(tmp_path, VALID))[1]["model"] == "register"
    assert checked(capsys, written(tmp_path, CAS))[1]["model"] == "cas-register"


def test_true_is_not_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = VALID.replace('"read", "value": 1', '"read", "value": true')
    assert checked(capsys, written(tmp_path, content))[0] == 1


def test_keys_are_independent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = STALE.replace('"process": 1', '"key": "y", "process": 1').replace(
        '"process": 0', '"key": "x", "process": 0'
    )
    assert checked(capsys, written(tmp_path, other))[0] == 0


def test_independent_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = EDN.replace("nil}", "[:y nil]}").replace("1}", "[:x 1]}")
    path = written(tmp_path, content)
    assert checked(capsys, path)[0] == 254
    assert checked(capsys, path, "--independent", "--nil-reads", "value")[0] == 0


def test_several_histories_are_a_list_and_the_worst_decides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    valid, stale = written(tmp_path, VALID, "a"), written(tmp_path, STALE, "b")
    strange, cut = written(tmp_path, SET, "c"), written(tmp_path, VALID[:-5], "d")
    assert checked(capsys, valid, strange)[0] == 2
    status, answers = checked(capsys, strange, valid, stale)
    assert (status, [answer["valid"] for answer in answers]) == (1, ["unknown", True, False])
    status, answers = checked(capsys, stale, cut, valid)
    assert (status, [answer.get("valid") for answer in answers]) == (254, [False, None, True])
    assert answers[1] == {"history": cut, "line": 4, "error": answers[1]["error"]}


def test_text_of_an_invalid_history_shows_the_operations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "\n" + STALE)
    assert cli.main(["check", path]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{path}: INVALID\n  expected linearizable register, 2 operations, by ")
    rows = [line.split() for line in out.splitlines() if line.startswith("     ")]
    assert rows[:3] == [
        ["process", "0", "[write", "1]"],
        ["process", "1", "[read:", "null]"],
        ["index", "line", "process", "operation", "value", "outcome", "time"],
    ]
    assert ["0", "2", "0", "write", "1", "ok", "0.000000", "..", "0.500000", "s"] in rows
    assert ["2", "4", "1", "read", "null", "ok"] in rows
    assert "  next: " in out


def test_text_of_a_valid_and_of_an_unknown_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", written(tmp_path, VALID)]) == 0
    assert "history.jsonl: valid\n" in capsys.readouterr().out
    assert cli.main(["check", written(tmp_path, SET)]) == 2
    out = capsys.readouterr().out
    assert "history.jsonl: unknown (unsupported)\n" in out
    assert "say what the operations are about" in out


def test_what_a_history_says_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = STALE.replace('"value": 1', '"value": "\\u001b[2J\\ud800"')
    assert cli.main(["check", written(tmp_path, hostile)]) == 1
    assert "\x1b" not in capsys.readouterr().out
    assert cli.main(["check", written(tmp_path, "\x1b[2J")]) == 254
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (VALID[:-5], 4, "cut off"),
        (VALID + "nonsense\n", 5, "not JSON"),
        (VALID.replace("invoke", "ok", 1), 1, "runs nothing"),
        ("", None, "the file is empty"),
        (EDN[:-3], 2, "cut off"),
    ],
)
def test_what_cannot_be_read_gets_no_verdict(
    tmp_path: Path, content: str, line: int | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, content)
    status, answer = checked(capsys, path)
    assert status == 254
    assert answer.get("line") == line
    assert set(answer) <= {"history", "error", "line"}
    assert cli.main(["check", path]) == 254
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert (f"{path}:{line}: read " if line else f"{path}: read ") in captured.err
    assert captured.err.endswith("no verdict\n")


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_what_is_not_there(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(tmp_path / name)]) == 254
    assert "expected a" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", '{"schema": "splitbrain.history/1"}\n',
                                     '{"type": "info", "process": "nemesis", "f": "start"}\n'])  # fmt: skip
def test_nothing_at_all_is_no_evidence(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = checked(capsys, written(tmp_path, content))
    assert (status, answer["reason"]) == (2, "too-few-ok-operations")


@pytest.mark.parametrize(
    ("error", "reason"), [(RuntimeError("oh"), Reason.CHECKER_ERROR), (MemoryError(), Reason.OUT_OF_MEMORY)]
)
def test_a_checker_that_raises_gives_unknown(
    tmp_path: Path,
    error: Exception,
    reason: Reason,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def raising(history: History, **options: Any) -> Result:
        raise error

    monkeypatch.setattr(catalog, "checker", lambda expect: raising)
    status, answer = checked(capsys, written(tmp_path, VALID))
    assert (status, answer["reason"]) == (2, reason)


def test_options_reach_the_checker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def noting(history: History, **options: Any) -> Result:
        return unknown("linearizable", Reason.TIMEOUT, "too long", details={"nan": float("nan"), "options": options})

    monkeypatch.setattr(catalog, "checker", lambda expect: noting)
    path = written(tmp_path, VALID)
    given = ["--initial", '"x"', "--method", "z3", "--time-limit", "7", "--nil-reads", "unknown", "--model", "queue"]
    _, answer = checked(capsys, path, *given)
    assert answer["details"]["nan"] is None, "JSON has no NaN"
    options = answer["details"]["options"]
    assert 3.5 < options.pop("time_limit_s") < 7.0, "the checker is to end before it is ended"
    expected: dict[str, Any] = {"model": "queue", "initial": "x", "nil_reads": "unknown", "method": "z3"}
    assert options.items() >= expected.items()
    _, answer = checked(capsys, path)
    options = answer["details"]["options"]
    assert 40.0 < options.pop("time_limit_s") < 60.0
    expected = {"model": "register", "initial": None, "nil_reads": "value", "method": "auto"}
    assert options.items() >= expected.items()


def call(process: int, f: str, given: Any, result: Any) -> str:
    invoke = {"type": "invoke", "process": process, "f": f, "value": given}
    return json.dumps(invoke) + "\n" + json.dumps({**invoke, "type": "ok", "value": result}) + "\n"


Calls = list[tuple[str, Any, Any]]

# Of every model a history that it allows, and one that it does not, each one operation after the other.
BY_MODEL: dict[str, tuple[Calls, Calls]] = {
    "register": ([("write", 1, 1), ("read", None, 1)], [("write", 1, 1), ("read", None, 2)]),
    "cas-register": ([("cas", [None, 1], [None, 1])], [("cas", [1, 2], [1, 2])]),
    "multi-register": ([("write", {"x": 1}, None), ("read", None, {"x": 1})], [("read", None, {"x": 1})]),
    "mutex": ([("acquire", None, None), ("release", None, None)], [("release", None, None)]),
    "reentrant-mutex": ([("acquire", None, None), ("acquire", None, None)], [("release", None, None)]),
    "fenced-mutex": (
        [("acquire", None, 1), ("release", None, None), ("acquire", None, 2)],
        [("acquire", None, 2), ("release", None, None), ("acquire", None, 1)],
    ),
    "semaphore": ([("acquire", 1, None)], [("acquire", 2, None)]),
    "counter": ([("add", 2, None), ("read", None, 2)], [("add", 2, None), ("read", None, 3)]),
    "set": ([("add", 1, None), ("read", None, [1])], [("add", 1, None), ("read", None, [])]),
    "queue": (
        [("enqueue", 1, None), ("enqueue", 2, None), ("dequeue", None, 1)],
        [("enqueue", 1, None), ("enqueue", 2, None), ("dequeue", None, 2)],
    ),
    "unordered-queue": (
        [("enqueue", 1, None), ("enqueue", 2, None), ("dequeue", None, 2)],
        [("enqueue", 1, None), ("dequeue", None, 2)],
    ),
    "stack": (
        [("push", 1, None), ("push", 2, None), ("pop", None, 2)],
        [("push", 1, None), ("push", 2, None), ("pop", None, 1)],
    ),
    "pqueue": (
        [("insert", 2, None), ("insert", 1, None), ("poll", None, 2)],
        [("insert", 2, None), ("insert", 1, None), ("poll", None, 1)],
    ),
    "deque": (
        [("push-front", 1, None), ("push-front", 2, None), ("pop-back", None, 1)],
        [("push-front", 1, None), ("push-front", 2, None), ("pop-back", None, 2)],
    ),
    "kv": ([("append", "a", None), ("get", None, "a")], [("append", "a", None), ("get", None, "b")]),
}


def test_every_model_is_named_on_the_command_line() -> None:
    assert set(BY_MODEL) == set(catalog.names("models"))


@pytest.mark.parametrize("model", BY_MODEL)
def test_models(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for calls, status in zip(BY_MODEL[model], (0, 1), strict=True):
        path = written(tmp_path, "".join(call(0, *each) for each in calls))
        found, answer = checked(capsys, path, "--model", model)
        assert (found, answer["model"]) == (status, model), answer
        assert answer["method"] in METHODS
        assert answer["details"]["keys_by_method"] == {answer["method"]: 1}


def test_methods_are_the_checker_s() -> None:
    assert set(METHODS) == set(get_args(Method))


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_the_one_that_decides(method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content, status in ((VALID, 0), (STALE, 1)):
        found, answer = checked(capsys, written(tmp_path, content), "--method", method)
        assert found == status
        assert method in ("auto", answer["method"])
    _, answer = checked(capsys, written(tmp_path, VALID))
    assert answer["details"]["algorithms"], "which polynomial method it was"


def test_a_method_that_cannot_decide_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, call(0, "acquire", 1, 1))
    for model, method in (("semaphore", "polynomial"), ("examples.bank_account:Account", "z3")):
        found, answer = checked(capsys, path, "--model", model, "--method", method)
        assert (found, answer["reason"]) == (2, "unsupported")


MODEL_OF_MY_OWN = """
class Doubling:
    def init(self):
        return 1
    def step(self, state, operation):
        return 2 * state if operation.result == 2 * state else None
class Half:
    def init(self):
        return 1
class Broken(Doubling):
    def step(self, state, operation):
        raise RuntimeError("oh")
class Unmade:
    def __init__(self):
        raise RuntimeError("no")
"""


def test_a_model_of_one_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "doubling_model.py").write_text(MODEL_OF_MY_OWN)
    (tmp_path / "cut_model.py").write_text("class Cut(")
    monkeypatch.chdir(tmp_path)
    good = written(tmp_path, call(0, "double", None, 2) + call(1, "double", None, 4), "good")
    bad = written(tmp_path, call(0, "double", None, 4) + call(1, "double", None, 2), "bad")
    status, answers = checked(capsys, good, bad, "--model", "doubling_model:Doubling")
    assert (status, [answer["valid"] for answer in answers]) == (1, [True, False])
    assert answers[0]["model"] == "doubling_model:Doubling"
    status, answer = checked(capsys, good, "--model", "doubling_model:Broken")
    assert (status, answer["reason"]) == (2, "checker-error")
    for name, said in [("doubling_model:Half", "no method step"), ("doubling_model:Unmade", "RuntimeError: no"),
                       ("cut_model:Cut", "SyntaxError"), ("doubling_model:None_", "a class that"),
                       ("nowhere_model:A", "cannot be imported"), ("queu", "did you mean queue?")]:  # fmt: skip
        status, answer = checked(capsys, good, "--model", name)
        assert status == 254
        assert said in answer["error"]


WRITE_THEN_STALE = call(0, "write", 1, 1) + call(1, "read", None, None)
STORE_BUFFERING = "".join(
    line.replace('"process"', f'"key": "{key}", "process"') + "\n"
    for key, calls in (("x", call(0, "write", 1, 1)), ("y", call(0, "read", None, None)),
                       ("y", call(1, "write", 1, 1)), ("x", call(1, "read", None, None)))
    for line in calls.splitlines()
)  # fmt: skip
PROPOSED = call(0, "propose", 1, 1) + call(1, "propose", 2, 2)
IDS = call(0, "generate", None, 2) + call(1, "generate", None, 1)


@pytest.mark.parametrize(
    ("content", "expect", "status"),
    [
        (WRITE_THEN_STALE, "linearizable", 1),
        (WRITE_THEN_STALE, "sequential", 0),
        (STORE_BUFFERING, "sequential", 1),
        (STORE_BUFFERING, "sequential-per-key", 0),
        (WRITE_THEN_STALE, "consistent-prefix", 0),
        (PROPOSED, "agreement", 1),
        (PROPOSED, "validity", 0),
        (PROPOSED, "consensus", 1),
        (IDS, "unique-ids", 0),
        (IDS, "ordered-ids", 1),
    ],
)
def test_expectations(
    tmp_path: Path, content: str, expect: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found, answer = checked(capsys, written(tmp_path, content), "--expect", expect)
    assert (found, answer["expect"]) == (status, expect), answer


@pytest.mark.parametrize(
    ("expect", "options", "taker"),
    [
        ("set", ["--model", "queue"], "sequential"),
        ("unique-ids", ["--initial", "0"], "consistent-prefix"),
        ("agreement", ["--nil-reads", "value"], "consistent-prefix"),
        ("consistent-prefix", ["--method", "z3"], "sequential"),
        ("consistent-prefix", ["--certificate", "e.json"], "sequential"),
    ],
)
def test_an_option_that_the_checker_has_no_use_for_is_refused(
    tmp_path: Path, expect: str, options: list[str], taker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer = checked(capsys, written(tmp_path, VALID), "--expect", expect, *options)
    assert status == 254
    said, _, takers = answer["error"].partition("; it belongs to --expect ")
    assert said.endswith(f"read {options[0]} with --expect {expect}")
    assert taker in takers.split(", ")
    assert expect not in takers.split(", ")


def test_options_of_sequential_reach_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, call(0, "enqueue", 1, 1) + call(1, "dequeue", None, None) + call(1, "dequeue", None, 1))
    status, answer = checked(capsys, path, "--expect", "sequential", "--model", "queue", "--method", "search")
    assert (status, answer["model"], answer["method"]) == (0, "queue", "search")
    path = written(tmp_path, call(0, "read", None, None) + call(0, "read", None, 5))
    options = ["--expect", "sequential", "--initial", "5", "--nil-reads", "unknown"]
    assert checked(capsys, path, *options)[0] == 0
    assert checked(capsys, path, "--expect", "sequential")[0] == 1


def test_help_groups_what_can_be_expected(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["check", "--help"])
    text = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    for name in catalog.names("checkers"):
        assert (f"{name}," in text or f"{name}." in text) or name in catalog.LEVELS, name
    assert "`splitbrain list checkers` has a line on each" in text
