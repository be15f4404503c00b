"""IPv4 packets: their ends, their length, and that a spoiled one is found out by its checksum."""

from __future__ import annotations

import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent.network.packet import destination, size_bytes, source, spoiled

SOURCE, TARGET = bytes([198, 18, 0, 1]), bytes([198, 18, 0, 2])


def total(data: bytes) -> int:
    """The Internet checksum's sum (RFC 1071): 0xFFFF over what has a valid checksum in it."""
    padded = data + bytes(len(data) % 2)
    value = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return value


def packet(protocol: int, content: bytes, options: bytes = b"") -> bytes:
    """A TCP (6) or UDP (17) packet with a valid checksum; ``options`` make TCP's header longer."""
    if protocol == 6:
        head = struct.pack(">HHIIBBHHH", 7000, 40000, 1, 2, (5 + len(options) // 4) << 4, 16, 500, 0, 0) + options
        place = 16
    else:
        head, place = struct.pack(">HHHH", 7000, 40000, 8 + len(content), 0), 6
    segment = bytearray(head + content)
    pseudo = SOURCE + TARGET + struct.pack(">BBH", 0, protocol, len(segment))
    segment[place : place + 2] = struct.pack(">H", ~total(pseudo + bytes(segment)) & 0xFFFF)
    length = 20 + len(segment)
    return struct.pack(">BBHHHBBH", 0x45, 0, length, 0, 0, 64, protocol, 0) + SOURCE + TARGET + bytes(segment)


def is_valid(whole: bytes) -> bool:
    pseudo = SOURCE + TARGET + struct.pack(">BBH", 0, whole[9], len(whole) - 20)
    return total(pseudo + whole[20:]) == 0xFFFF


def test_the_head_says_whose_it_is_and_how_long() -> None:
    whole = packet(6, b"x" * 1000)
    assert (source(whole), destination(whole), size_bytes(whole[:60])) == (SOURCE, TARGET, 1040)


@given(st.sampled_from([6, 17]), st.binary(max_size=200), st.integers(0, 5), st.integers(0, 1000))
def test_a_spoiled_packet_differs_by_one_byte_and_its_checksum_tells(
    protocol: int, content: bytes, options: int, seed: int
) -> None:
    whole = packet(protocol, content, bytes([1] * 4 * options))
    assert is_valid(whole)
    bad = spoiled(whole, Random(seed))
    assert len(bad) == len(whole)
    assert sum(a != b for a, b in zip(whole, bad, strict=True)) == 1
    assert bad[:20] == whole[:20], "it must still find its way"
    assert not is_valid(bad)


@pytest.mark.parametrize("protocol", [6, 17])
def test_where_there_is_content_that_is_spoiled_and_no_head(protocol: int) -> None:
    whole = packet(protocol, b"content")
    for seed in range(50):
        assert spoiled(whole, Random(seed))[: -len(b"content")] == whole[: -len(b"content")]
