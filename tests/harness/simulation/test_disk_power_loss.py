"""What a power loss leaves of a simulated disk: all that was synced, what is allowed of the rest, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.simulation.disk_device import CAPACITY_BYTES
from harness.simulation.disk_names import Names
from tests.harness.simulation.disk_machine import DiskMachine
from tests.harness.simulation.disk_model import Model

names = st.sampled_from(("a", "b", "d/c"))
data = st.binary(min_size=1, max_size=3)
scripts = st.lists(
    st.one_of(
        st.tuples(st.just("append"), names, data),
        st.tuples(st.just("write"), names, st.binary(max_size=3)),
        st.tuples(st.just("truncate"), names, st.integers(0, 5)),
        st.tuples(st.just("rename"), names, names),
        st.tuples(st.just("delete"), names),
        st.tuples(st.just("sync"), names),
        st.tuples(st.just("begin-sync"), names),
        st.tuples(st.just("sync_dir")),
    ),
    max_size=14,
)
modes = st.fixed_dictionaries(
    {"torn": st.booleans(), "reordered": st.booleans(), "keep": st.sampled_from(("some", "some", "some", "none"))}
)


def played(machine: DiskMachine, script: Sequence[tuple[Any, ...]]) -> Model:
    """The script on the disk and on a model of it; what does not fit is left out."""
    model = Model()
    begun = []
    for verb, *arguments in script:
        if verb in ("truncate", "rename", "delete", "sync", "begin-sync") and arguments[0] not in model.names:
            continue
        if verb == "sync":
            machine.run(machine.files.sync(arguments[0]))
            model.sync_file(arguments[0])
        elif verb == "begin-sync":  # ends during a later sync, or never
            file = model.names[arguments[0]]
            begun.append((machine.begin(machine.files.sync(arguments[0])), file, len(file.changes)))
        elif verb == "sync_dir":
            machine.run(machine.files.sync_dir())
            model.sync_names()
        else:
            getattr(machine.files, verb)(*arguments)
            if verb == "rename":
                if arguments[0] != arguments[1]:
                    model.change((*arguments, model.names[arguments[0]]))
            elif verb == "delete":
                model.change((arguments[0], None, model.names[arguments[0]]))
            else:
                getattr(model, verb)(*arguments)
    for task, file, covered in begun:
        if task.done():
            file.synced = max(file.synced, covered)
        else:
            file.begun.append(covered)
    return model


@settings(max_examples=300, deadline=None)
@given(scripts, modes, st.integers(0, 1000))
def test_a_power_loss_leaves_only_what_is_allowed(script: Any, mode: Any, seed: int) -> None:
    machine = DiskMachine(seed)
    model = played(machine, script)
    assert machine.contents() == {name: file.content for name, file in model.names.items()}
    machine.power_loss(**mode)
    found = machine.contents()
    allowed = model.outcomes(reordered=mode["reordered"], keep=mode["keep"])
    assert any(
        found.keys() == state.keys() and all(found[name] in file.outcomes(**mode) for name, file in state.items())
        for state in allowed
    ), f"found {found} after {script}"


@settings(max_examples=100, deadline=None)
@given(scripts, scripts, modes, st.integers(0, 1000))
def test_what_was_synced_is_there_after_any_power_loss(first: Any, then: Any, mode: Any, seed: int) -> None:
    machine = DiskMachine(seed)
    played(machine, first)
    machine.sync(*machine.files.list())
    synced = machine.contents()
    appended = [(verb, f"new-{name}" if verb != "append" else name, *rest) for verb, name, *rest in
                [call for call in then if call[0] in ("append", "write")]]  # fmt: skip
    for verb, name, payload in appended:
        getattr(machine.files, verb)(name, payload)
    machine.power_loss(**mode)
    found = machine.contents()
    for name, content in synced.items():
        assert found[name].startswith(content)
    machine.power_loss(**mode)
    assert machine.contents() == found, "what a power loss leaves is durable"


def outcomes_of(machines: Iterable[DiskMachine], **mode: Any) -> set[tuple[tuple[str, bytes], ...]]:
    found = set()
    for machine in machines:
        machine.power_loss(**mode)
        found.add(tuple(sorted(machine.contents().items())))
    return found


def three_appended(seed: int) -> DiskMachine:
    machine = DiskMachine(seed)
    machine.files.append("f", b"S")
    machine.sync("f")
    for part in (b"12", b"34", b"56"):
        machine.files.append("f", part)
    return machine


PREFIXES = {b"S", b"S12", b"S1234", b"S123456"}
TORN = {b"S1", b"S123", b"S12345"}
SUBSETS = {b"S12", b"S\0\x0034", b"S\0\0\0\x0056", b"S1234", b"S12\0\x0056", b"S\0\x003456", b"S123456", b"S"}
TORN_SUBSETS = {
    head + last[:1] + zero
    for heads, last in (
        ([b"S"], b"12"),
        ([b"S12", b"S\0\0"], b"34"),
        ([b"S1234", b"S\0\x0034", b"S12\0\0", b"S\0\0\0\0"], b"56"),
    )
    for head in heads
    for zero in (b"", b"\0")
}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ({"keep": "none"}, {b"S"}),
        ({}, PREFIXES),
        ({"torn": True}, TORN),
        ({"reordered": True}, SUBSETS),
        ({"reordered": True, "torn": True}, TORN_SUBSETS),
        ({"reordered": True, "torn": True, "keep": "none"}, {b"S"}),
    ],
    ids=["none", "some", "torn", "reordered", "reordered-torn", "reordered-torn-none"],
)
def test_every_allowed_outcome_of_a_small_case_happens_and_no_other(mode: Any, expected: set[bytes]) -> None:
    found = outcomes_of(map(three_appended, range(400)), **mode)
    assert found == {(("f", content),) for content in expected}


def replaced_by_rename(seed: int, *, synced: bool) -> DiskMachine:
    """The classic way to replace a file, but for the last sync or two."""
    machine = DiskMachine(seed)
    machine.files.write("f", b"old")
    machine.sync("f")
    machine.files.write("f.new", b"new")
    if synced:
        machine.run(machine.files.sync("f.new"))
    machine.files.rename("f.new", "f")
    return machine


OLD, BOTH, NEW = (("f", b"old"),), (("f", b"old"), ("f.new", b"new")), (("f", b"new"),)
EMPTY = {(("f", b"old"), ("f.new", b"")), (("f", b""),)}


@pytest.mark.parametrize("reordered", [False, True])
def test_a_rename_is_atomic_and_may_be_durable_before_the_content(reordered: bool) -> None:
    synced = (replaced_by_rename(seed, synced=True) for seed in range(200))
    assert outcomes_of(synced, reordered=reordered) == {OLD, BOTH, NEW}
    unsynced = (replaced_by_rename(seed, synced=False) for seed in range(200))
    assert outcomes_of(unsynced, reordered=reordered) == {OLD, BOTH, NEW} | EMPTY


def test_replacing_a_file_in_place_can_leave_it_empty() -> None:
    def machine(seed: int) -> DiskMachine:
        machine = DiskMachine(seed)
        machine.files.write("f", b"old")
        machine.sync("f")
        machine.files.write("f", b"new")
        return machine

    assert outcomes_of(map(machine, range(100))) == {OLD, (("f", b""),), NEW}


def test_a_deleted_file_comes_back_and_a_synced_one_does_not_hide_behind_a_new_one() -> None:
    def machine(seed: int) -> DiskMachine:
        machine = DiskMachine(seed)
        machine.files.write("log", b"1")
        machine.files.write("gone", b"2")
        machine.sync("log", "gone")
        machine.files.delete("gone")
        machine.files.rename("log", "log.old")
        machine.files.append("log", b"")
        return machine

    rotations = [{"log": b"1"}, {"log.old": b"1"}, {"log.old": b"1", "log": b""}]
    found = outcomes_of(map(machine, range(300)), reordered=True)
    assert found == {tuple(sorted({**names, **gone}.items())) for names in rotations for gone in ({}, {"gone": b"2"})}


def test_a_sync_covers_what_was_written_before_it_and_nothing_else_is_sure() -> None:
    def machine(seed: int) -> DiskMachine:
        machine = DiskMachine(seed)
        machine.files.append("f", b"")
        machine.sync("f")
        machine.files.append("f", b"before")
        task = machine.begin(machine.files.sync("f"))
        machine.files.append("f", b" after")
        while not task.done():
            machine.pass_ms(1)
        return machine

    assert outcomes_of(map(machine, range(100))) == {(("f", b"before"),), (("f", b"before after"),)}


def test_a_sync_under_way_when_the_power_goes_has_promised_nothing() -> None:
    def machine(seed: int) -> DiskMachine:
        machine = DiskMachine(seed)
        machine.files.append("f", b"")
        machine.sync("f")
        machine.files.append("f", b"x")
        task = machine.begin(machine.files.sync("f"))
        assert not task.done()
        return machine

    assert outcomes_of(map(machine, range(50))) == {(("f", b""),), (("f", b"x"),)}


def test_a_kill_keeps_everything_and_a_power_loss_after_it_does_not() -> None:
    def machine(seed: int) -> DiskMachine:
        machine = three_appended(seed)
        machine.files.append("new", b"n")
        before = machine.contents()
        machine.kill()
        assert machine.contents() == before
        return machine

    found = outcomes_of(map(machine, range(300)))
    assert {dict(files)["f"] for files in found} == PREFIXES
    assert {dict(files).get("new") for files in found} == {None, b"", b"n"}


def test_what_was_lost_is_told() -> None:
    machine = three_appended(1)
    machine.files.append("new", b"synced")
    machine.run(machine.files.sync("new"))
    assert machine.disk.unsynced_bytes == 6
    assert machine.power_loss(keep="none") == {"bytes": 6 + 6, "writes": 3, "names": 1, "torn": 0}
    assert machine.disk.unsynced_bytes == 0
    assert machine.power_loss() == {"bytes": 0, "writes": 0, "names": 0, "torn": 0}
    lost = three_appended(1).power_loss(torn=True)
    assert lost["torn"] == 1
    assert lost["bytes"] == 2 * lost["writes"] + 1


@given(st.integers(0, 10_000))
def test_the_bytes_told_are_those_that_are_gone(seed: int) -> None:
    machine = three_appended(seed)
    lost = machine.power_loss()
    assert machine.files.size("f") == 7 - lost["bytes"]


def test_another_file_of_unsynced_data_does_not_change_what_becomes_of_this_one() -> None:
    def left(seed: int, *, other: bool) -> bytes:
        machine = three_appended(seed)
        if other:
            machine.files.write("other", b"other")
        machine.power_loss(torn=True, reordered=True)
        return machine.files.read("f")

    assert [left(seed, other=False) for seed in range(50)] == [left(seed, other=True) for seed in range(50)]


def test_names_and_contents_outlive_a_full_table_of_changes() -> None:
    """The records of the past are dropped by syncs: nothing grows with the number of changes."""
    machine = DiskMachine()
    for number in range(50):
        machine.files.write("f.new", str(number).encode())
        machine.files.rename("f.new", "f")
        machine.sync("f")
    names: Names = machine.disk.device.names
    assert not names.pending
    assert not any(content.pending for content in names.contents())
    assert machine.disk.device.room < CAPACITY_BYTES
