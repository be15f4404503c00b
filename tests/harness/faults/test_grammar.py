"""The grammar of --faults: what it reads, and what its errors teach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fault import Fault, FaultSpec, FaultSyntaxError
from harness.faults import kill, partition, pause
from harness.faults.grammar import parse

FAULTS: dict[str, Fault] = {"partition": partition.FAULT, "kill": kill.FAULT, "pause": pause.FAULT}


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
    ("text", "taught"),
    [
        ("partitoin", "did you mean partition?"),
        ("isolate-leader", "did you mean partition=isolate-leader?"),
        ("partition=isolated-leader", "did you mean isolate-leader?"),
        ("zebra", "expected one of kill, partition, pause, or none"),
        ("kill=zebra", "expected one of leader, one, minority, majority, all"),
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


specs = st.one_of(
    st.sampled_from(sorted(FAULTS)).flatmap(
        lambda name: st.builds(
            FaultSpec, st.just(name), st.sampled_from(sorted(FAULTS[name].shapes)), st.none() | st.integers(1, 999)
        )
    ),
    st.builds(FaultSpec, st.sampled_from(sorted(FAULTS))),
)


@given(st.lists(specs, min_size=1, max_size=8))
def test_what_is_written_is_read_back(items: list[FaultSpec]) -> None:
    assert parse(",".join(map(str, items)), FAULTS) == tuple(items)


@given(st.text(alphabet="killpause=:,0123 -\n", max_size=60) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text, FAULTS)
    except FaultSyntaxError as error:
        assert "expected" in str(error)  # noqa: PT017 - most texts are refused, some are not
