"""Fault files: what is read of them, and what their errors teach."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import catalog
from harness.fault import EVENT, FaultSpec, FaultSyntaxError, Trigger
from harness.faults.fault_file import BYTES_MAX, Words, is_file, read_file, read_mix
from harness.faults.mix import Entry, Mix, Moment, Phase, mixed_schedule

WORDS = Words(catalog.faults(), ("vote-granted", "became-leader"), ("read", "write"), ("server",))
EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "faults"
NODES = ("n1", "n2", "n3", "n4", "n5")

WHOLE = """
[[phase]]
name = "storm"
from = 12.5
until = "90%"
factor = 3

[[fault]]
name = "delay"
shape = "followers:2"
rate = 4
duration = [1, 4]
overlaps = true
phases = ["storm"]
amount = { delay_ms = [50, 100], jitter_ms = 5 }

[[fault]]
name = "kill"
at = [3, 8.5]
duration = 2

[[fault]]
name = "pause"
shape = "its-node"
trigger = "after 3rd vote-granted"
"""


def test_everything_that_can_be_said() -> None:
    mix = read_mix(WHOLE, "x.toml", WORDS)
    assert mix.phases == (Phase("storm", Moment(12.5), Moment(0.9, True), 3),)
    delay, kill, pause = mix.entries
    assert (delay.spec, delay.rate_per_min, delay.duration_s) == (FaultSpec("delay", "followers", 2), 4, (1, 4))
    assert (delay.overlaps, delay.phases) == (True, ("storm",))
    assert delay.amounts == {"delay_ms": (50, 100), "jitter_ms": (5, 5)}
    assert (kill.at_s, kill.duration_s, kill.overlaps) == ((3, 8.5), (2, 2), False)
    assert pause.spec == FaultSpec("pause", "its-node", None, Trigger(EVENT, "vote-granted", 3))
    assert len(mixed_schedule(mix, WORDS.faults, NODES, 30.0, 1)) >= 4


def test_a_file_is_named_by_its_ending() -> None:
    assert is_file("storm.toml")
    assert not any(map(is_file, ("kill", "brutal", "storm.json", "")))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_the_examples_are_fault_files(path: Path) -> None:
    mix = read_file(str(path), Words(catalog.faults(), catalog.system("raft").events, None, ("server",)))
    for seed in range(20):
        schedule = mixed_schedule(mix, WORDS.faults, NODES, 20.0, seed)
        assert {entry.fault for entry in schedule} == {entry.spec.name for entry in mix.entries}


ONE = '[[fault]]\nname = "kill"\n'


@pytest.mark.parametrize(
    ("text", "taught"),
    [
        ("", "--faults x.toml, fault: read nothing; expected one [[fault]] or more"),
        ("kill", "read what is no TOML"),
        ("faults = 3", "faults: read this key; expected one of fault, phase (did you mean fault?)"),
        ("fault = 3", "expected at most 100 tables"),
        (ONE, "line 1, [[fault]] 1 (kill), rate: read no times; expected one of rate, at, every, trigger"),
        (ONE + "rate = 3\nat = [1]", "line 4, [[fault]] 1 (kill), at: read rate and at; expected one of"),
        (ONE + 'rate = "often"', "line 3, [[fault]] 1 (kill), rate: read 'often'; expected a number from 0.001 to 600"),
        (ONE + "rate = nan", "expected a number"),
        (ONE + "rate = true", "expected a number"),
        (ONE + "rate = 0", "expected a number"),
        (ONE + "rate = 1\nduraton = 3",
         "line 4, [[fault]] 1 (kill), duraton: read this key; expected one of name, shape, "
         "rate, at, every, duration, overlaps, phases, amount, trigger (did you mean duration?)"),
        (ONE + "rate = 1\nduration = [4, 1]", "duration: read [4, 1]; expected the smaller number first"),
        (ONE + "rate = 1\nduration = [1, 2, 3]", "the least and the largest: [1, 4]"),
        (ONE + "rate = 1\noverlaps = 1", "overlaps: read 1; expected true or false"),
        (ONE + 'rate = 1\nphases = ["strom"]', "phases: read 'strom'; expected the name of a [[phase]]: there is none"),
        (ONE + "rate = 1\namount = { speed = 1 }", "amount: read 'speed'; expected one of probability"),
        (ONE + "rate = 1\namount = 3", "expected a table of figures"),
        (ONE + "rate = 1\namount = { probability = 2 }", "amount: read 2; expected a number from 0 to 1"),
        (ONE + "rate = 1\namount = { delay_ms = -2 }", "amount: read -2; expected a number from 0 to 1e+09"),
        (ONE + 'rate = 1\nshape = "leadr"',
         "line 4, [[fault]] 1 (kill), shape: read the shape 'leadr' of kill; expected"),
        (ONE + 'rate = 1\nshape = "role-broker"', "the role 'broker'"),
        (ONE + 'rate = 1\nshape = "one,pause"', "expected one fault, without a comma"),
        (ONE + "rate = 1\n\n\n" + '# a\n[[fault]]\nrate = 1\nname = "kil"',
         "line 9, [[fault]] 2 (kil), name: read the fault "
         "'kil'"),
        ('[[fault]]\nname = "kill,pause"\nrate = 1', "read 'kill,pause'; expected the name of a fault"),
        (ONE + 'trigger = "after 3rd vote-grantd"', "line 3, [[fault]] 1 (kill), trigger: read the event"),
        (ONE + 'trigger = "vote-granted"', "trigger: read"),
        (ONE + "at = []", "at: read an empty list"),
        (ONE + "at = [-1]", "at: read -1"),
        ('[[phase]]\nname = "a b"\n' + ONE + "rate = 1",
         "line 2, [[phase]] 1 (a b), name: read 'a b'; expected a name of"),
        ('[[phase]]\nname = "a"\nfrom = "50"\n' + ONE + "rate = 1", "seconds (12.5) or a share of the run (50%)"),
        ('[[phase]]\nname = "a"\nfrom = "150%"\n' + ONE + "rate = 1", "seconds (12.5) or a share of the run (50%)"),
        ('[[phase]]\nname = "a"\nfrom = 9\nuntil = 3\n' + ONE + "rate = 1",
         "until: read 3; expected a time after that of"),
        ('[[phase]]\nname = "a"\nfactor = -1\n' + ONE + "rate = 1",
         "factor: read -1; expected a number from 0 to 1000"),
    ],
)  # fmt: skip
def test_errors_say_what_was_read_expected_and_where(text: str, taught: str) -> None:
    with pytest.raises(FaultSyntaxError, match=r"--faults x\.toml") as caught:
        read_mix(text, "x.toml", WORDS)
    assert taught in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, content in (("large", b"#" * (BYTES_MAX + 1)), ("bytes", b"\xff\xfe")):
        (tmp_path / f"{name}.toml").write_bytes(content)
        with pytest.raises(FaultSyntaxError, match="expected"):
            read_file(str(tmp_path / f"{name}.toml"), WORDS)
    for missing in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(FaultSyntaxError, match="read nothing from"):
            read_file(str(missing), WORDS)


toml_values = st.sampled_from(
    (
        "1",
        "-1",
        "1e999",
        "nan",
        '"x"',
        '"50%"',
        "[]",
        "[1]",
        "[1, 2]",
        "true",
        "{}",
        "{ factor = 1 }",
        "1979-05-27",
        '""',
    )
)
keys = st.sampled_from(("name", "shape", "rate", "at", "every", "duration", "overlaps", "phases", "amount", "trigger",
                        "from", "until", "factor", "x"))  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(("fault", "phase")), st.dictionaries(keys, toml_values, max_size=5)), max_size=4)
)
def test_any_file_is_read_or_refused(tables: list[tuple[str, dict[str, str]]]) -> None:
    text = "".join(
        f'[[{kind}]]\nname = "kill"\n' + "".join(f"{key} = {value}\n" for key, value in table.items() if key != "name")
        for kind, table in tables
    )
    try:
        assert isinstance(read_mix(text, "x.toml", WORDS), Mix)
    except FaultSyntaxError as error:
        assert "expected" in str(error)  # noqa: PT017 - most are refused, some are not


def test_an_entry_says_where_it_stood() -> None:
    (entry,) = read_mix("\n\n" + ONE + "at = [99]", "x.toml", WORDS).entries
    assert isinstance(entry, Entry)
    with pytest.raises(FaultSyntaxError, match=r"x.toml, line 3, \[\[fault\]\] 1 \(kill\): read at = 99 s"):
        mixed_schedule(Mix((entry,)), WORDS.faults, NODES, 30.0, 1)
