"""What the kernel says of a queued packet, as bytes; the kernel's own are read by the tests of real nodes."""

from __future__ import annotations

import struct

import pytest

from harness.agent.network.netlink import LOCAL_IN, Queued, _packet


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, *attributes: bytes) -> memoryview:
    body = struct.pack(">BBH", 2, 0, 27_411) + b"".join(attributes)
    return memoryview(struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body)


HEAD = attribute(1, struct.pack(">IHB", 77, 0x0800, LOCAL_IN))


@pytest.mark.parametrize("size", [20, 21, 22, 23, 1500])
def test_a_packet_is_found_among_what_else_is_said(size: int) -> None:
    content = bytes(range(256)) * 6
    told = message(3 << 8, HEAD, attribute(5, b"\0\0\0\2"), attribute(10, content[:size]), attribute(15, b"\0\0\0\1"))
    assert _packet(told) == Queued(77, LOCAL_IN, content[:size])


def test_any_other_message_carries_no_packet() -> None:
    assert _packet(message(2, b"\0" * 20)) is None


def test_a_message_that_ends_in_nonsense_is_read_as_far_as_it_makes_sense() -> None:
    assert _packet(message(3 << 8, HEAD, b"\0\0\0\0\0\0")) == Queued(77, LOCAL_IN, b"")
