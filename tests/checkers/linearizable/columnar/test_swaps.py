"""Pairs read from bytes, and pairs decoded, are the same pairs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from checkers.guard import OutOfTimeError
from checkers.linearizable.columnar.swaps import coded, swaps_of
from checkers.linearizable.limit import Limit
from checkers.value import Codes
from harness.columns import NIL, NUMBER, OTHER, PADDING, Columns, columns_of
from harness.formats.jsonl_columns import columns_in
from harness.history import History, Op

TEXTS = ["[1,2]", "[ 1 , 2 ]", "[\t-1,\r2]", "[null,3]", "[null,null]", "[-0,0]", "[007]", "[1]", "[1,2,3]", "[]",
         '["a","b"]', "[true,1]", "[1.0,1]", "[1e2,100]", "[[1],[1]]", '{"a":1}', '"12"', "7", "null", "true",
         "[999999999999999999,-999999999999999999]", "[9999999999999999999,1]", "[9223372036854775807,1]",
         "[-9223372036854775808,9223372036854775808]", "[12,nulls]", "[123456789012345678901234567890,1]"]  # fmt: skip
GOOD = [text for text in TEXTS if text not in ("[007]", "[12,nulls]")]


def _columns(text: str, *, spans: bool) -> Columns:
    if spans:
        lines = "".join(f'{{"type":"{t}","process":0,"f":"cas","value":{text}}}\n' for t in ("invoke", "ok"))
        found = columns_in(bytearray(lines.encode() + bytes(PADDING)), 0)
    else:
        value: Any = json.loads(text)
        found = columns_of(History([Op("invoke", 0, "cas", value), Op("ok", 0, "cas", value)]))
    assert found is not None
    return found


@pytest.mark.parametrize("text", GOOD)
def test_pairs(text: str) -> None:
    value, codes = json.loads(text), Codes()
    for spans in (True, False):
        found = swaps_of(_columns(text, spans=spans), np.array([0]), codes, Limit())
        assert found.strange.tolist() == [not (isinstance(value, list) and len(value) == 2)]
        if not found.strange[0]:
            old, new = (coded(part, codes) for part in value)
            assert (found.old_kinds[0], found.old_numbers[0]) == old
            assert (found.kinds[0], found.numbers[0]) == new


def test_codes() -> None:
    codes = Codes()
    assert coded(None, codes) == (NIL, 0)
    assert coded(-(2**63), codes) == (NUMBER, -(2**63))
    assert coded(2**63, codes)[0] == coded(True, codes)[0] == coded("1", codes)[0] == OTHER
    assert len({coded(value, codes) for value in (1, True, 1.0, "1", [1], 2**63)}) == 6


def test_no_time_is_left() -> None:
    with pytest.raises(OutOfTimeError):
        swaps_of(_columns('["a","b"]', spans=False), np.array([0]), Codes(), Limit().at_most(seconds=0))
