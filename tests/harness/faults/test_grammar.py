"""The grammar of --faults: what it reads, what sets faults off, and what its errors teach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fault import EVENT, FAILPOINT, LEADER_CHANGE, LOG, OPERATION, Fault, FaultSpec, FaultSyntaxError, Trigger
from harness.faults import kill, partition, pause
from harness.faults.grammar import ALONE, parse
from harness.faults.profile import PROFILES

FAULTS: dict[str, Fault] = {"partition": partition.FAULT, "kill": kill.FAULT, "pause": pause.FAULT}
EVENTS = ("vote-granted", "became-leader")
OPERATIONS = ("read", "write")


def test_the_example_of_the_documentation() -> None:
    assert parse("partition=isolate-leader,kill=leader:2,pause", FAULTS) == (
        FaultSpec("partition", "isolate-leader"),
        FaultSpec("kill", "leader", 2),
        FaultSpec("pause"),
    )


def test_none_is_no_fault_and_spaces_do_not_matter() -> None:
    assert parse(" none ", FAULTS) == ()
    assert parse(" kill , partition = halves ", FAULTS) == (FaultSpec("kill"), FaultSpec("partition", "halves"))
    assert parse("kill = one : 2", FAULTS) == (FaultSpec("kill", "one", 2),)


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("after vote-granted: kill=its-node", Trigger(EVENT, "vote-granted")),
        ("after 1st vote-granted: kill=its-node", Trigger(EVENT, "vote-granted")),
        ("after 3rd vote-granted: kill its node", Trigger(EVENT, "vote-granted", 3)),
        (" after  any became-leader :kill = its-node ", Trigger(EVENT, "became-leader", 0)),
        ("after leader-change: kill=its-node", Trigger(LEADER_CHANGE)),
        ("after 22nd leader-change: kill=its-node", Trigger(LEADER_CHANGE, None, 22)),
        ("after failpoint before-sync: kill=its-node", Trigger(FAILPOINT, "before-sync")),
        ("after 111th operation write: kill=its-node", Trigger(OPERATION, "write", 111)),
        ("after any operation write: kill its\nnode", Trigger(OPERATION, "write", 0)),
        ('after log "became leader": kill=its-node', Trigger(LOG, "became leader")),
        ('after 3rd log "a, b: c=d (x)" : kill=its-node', Trigger(LOG, "a, b: c=d (x)", 3)),
        ('after any log"^[.*$": kill its node', Trigger(LOG, "^[.*$", 0)),
    ],
)
def test_what_sets_a_fault_off(text: str, trigger: Trigger) -> None:
    assert parse(text, FAULTS, EVENTS, OPERATIONS) == (FaultSpec("kill", "its-node", None, trigger),)


def test_faults_that_something_sets_off_stand_beside_the_others() -> None:
    text = "partition, after 3rd vote-granted: kill its node, after leader-change: pause=majority, kill=one:2"
    assert parse(text, FAULTS, EVENTS) == (
        FaultSpec("partition"),
        FaultSpec("kill", "its-node", None, Trigger(EVENT, "vote-granted", 3)),
        FaultSpec("pause", "majority", None, Trigger(LEADER_CHANGE)),
        FaultSpec("kill", "one", 2),
    )
    assert parse("after x: partition its node", FAULTS) == (
        FaultSpec("partition", "isolate-its-node", None, Trigger(EVENT, "x")),
    )
    assert parse("after x: kill=its-node:2", FAULTS)[0].size == 2


@pytest.mark.parametrize(
    ("text", "taught"),
    [
        ("after 3rd vote-grated: kill", "did you mean vote-granted?"),
        ("after leader-chang: kill", "did you mean leader-change?"),
        ("after zebra: kill", "expected one of became-leader, vote-granted, leader-change"),
        ("after operation writ: kill", "did you mean write?"),
        ("after 2th vote-granted: kill", "did you mean 2nd?"),
        ("after 3 vote-granted: kill", "did you mean 3rd?"),
        ("after 0th vote-granted: kill", "expected 1st to 1000000th, or any"),
        ("after 99999999th vote-granted: kill", "expected 1st to 1000000th, or any"),
        ("after ²nd vote-granted: kill", "expected 1st to 1000000th, or any"),
        ("after 3rd: kill", "after EVENT, after failpoint NAME"),
        ("after: kill", "after EVENT, after failpoint NAME"),
        ("after failpoint: kill", "after EVENT, after failpoint NAME"),
        ("after a b c: kill", "after EVENT, after failpoint NAME"),
        ("after failpoint a;b: kill", "after EVENT, after failpoint NAME"),
        ("after vote-granted", "a colon and a fault; for example after vote-granted: kill=its-node"),
        ("after vote-granted: ", "a colon and a fault"),
        ("after vote-granted: kil", "did you mean kill?"),
        ("after vote-granted: kill=itsnode", "did you mean its-node?"),
        ("after vote-granted: none", "the fault 'none'"),
        ("after vote-granted: after vote-granted: kill", "name=shape"),
        ("kill=its-node", "for example after 3rd vote-granted: kill=its-node"),
        ("kill its node", "for example after 3rd vote-granted: kill=its-node"),
        ("partition=isolate-its-node-one-way", "after 3rd vote-granted: partition=isolate-its-node-one-way"),
        ("afterwards", "the fault 'afterwards'"),
        ('after log "became leader: kill', "a quote that does not end"),
        ('after log "": kill', "1 to 200 printable characters"),
        ('after log "a\nb": kill', "1 to 200 printable characters"),
        ('after log "' + 201 * "x" + '": kill', "1 to 200 printable characters"),
        ("after log became-leader: kill", 'after log "TEXT"'),
        ('after 2th log "x": kill', "did you mean 2nd?"),
    ],
)
def test_mistakes_in_what_sets_a_fault_off_are_taught(text: str, taught: str) -> None:
    with pytest.raises(FaultSyntaxError, match="--faults: read ") as caught:
        parse(text, FAULTS, EVENTS, OPERATIONS)
    assert taught in str(caught.value)


@pytest.mark.parametrize(
    ("text", "taught"),
    [
        ("partitoin", "did you mean partition?"),
        ("isolate-leader", "did you mean partition=isolate-leader?"),
        ("partition=isolated-leader", "did you mean isolate-leader?"),
        ("zebra", "expected one of kill, partition, pause, or none"),
        ("kill=zebra", "expected one of leader, its-node, one, minority, majority, all"),
        ("kill=one:many", "a number from 1 to 999"),
        ("kill=one:0", "a number from 1 to 999"),
        ("kill=one:", "a number from 1 to 999"),
        ("kill=one:²", "a number from 1 to 999"),
        ("kill:2", "name=shape:number"),
        ("kill=", "name=shape"),
        ("", "name=shape"),
        ("kill,,pause", "name=shape"),
        ("kill,none", "none alone"),
        ("kill=one=two", "name=shape"),
        ("kill," * 300, "at most 1000"),
    ],
)
def test_errors_say_what_was_expected(text: str, taught: str) -> None:
    with pytest.raises(FaultSyntaxError, match="--faults: read ") as caught:
        parse(text, FAULTS)
    assert taught in str(caught.value)


names = st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True).filter(
    lambda name: name not in ("any", FAILPOINT, OPERATION, LOG, LEADER_CHANGE)
)
triggers = st.one_of(
    st.builds(Trigger, st.sampled_from((EVENT, FAILPOINT, OPERATION)), names, st.integers(0, 1000)),
    st.builds(Trigger, st.just(LOG), st.text("az,:= .*(", min_size=1, max_size=20), st.integers(0, 1000)),
    st.builds(Trigger, st.just(LEADER_CHANGE), st.none(), st.integers(0, 1000)),
)
specs = st.one_of(
    st.sampled_from(sorted(FAULTS)).flatmap(
        lambda name: st.builds(
            FaultSpec,
            st.just(name),
            st.sampled_from([shape for shape in FAULTS[name].shapes if "its-node" not in shape]),
            st.none() | st.integers(1, 999),
            st.none() | triggers,
        )
    ),
    st.builds(FaultSpec, st.sampled_from(["kill", "pause"]), st.just("its-node"), st.none(), triggers),
    st.builds(FaultSpec, st.sampled_from(sorted(FAULTS))),
)


@given(st.lists(specs, min_size=1, max_size=8))
def test_what_is_written_is_read_back(items: list[FaultSpec]) -> None:
    assert parse(",".join(map(str, items)), FAULTS) == tuple(items)


@given(st.text(alphabet='killpause=:,0123 -+\nafterstndylog"role', max_size=60) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text, FAULTS)
    except FaultSyntaxError as error:
        assert "expected" in str(error)  # noqa: PT017 - most texts are refused, some are not


def test_profiles_stand_alone() -> None:
    assert set(ALONE) == {*PROFILES, "all"}
    with pytest.raises(FaultSyntaxError, match="read 'calm' beside other faults; expected calm alone"):
        parse("calm,kill", FAULTS)
    with pytest.raises(FaultSyntaxError, match=r"did you mean brutal\?"):
        parse("brutl", FAULTS)
    with pytest.raises(FaultSyntaxError, match=r"did you mean kill\?"):
        parse("KILL", FAULTS)
