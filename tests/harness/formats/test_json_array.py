"""Histories as one JSON array."""

from __future__ import annotations

import pytest

from harness.formats import FormatError, json_array
from harness.history import Op

INVOKE = '{"type": "invoke", "process": 0, "f": "read", "value": null}'


def read(text: str) -> json_array.Recording:
    return json_array.read(text.splitlines(keepends=True), "a.json")


def test_elements_are_operations_with_their_lines() -> None:
    recording = read(f'\n[ {INVOKE}\n,\n  {{"type": "ok",\n "process": 0, "f": "read", "value": "]"}} ]\n')
    assert list(recording.history) == [Op("invoke", 0, "read", None, index=0), Op("ok", 0, "read", "]", index=1)]
    assert list(recording.lines) == [2, 4]
    assert len(read(" [\n] ").history) == 0


def test_what_is_left_out() -> None:
    recording = read(
        '[{"type":"invoke","process":0,"value":[["append",1,2],["r",1,null]]},'
        '{"type":"ok","process":0,"value":[["append",1,2],["r",1,[2]]]},'
        '{"type":"invoke","process":0,"f":"acquire"},{"type":"fail","process":0,"f":"acquire","error":"held"}]'
    )
    assert [op.f for op in recording.history] == ["txn", "txn", "acquire", "acquire"]
    assert [op.value for op in recording.history][2:] == [None, None]
    with pytest.raises(FormatError, match='a field "value"'):
        read(f'[{INVOKE}, {{"type":"ok","process":0,"f":"read"}}]')


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (f"[{INVOKE}", 1, "the end of the file"),
        (f"[{INVOKE},\n", 2, "where no JSON can go on"),
        (f"[{INVOKE}\n {INVOKE}]", 2, ", or ] after an object"),
        (f"[{INVOKE}]\n[]", 1, "more text after the array"),
        ("[\n1]", 2, "an object"),
        ("{}", 1, "a JSON array"),
        ('[{"type": "invoke", "type": "ok"}]', 1, "twice"),
        (f"[{INVOKE.replace('null', '1e999')}]", 1, "a double can hold"),
        (f"[{INVOKE.replace('null', 'NaN')}]", 1, "equals nothing"),
        (f"[{INVOKE.replace('null', '9' * 5000)}]", 1, "sane size"),
        (f"[{INVOKE.replace('null', '[' * 100 + ']' * 100)}]", None, "nested"),
        (f"[\n{INVOKE.replace('invoke', 'ok')}]", 2, "runs nothing"),
    ],
)
def test_what_is_no_such_array(text: str, line: int | None, said: str) -> None:
    with pytest.raises(FormatError, match=r"a\.json") as caught:
        read(text)
    assert caught.value.line == line
    assert said in str(caught.value)
