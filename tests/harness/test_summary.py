"""Values and bodies in few words: bounded, whatever they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.summary import TEXT_CHARS_MAX, Summary, brief, summary, text_of

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=60), inner, max_size=30),
    max_leaves=60,
)


@pytest.mark.parametrize(
    ("via", "body", "expected"),
    [
        ("send", {"type": "raft", "kind": "RequestVote", "term": 2}, ("RequestVote", "term=2")),
        ("call", {"type": "ship", "entries": []}, ("ship", "entries=[]")),
        ("reply", {"value": 3}, ("reply", "value=3")),
        ("reply", {"error": "not-leader", "leader": None}, ("error", "error=not-leader leader=null")),
        ("call", {"type": "request", "client": "c1", "f": "add", "key": "x", "value": 3},
         ("request", "x: add 3 client=c1")),
        ("call", {"type": "request", "f": "read", "key": None, "value": None}, ("request", "read")),
        ("send", {"type": "x", "entries": [[2, {"f": "add", "key": None, "value": 7}]]}, ("x", "entries=[[2, add 7]]")),
        ("reply", [True, 1.5], ("reply", "[true, 1.5]")),
        ("send", {"type": 7}, ("send", "")),
    ],
)  # fmt: skip
def test_a_body_is_its_type_and_its_fields(via: str, body: Any, expected: tuple[str, str]) -> None:
    assert summary(via, body) == expected


def test_a_summary_stays_what_it_is() -> None:
    done = Summary("vote", "term=2")
    assert summary("call", done) is done


@given(st.sampled_from(["send", "reply"]), values)
def test_whatever_it_is_it_is_short(via: str, body: Any) -> None:
    kind, text = summary(via, body)
    assert len(kind) <= 60
    assert len(text) <= TEXT_CHARS_MAX or not isinstance(body, dict)
    assert len(text_of(body)) <= TEXT_CHARS_MAX


def test_only_what_is_shown_is_looked_at() -> None:
    class Counted(list[int]):
        seen = 0

        def __iter__(self) -> Any:
            for item in super().__iter__():
                Counted.seen += 1
                yield item

    assert brief(Counted(range(1_000_000))).endswith("… 1000000 in all]")
    assert Counted.seen < 20
    assert brief(10**5000) == "a number of 16610 bits"
    nested: Any = 1
    for _ in range(500):
        nested = [nested]
    assert len(brief(nested)) < 100
