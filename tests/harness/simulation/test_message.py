"""What arrives of a message, copied or coded."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.node.wire import BODY_BYTES_MAX, WireError
from harness.simulation.message import Copier

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values))
def test_a_copy_is_what_the_codec_makes_of_it(body: dict[str, Any]) -> None:
    copied, coded = Copier(codec=False).copy(body), Copier(codec=True).copy(body)
    assert copied == coded
    assert repr(copied) == repr(coded), "types and order too"


def test_a_copy_shares_nothing() -> None:
    body: dict[str, Any] = {"list": [1, {"x": 2}]}
    copied = Copier(codec=False).copy(body)
    copied["list"][1]["x"] = 3
    copied["list"].append(4)
    assert body == {"list": [1, {"x": 2}]}


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize("codec", [False, True])
def test_what_is_not_json_is_refused(codec: bool) -> None:
    copier = Copier(codec=codec)
    for wrong in ([], "text", {"x": {1, 2}}, {"x": object()}, {"x": b"bytes"}):
        with pytest.raises(TypeError):
            copier.copy(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"(?i)not json|nan|compliant"):
        copier.copy({"x": float("nan")})
    assert copier.copy({"colour": Colour.RED}) == {"colour": "red"}


def test_keys_are_strings() -> None:
    with pytest.raises(TypeError):
        Copier(codec=False).copy({"x": {1: 2}})


@pytest.mark.parametrize("codec", [False, True])
def test_too_large_is_too_large(codec: bool) -> None:
    copier = Copier(codec=codec)
    with pytest.raises(WireError):
        copier.copy({"x": "a" * BODY_BYTES_MAX})
    with pytest.raises(WireError):
        copier.copy({"x": "ä" * (BODY_BYTES_MAX // 5)})  # six bytes each on the wire
    assert len(copier.copy({"x": "a" * (BODY_BYTES_MAX - 100)})["x"]) == BODY_BYTES_MAX - 100
