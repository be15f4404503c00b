"""From words to a plan: defaults, suggestions, and replays that are not believed blindly."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.catalog import UnknownNameError
from harness.cli import main
from harness.commands import Parser, UsageError, run
from harness.commands.run_plan import faults_in_words, read_options, setup_of
from harness.faults.action import check_action
from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.store import create_folder
from tests.harness.play_cluster import play_system


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="splitbrain")
    subparsers = parser.add_subparsers(dest="command")
    run.add(subparsers)
    return parser.parse_args(["run", *words])


def plan_of(*words: str) -> Plan:
    return setup_of(parsed(*words)).plan


def test_defaults_are_the_issues() -> None:
    plan = plan_of("raft")
    assert (plan.nodes, plan.concurrency, plan.rate_hz, plan.time_limit_s, plan.client_timeout_s) == (5, 10, 100, 30, 1)
    assert (plan.initial, plan.workload, plan.faults, plan.schedule) == (None, "register", "none", ())
    assert plan.provider == "local"
    assert plan_of("single-leader").workload == "set"
    assert plan_of("raft").seed != plan_of("raft").seed


def test_every_option_reaches_the_plan() -> None:
    plan = plan_of("single-leader", "-o", "replication=sync", "-o", "reads=any", "--workload", "register", "--faults",
                   "kill=leader:2,pause", "--nodes", "7", "--concurrency", "3", "--rate", "5.5", "--time-limit", "20",
                   "--client-timeout", "0.5", "--seed", "9")  # fmt: skip
    assert plan.options["replication"] == "sync"
    assert plan.options["failover"] == "automatic", "defaults stand in the plan, for who replays it later"
    assert (plan.workload, plan.nodes, plan.concurrency, plan.rate_hz) == ("register", 7, 3, 5.5)
    assert (plan.time_limit_s, plan.client_timeout_s, plan.seed) == (20, 0.5, 9)
    assert {entry.fault for entry in plan.schedule} == {"kill", "pause"}


def test_the_seed_decides_the_schedule() -> None:
    words = ("raft", "--faults", "partition,kill")
    assert plan_of(*words, "--seed", "1").schedule == plan_of(*words, "--seed", "1").schedule
    assert plan_of(*words, "--seed", "1").schedule != plan_of(*words, "--seed", "2").schedule


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rafd"], r"did you mean raft\?"),
        ([], "read no system"),
        (["raft", "-o", "hartbeat-ms=5"], r"did you mean heartbeat-ms\?"),
        (["raft", "-o", "heartbeat-ms=fast"], "expected an integer"),
        (["raft", "-o", "heartbeat-ms"], "expected KEY=VALUE, such as heartbeat-ms=100"),
        (["single-leader", "-o", "replication=asynch"], r"did you mean async\?"),
        (["raft", "--faults", "partiton"], r"did you mean partition\?"),
        (["raft", "--faults", "kill=one:9"], "at most 5"),
        (["raft", "--workload", "regster"], r"did you mean register\?"),
        (["raft", "--provider", "lokal"], "lokal"),
        (["raft", "--nodes", "0"], "an integer from 1 to"),
        (["raft", "--nodes", "five"], "an integer from 1 to"),
        (["raft", "--rate", "0"], "above 0"),
        (["raft", "--rate", "nan"], "above 0"),
        (["raft", "--seed", "-1"], "an integer from 0 to"),
        (["raft", "--replay", "nowhere.json"], "read nothing from nowhere.json"),
    ],
)
def test_mistakes_are_answered_with_what_was_read_expected_and_meant(words: Sequence[str], expected: str) -> None:
    with pytest.raises((UsageError, UnknownNameError), match=expected):
        setup_of(parsed(*words))


def test_a_workload_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = play_system(operations=frozenset({"read"}))
    monkeypatch.setattr(catalog, "system", lambda name: reader)
    with pytest.raises(UsageError, match="asks for add, which 'play' does not do"):
        setup_of(parsed("play", "--workload", "set"))


def replayable(tmp_path: Path, **changes: Any) -> Path:
    folder = create_folder(tmp_path, replace(plan_of("raft", "--faults", "kill", "--seed", "3"), **changes))
    return folder.plan


def test_a_replay_has_the_plan_and_its_schedule(tmp_path: Path) -> None:
    path = replayable(tmp_path)
    original = Plan.from_json(json.loads(path.read_text()))
    assert len(original.schedule) >= 4
    for words in (["--replay", str(path)], ["raft", "--replay", str(path)], ["--replay", str(path.parent)]):
        assert plan_of(*words) == original


def test_a_replay_does_not_draw_again(tmp_path: Path) -> None:
    path = replayable(tmp_path)
    fields = json.loads(path.read_text())
    fields["schedule"] = fields["schedule"][:1]
    path.write_text(json.dumps(fields))
    assert len(plan_of("--replay", str(path)).schedule) == 1


@pytest.mark.parametrize("words", [["--seed", "1"], ["--faults", "none"], ["-o", "a=b"], ["--nodes", "3"]])
def test_a_replay_takes_no_other_plan(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(UsageError, match="with --replay"):
        setup_of(parsed("--replay", str(replayable(tmp_path)), *words))


def test_a_replay_of_another_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected 'raft'"):
        setup_of(parsed("single-leader", "--replay", str(replayable(tmp_path))))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schema": "splitbrain.plan/99"}, "plan/99"),
        ({"nodes": 10_000}, "nodes = 10000"),
        ({"initial": 0}, "expected null"),
        ({"nodes": True}, "nodes = True"),
        ({"rate_hz": "fast"}, "rate_hz"),
        ({"time_limit_s": -1}, "time_limit_s"),
        ({"options": {"heartbeat-ms": 5}}, "object of texts"),
        ({"options": {"heart": "5"}}, "the option 'heart'"),
        ({"workload": "../x"}, r"workload '\.\./x'"),
        ({"system": "../x"}, r"system '\.\./x'"),
        ({"faults": "what"}, "what"),
        ({"surprise": 1}, "surprise"),
        ({"schedule": [{"fault": "kill", "start_ns": 5, "stop_ns": 1, "action": {}}]}, "start_ns <= stop_ns"),
        ({"schedule": [{"fault": "quake", "start_ns": 1, "stop_ns": 2, "action": {}}]}, "quake"),
        ({"schedule": [{"fault": "kill", "start_ns": 1, "stop_ns": 2, "action": {"nodes": ["n9"]}}]}, "n9"),
        ({"schedule": [{"fault": "kill"}]}, "plan.json"),
        ({"schedule": [{"fault": [], "start_ns": 1, "stop_ns": 2, "action": {}}]}, "fault"),
        ({"schedule": [{"fault": "kill", "start_ns": False, "stop_ns": True, "action": {}}]}, "start_ns <= stop_ns"),
        ({"schedule": [{"fault": "kill", "start_ns": 1, "stop_ns": 10**18, "action": {}}]}, "within the 30 s"),
        ({"bugs": "abc"}, "the bug 'a'"),
        ({"bugs": [{}]}, "the bug '{}'"),
        ({"schedule": 7}, "plan.json"),
        ({"concurrency": 10**9}, "concurrency"),
    ],
)
def test_a_plan_from_a_file_is_checked(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    path = replayable(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises((UsageError, UnknownNameError), match=expected):
        setup_of(parsed("--replay", str(path)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "either nodes or drops"),
        ([], "either nodes or drops"),
        ({"shape": "one", "nodes": ["n1"], "drops": {}}, "either nodes or drops"),
        ({"nodes": ["n1"]}, "a shape"),
        ({"shape": "one", "nodes": "n1; reboot"}, "nodes = n1; reboot"),
        ({"shape": "one", "nodes": []}, "nodes"),
        ({"shape": "one", "nodes": [{}]}, "nodes"),
        ({"shape": "one", "nodes": ["n6"]}, "n6"),
        ({"shape": "x", "drops": {"n1": ["n1 }; flush ruleset"]}}, "flush ruleset"),
        ({"shape": "x", "drops": {"../n1": ["n2"]}}, "drops"),
        ({"shape": "x", "drops": {"n1": "n2"}}, "drops"),
        ({"shape": "leader", "nodes": ["leader"], "count": "x"}, "count"),
        ({"shape": "leader", "nodes": ["leader"], "count": 6}, "count"),
        ({"shape": "leader", "nodes": ["leader"], "spares": ["n7"]}, "spares"),
        ({"shape": "x", "nodes": ["leader"], "direction": 3}, "direction"),
        ({"shape": "one", "nodes": ["n1"], "application": 7}, "application"),
    ],
)
def test_an_action_from_a_file_is_checked(tmp_path: Path, change: Any, expected: str) -> None:
    path = replayable(tmp_path)
    schedule = [{"fault": "kill", "start_ns": 1, "stop_ns": 2, "action": change}]
    path.write_text(json.dumps({**json.loads(path.read_text()), "schedule": schedule}))
    with pytest.raises(UsageError, match=expected):
        setup_of(parsed("--replay", str(path)))


KILL = {"fault": "kill", "start_ns": 0, "stop_ns": 2, "action": {"shape": "its-node", "nodes": ["its-node"]}}
VOTE = {"on": "event", "name": "vote-granted", "count": 3}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schedule": [KILL]}, "nodes = \\['its-node'\\]"),
        ({"schedule": [{**KILL, "trigger": {}}]}, "read the trigger"),
        ({"schedule": [{**KILL, "trigger": {**VOTE, "count": 0}}]}, "a count from 1"),
        ({"schedule": [{**KILL, "trigger": {**VOTE, "name": "x; reboot"}}]}, "the name of the event"),
        ({"schedule": [{**KILL, "trigger": {**VOTE, "on": "quake"}}]}, "one of event, operation"),
        ({"faults": "after 3rd vote-grated kill"}, "after EVENT"),
        ({"operations": 7}, "plan.json"),
        ({"operations": [{}]}, "plan.json"),
        ({"operations": [{"time_ns": 1, "thread": 0, "f": "read", "surprise": 1}]}, "surprise"),
        ({"operations": [{"time_ns": -1, "thread": 0, "f": "read"}]}, "expected time_ns, thread, f"),
        ({"operations": [{"time_ns": True, "thread": 0, "f": "read"}]}, "expected time_ns, thread, f"),
        ({"operations": [{"time_ns": 1, "thread": 0, "f": 7}]}, "expected time_ns, thread, f"),
        ({"operations": [{"time_ns": 1, "thread": 10, "f": "read"}]}, "a thread below 10"),
        ({"operations": [{"time_ns": 10**12, "thread": 0, "f": "read"}]}, "within the 30 s"),
        ({"operations": [{"time_ns": 1, "thread": 0, "f": "raed"}]}, r"did you mean read\?"),
        ({"operations": [{"time_ns": 1, "thread": 0, "f": "read", "node": "n6"}]}, "at the node 'n6'"),
        ({"operations": [{"time_ns": 1, "thread": 0, "f": "read", "node": []}]}, "expected time_ns, thread, f"),
        ({"order": "random"}, "expected one of uniform, pct"),
        ({"order": []}, "expected one of uniform, pct"),
        ({"rare": 1}, "true or false"),
    ],
)
def test_triggers_and_operations_from_a_file_are_checked(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    path = replayable(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises((UsageError, UnknownNameError), match=expected):
        setup_of(parsed("--replay", str(path)))


def test_a_plan_of_a_few_lines_of_data_is_replayed_as_it_stands(tmp_path: Path) -> None:
    path = replayable(tmp_path)
    operations = [{"time_ns": 5, "thread": 9, "f": "write", "value": 3, "key": None, "node": None}]
    change = {"operations": operations, "schedule": [{**KILL, "trigger": VOTE}]}
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    plan = plan_of("--replay", str(path))
    assert plan.operations == (ScheduledOperation(5, 9, "write", 3),)
    assert plan.schedule == (ScheduledFault("kill", 0, 2, KILL["action"], VOTE),)  # type: ignore[arg-type]
    assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan


def test_what_sets_faults_off_reaches_the_plan() -> None:
    words = "partition, after 3rd leader-change: kill its node, after any operation write: pause=its-node:2"
    plan = plan_of("raft", "--faults", words, "--seed", "4")
    armed = [entry for entry in plan.schedule if entry.trigger is not None]
    assert {entry.fault for entry in armed} == {"kill", "pause"}
    assert next(e for e in armed if e.fault == "kill").trigger == {"on": "leader-change", "name": None, "count": 3}
    assert {entry.fault for entry in plan.schedule if entry.trigger is None} == {"partition"}
    with pytest.raises(UsageError, match=r"did you mean write\?"):
        plan_of("raft", "--faults", "after operation wirte: kill")


@pytest.mark.parametrize(
    "fields",
    [
        {"links": [["n1", "n2"], ["clients", "n3"]], "amount": {"delay_ms": 20.0, "jitter_ms": 3}},
        {"nodes": ["n1"], "kind": "jump", "amount": {"offset_ms": -3e6}},
        {"nodes": ["n1"], "torn": True, "reordered": False, "keep": "none"},
        {"nodes": ["n1"], "bits": 3, "files": "wal/", "probability": 0.5, "factor": 1e9},
    ],
)
def test_what_faults_add_to_their_actions_is_known(fields: dict[str, Any]) -> None:
    check_action({"shape": "x", **fields}, ("n1", "n2", "n3"))


@pytest.mark.parametrize(
    "fields",
    [
        {"links": [["n1", "n9"]]},
        {"links": [["n1"]]},
        {"links": "n1"},
        {"links": [["n1", "n2"]], "nodes": ["n1"]},
        {"nodes": ["n1"], "amount": {"delay": 3}},
        {"nodes": ["n1"], "amount": {"delay_ms": "3"}},
        {"nodes": ["n1"], "amount": 3},
        {"nodes": ["n1"], "probability": float("nan")},
        {"nodes": ["n1"], "probability": True},
        {"nodes": ["n1"], "factor": 1e10},
        {"nodes": ["n1"], "factor": 10**400},
        {"nodes": ["n1"], "torn": 1},
        {"nodes": ["n1"], "files": "x" * 81},
        {"nodes": ["n1"], "kind": ["jump"]},
        {"nodes": ["its-node"]},
    ],
)
def test_what_no_fault_adds_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        check_action({"shape": "x", **fields}, ("n1", "n2", "n3"))


def shape_of(name: str, shape: str) -> str:
    return f"{'after leader-change: ' if 'its-node' in shape else ''}{name}={shape}"


@pytest.mark.parametrize("faults", [",".join(catalog.names("faults")), *(
    shape_of(name, shape) for name in catalog.names("faults") for shape in catalog.fault(name).shapes
)])  # fmt: skip
def test_every_action_that_is_chosen_can_be_replayed(tmp_path: Path, faults: str) -> None:
    for seed in range(5):
        plan = plan_of("raft", "--faults", faults, "--seed", str(seed), "--time-limit", "60")
        assert plan.schedule
        assert plan_of("--replay", str(create_folder(tmp_path, plan).plan)) == Plan.from_json(
            json.loads(json.dumps(plan.as_json()))
        )


def test_a_plan_that_never_ends_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "plan.json")
    (tmp_path / "deep.json").write_text("[" * 200_000)
    for path in (tmp_path, tmp_path / "deep.json", Path("/dev/zero")):
        with pytest.raises(UsageError, match="--replay"):
            setup_of(parsed("--replay", str(path)))


def test_a_plan_that_is_no_plan(tmp_path: Path) -> None:
    for number, text in enumerate(["", "[]", "null", "{", "\x00", '{"schema":"splitbrain.plan/1"}']):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        with pytest.raises(UsageError, match="--replay"):
            setup_of(parsed("--replay", str(path)))


def test_a_hostile_plan_says_nothing_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = replayable(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "nodes": "\x1b]0;owned\x07"}))
    assert main(["run", "--replay", str(path)]) == 254
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "owned" in said


def test_options_are_completed_with_defaults() -> None:
    assert read_options(["size=12"], play_system()) == {"mode": "fast", "size": "12"}


def test_no_faults_is_said_in_words() -> None:
    assert "--faults partition" in faults_in_words(plan_of("raft"))
    assert faults_in_words(plan_of("raft", "--faults", "kill")).startswith("faults kill (")


def test_usage_errors_exit_with_254(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "rafd", "--json"]) == 254
    captured = capsys.readouterr()
    assert "did you mean raft" in json.loads(captured.out)["error"]


STORM = Path(__file__).resolve().parents[3] / "examples" / "faults" / "storm.toml"


@pytest.mark.parametrize("profile", ["calm", "typical", "brutal", "swarm"])
def test_a_profile_is_drawn_from_the_seed_and_says_what_it_is_made_of(profile: str) -> None:
    words = ("raft", "--provider", "sim", "--faults", profile, "--time-limit", "20")
    plan = plan_of(*words, "--seed", "4")
    assert plan.faults == profile
    assert plan.schedule == plan_of(*words, "--seed", "4").schedule
    told = faults_in_words(plan)
    assert told.startswith(f"faults {profile}: ")
    assert all(entry.fault in told for entry in plan.schedule)
    assert "; without truncate, " in told
    assert "(the system does not claim to withstand it)" in told


def test_all_is_everything_the_provider_can_do_and_the_system_has_to_bear() -> None:
    raft = set(plan_of("raft", "--provider", "sim", "--faults", "all").faults.split(","))
    other = set(plan_of("single-leader", "--provider", "sim", "--faults", "all").faults.split(","))
    assert {"partition", "kill", "clock", "eio", "bit-flip", "duplicate"} <= raft
    assert raft - other == {"bit-flip"}, "what only raft says it withstands"
    assert not {"wipe", "truncate"} & raft


def test_a_fault_file_makes_the_schedule_and_a_replay_needs_it_no_more(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_text(STORM.read_text())
    plan = plan_of("raft", "--provider", "sim", "--faults", str(copy), "--time-limit", "20", "--seed", "2")
    assert {entry.fault for entry in plan.schedule} == {"partition", "kill", "restart", "pause"}
    assert faults_in_words(plan).startswith(f"faults {copy}: pause")
    stored = create_folder(tmp_path / "store", plan).plan
    copy.unlink()
    assert plan_of("--replay", str(stored)) == plan
    with pytest.raises(UsageError, match=r"read nothing from .*mine\.toml"):
        plan_of("raft", "--faults", str(copy))


def test_a_fault_file_is_read_with_the_words_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    for key, value, taught in (
        ("shape", "role-witness", "the role 'witness'"),
        ("shape", "n9", "n9 is none of them"),
        ("trigger", "after ballot", "the event 'ballot'"),
    ):
        path.write_text(f'[[fault]]\nname = "kill"\n{key} = "{value}"\n' + ("at = [2]\n" if key == "shape" else ""))
        with pytest.raises(UsageError) as caught:
            plan_of("raft", "--provider", "sim", "--faults", str(path))
        assert taught in str(caught.value)


def test_roles_and_nodes_are_read_on_the_command_line(tmp_path: Path) -> None:
    plan = plan_of("raft", "--faults", "kill=n2+n3,pause=role-server:2,restart=followers", "--seed", "1")
    aims = {entry.fault: entry.action["nodes"] for entry in plan.schedule}
    assert aims == {"kill": ["n2", "n3"], "pause": ["role-server"], "restart": ["followers"]}
    assert plan_of("--replay", str(create_folder(tmp_path, plan).plan)) == plan
    with pytest.raises(UsageError, match=r"the role 'witness' .* expected one of server"):
        plan_of("raft", "--faults", "kill=role-witness")
