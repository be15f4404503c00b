"""Our own format: what is written is read back, and what is damaged is refused with its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.formats import FormatError, jsonl
from harness.history import History, Op
from tests.harness.test_history import json_values

INVOKE = '{"type": "invoke", "process": 0, "f": "write", "value": 1}\n'
OK = '{"type": "ok", "process": 0, "f": "write", "value": 1}\n'


def read(*lines: str) -> History:
    return jsonl.read(lines, "h.jsonl").history


def refusal(*lines: str) -> FormatError:
    with pytest.raises(FormatError) as caught:
        read(*lines)
    return caught.value


@given(
    argument=json_values,
    result=json_values | st.floats(allow_nan=False, allow_infinity=False),
    outcome=st.sampled_from(["ok", "fail", "info"]),
    process=st.integers(0, 2**62),
    optional=st.fixed_dictionaries(
        {},
        optional={"key": st.integers(-5, 5) | st.text(), "error": json_values, "session": json_values,
                  "node": st.text(), "time": st.integers(0, 10**15), "extra": json_values},
    ),
)  # fmt: skip
def test_what_is_dumped_is_read_back(
    argument: Any, result: Any, outcome: Any, process: int, optional: dict[str, Any]
) -> None:
    ops = [Op("invoke", process, "swap", argument, **optional), Op(outcome, process, "swap", result, index=1)]
    history = read(jsonl.header() + "\n", *(jsonl.dump(op) + "\n" for op in ops))
    assert list(history) == list(History(ops))


def test_a_line_is_one_line_of_ascii() -> None:
    line = jsonl.dump(Op("ok", "nemesis", "start", "a\nb\u2028\ud800"))
    assert line.isascii()
    assert "\n" not in line


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_what_json_cannot_say_is_not_written(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        jsonl.dump(Op("invoke", 0, "write", value))


def test_index_time_and_header_are_optional_and_blank_lines_are_nothing() -> None:
    history = read(INVOKE, "\n", "  \r\n", OK)
    assert [(op.index, op.time) for op in history] == [(0, -1), (1, -1)]


def test_indices_may_have_gaps_and_nothing_needs_them() -> None:
    assert len(read(INVOKE.replace("}", ', "index": 10}'), OK.replace("}", ', "index": 17}'))) == 2


def test_strange_fields_are_kept() -> None:
    history = read(INVOKE.replace("}", ', "op-index": 7, "extra": {"a": 1}}'), OK)
    assert history[0].extra == {"a": 1, "op-index": 7}


def test_pairs_of_independent_keys_are_divided_when_asked() -> None:
    lines = [
        '{"type": "invoke", "process": 0, "f": "read", "value": [7, null]}\n',
        '{"type": "ok", "process": 0, "f": "read", "value": [7, 3]}\n',
        '{"type": "invoke", "process": 0, "f": "write", "value": [8, 1]}\n',
        '{"type": "info", "process": 0, "f": "write", "value": "timeout"}\n',
    ]
    history = jsonl.read(lines, "h", independent=True).history
    assert [(call.key, call.argument, call.result) for call in history.calls()] == [(7, None, 3), (8, 1, None)]
    assert "--independent" in refusal(*lines).expected
    with pytest.raises(FormatError, match=r"h:1: .*a pair \[key, value\]"):
        jsonl.read([INVOKE], "h", independent=True)


@pytest.mark.parametrize(
    ("line", "read", "expected"),
    [
        ("nonsense\n", "'nonsense', which is not JSON", "one JSON object per line"),
        ("[1]\n", "'[1]'", "one JSON object per line"),
        ('{"type": "ok"\n', "which is not JSON", "one JSON object per line"),
        ('{"type": "done", "process": 0, "f": "x", "value": 1}\n', "\"type\" 'done'", "invoke, ok, fail, info"),
        ('{"type": ["ok"], "process": 0, "f": "x", "value": 1}\n', "\"type\" ['ok']", "invoke, ok, fail, info"),
        ('{"process": 0, "f": "x", "value": 1}\n', "['f', 'process', 'value']", '"type"'),
        (OK.replace("0", "-1"), '"process" -1', "a client's number"),
        (OK.replace("0", "true"), '"process" True', "a client's number"),
        (OK.replace("0", "1.0"), '"process" 1.0', "a client's number"),
        (OK.replace("0", '""'), "\"process\" ''", "a client's number"),
        (OK.replace("0", "9223372036854775808"), '"process" 9223372036854775808', "a client's number"),
        (OK.replace('"write"', '"' + "w" * 1000 + '"'), '"f" \'www', "at most 200 characters"),
        (OK.replace("0", '"' + "p" * 1000 + '"'), '"process" \'ppp', "a name such as"),
        (OK.replace('"write"', "null"), '"f" None', "name"),
        (OK.replace("value", "valeu"), "'valeu'", '"value"'),
        (OK.replace("}", ', "Key": 3}'), "'Key'", '"key"'),
        (OK.replace("}", ', "value": 2}'), "'value' twice", "once"),
        (OK.replace("}", ', "key": true}'), '"key" True', "a string or an integer"),
        (OK.replace("}", ', "key": [1]}'), '"key" [1]', "a string or an integer"),
        (OK.replace("}", ', "time": 1.5}'), '"time" 1.5', "an integer of nanoseconds"),
        (OK.replace("}", ', "time": 9223372036854775808}'), '"time"', "an integer"),
        (OK.replace("}", ', "node": 3}'), '"node" 3', "a node's name"),
        (OK.replace("1}", "NaN}"), "NaN", "a JSON value"),
        (OK.replace("1}", "-Infinity}"), "-Infinity", "a JSON value"),
        (OK.replace("1}", "1e999}"), "'1e999'", "a double"),
        (OK.replace("1}", "1" * 5000 + "}"), "Exceeds the limit", "sane size"),
        (OK.replace("1}", "[" * 100_000 + "]" * 100_000 + "}"), "nested more than 64 deep", "flatter"),
        (OK.replace("1}", "[" * 100_000 + "\n"), "nested more than 64 deep", "flatter"),
        (OK.replace("1}", '"' + '\\"' * 100_000 + "[" * 100 + "\n"), "not JSON", "one JSON object per line"),
        (jsonl.header() + "\n", "a schema after the first line", "one history per file"),
        (OK.replace("write", "read"), "'read' completing operation 0", "'write', as invoked"),
        (INVOKE, "still running", "one operation at a time"),
        (OK.replace("0", "5"), "which runs nothing", "an invocation before it"),
    ],
)
def test_damage_is_refused_with_its_line(line: str, read: str, expected: str) -> None:
    error = refusal(jsonl.header() + "\n", "\n", INVOKE, line)
    assert (error.path, error.line) == ("h.jsonl", 4)
    assert read in error.read
    assert expected in error.expected
    assert len(str(error)) < 400, "an error message is bounded, whatever was read"


def test_brackets_in_strings_are_no_nesting() -> None:
    text = "[" * 1000 + '"{'
    assert read(INVOKE.replace("1}", json.dumps(text) + "}"))[0].value == text


def test_another_schema_is_refused() -> None:
    error = refusal('{"schema": "splitbrain.history/9"}\n', INVOKE)
    assert error.line == 1
    assert "splitbrain.history/9" in error.read


def test_indices_must_rise() -> None:
    error = refusal(INVOKE.replace("}", ', "index": 4}'), OK.replace("}", ', "index": 4}'))
    assert (error.line, error.read) == (2, '"index" 4 after 4')


@given(st.integers(0, len(OK) - 3))
def test_a_last_line_that_is_cut_off_is_an_error_wherever_it_is_cut(length: int) -> None:
    if length:
        error = refusal(INVOKE, OK[:length])
        assert error.line == 2
        assert "cut off" in error.read
    else:
        assert len(read(INVOKE)) == 1


def test_a_last_line_without_its_line_end_is_whole() -> None:
    assert len(read(INVOKE, OK.rstrip("\n"))) == 2


def test_the_names_of_operations_are_bounded() -> None:
    lines = (f'{{"type": "info", "process": "x", "f": "f{i}"}}\n' for i in range(20_000))
    with pytest.raises(FormatError, match="more than 10000 names of operations"):
        jsonl.read(lines, "h")
