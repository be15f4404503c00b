"""Frames: what goes out comes in, however it is cut; what is hostile is refused by name."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.node.wire import (
    BODY_BYTES_MAX,
    FRAME_BYTES_MAX,
    Decoder,
    Envelope,
    WireError,
    decode_bytes,
    encode_body,
    encode_bytes,
    frame,
    quote,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
BODY = st.dictionaries(st.text(), JSON, max_size=4)
ENVELOPE = st.builds(
    Envelope,
    st.sampled_from(["send", "call", "reply", "error"]),
    st.integers(0, 2**63 - 1),
    st.text(min_size=1, max_size=128),
    BODY,
)


def encoded(envelope: Envelope) -> bytes:
    return frame(envelope.kind, envelope.id, quote(envelope.source), encode_body(envelope.body))


def raw(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


@given(st.lists(ENVELOPE, max_size=4), st.lists(st.integers(1, 40), min_size=1))
def test_frames_survive_any_cutting(envelopes: list[Envelope], cuts: list[int]) -> None:
    stream, decoder = b"".join(map(encoded, envelopes)), Decoder()
    decoded: list[Envelope] = []
    while stream:
        cut = cuts[len(decoded) % len(cuts)]
        decoded += list(decoder.feed(stream[:cut]))
        stream = stream[cut:]
    assert decoded == envelopes


GOOD = {"kind": b'"call"', "id": b"1", "from": b'"c1"', "body": b"{}"}


def envelope_with(**changed: bytes | None) -> bytes:
    fields = {**GOOD, **{name.rstrip("_"): value for name, value in changed.items()}}
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in fields.items() if value) + b"}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "a JSON object"),
        (b"\xff\xfe", "a JSON object"),
        (b"[]", "expected an object"),
        (b"null", "expected an object"),
        (b'"text"', "expected an object"),
        (b"[" * 200_000, "a JSON object"),
        (b"9" * 10_000, "a JSON object"),
        (envelope_with() + b" x", "a JSON object"),
        (envelope_with(kind=b'"gossip"'), "the kind"),
        (envelope_with(kind=b"{}"), "the kind"),
        (envelope_with(kind=None), "the kind"),
        (envelope_with(id=b"-1"), "the id"),
        (envelope_with(id=b"true"), "the id"),
        (envelope_with(id=b"1.0"), "the id"),
        (envelope_with(id=b"9223372036854775808"), "the id"),
        (envelope_with(id=None), "the id"),
        (envelope_with(from_=b'""'), "the sender"),
        (envelope_with(from_=b'"%b"' % (b"x" * 129)), "the sender"),
        (envelope_with(from_=b"7"), "the sender"),
        (envelope_with(body=b"[]"), "a body"),
        (envelope_with(body=None), "a body"),
        (envelope_with(body=b'{"x":NaN}'), "the number NaN"),
        (envelope_with(body=b'{"x":-Infinity}'), "the number -Infinity"),
        (envelope_with(body=b'{"x":1e999}'), "the number 1e999"),
    ],
)
def test_hostile_content_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        list(Decoder().feed(raw(content)))


def test_the_good_envelope_of_the_test_above_is_good() -> None:
    assert list(Decoder().feed(raw(envelope_with()))) == [Envelope("call", 1, "c1", {})]


def test_frames_before_the_bad_one_are_given() -> None:
    good = Envelope("send", 0, "n1", {"v": 1})
    decoded = Decoder().feed(encoded(good) + raw(b"rubbish"))
    assert next(decoded) == good
    with pytest.raises(WireError):
        next(decoded)


def test_a_length_past_the_bound_is_refused_before_its_content_comes() -> None:
    with pytest.raises(WireError, match="frame length"):
        list(Decoder().feed(struct.pack(">I", FRAME_BYTES_MAX + 1)))
    assert list(Decoder().feed(struct.pack(">I", FRAME_BYTES_MAX))) == []


def test_the_largest_body_fits_a_frame_whatever_the_sender_is_called() -> None:
    body = {"data": "x" * (BODY_BYTES_MAX - len('{"data":""}'))}
    largest = frame("reply", 2**63 - 1, quote("\U0001f600" * 64), encode_body(body))
    assert len(largest) <= FRAME_BYTES_MAX + 4
    assert next(Decoder().feed(largest)).body == body
    with pytest.raises(WireError, match="at most"):
        encode_body({"data": body["data"] + "x"})


@pytest.mark.parametrize("value", [{"x": float("nan")}, {"x": {1, 2}}, {"x": b"bytes"}, ["list"]])
def test_what_is_not_json_is_an_error_of_the_program(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_body(value)


@given(st.binary())
def test_bytes_survive(data: bytes) -> None:
    assert decode_bytes(encode_bytes(data)) == data


@pytest.mark.parametrize("value", [None, "text", {}, {"base64": 7}, {"base64": "not base64!"}, {"base64": "é"}])
def test_hostile_bytes_are_refused(value: Any) -> None:
    with pytest.raises(WireError, match="expected bytes"):
        decode_bytes(value)
