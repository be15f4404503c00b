"""What a power loss leaves of a file: every outcome is one that a disk may leave, and each kind of them comes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent.disk.power import SECTOR, Loss, Seen, Way, after_power_loss, common_bytes
from harness.agent.disk.power import _changed_names as changed_names
from harness.agent.disk.power import _kept_names as kept_names

NOTHING, PREFIX = Way(False, False, False), Way(True, False, False)
TORN, REORDERED, WORST = Way(True, True, False), Way(True, False, True), Way(True, True, True)

texts = st.binary(max_size=40) | st.integers(1, 5000).map(lambda size: bytes(range(1, 256)) * (size // 255 + 1))
seeds = st.integers(0, 10_000)


def outcome(stored: bytes, content: bytes, way: Way, seed: int = 0) -> tuple[bytes, Loss]:
    loss = Loss()
    return after_power_loss(stored, content, way, Random(seed), loss), loss


@given(texts, texts, seeds)
def test_nothing_is_kept_where_nothing_is_to_be(stored: bytes, added: bytes, seed: int) -> None:
    result, loss = outcome(stored, stored + added, NOTHING, seed)
    assert result == stored
    assert (loss.bytes, loss.writes, loss.torn) == (len(added), int(bool(added)), 0)


@given(texts, texts, seeds)
def test_an_untorn_write_is_there_or_not(stored: bytes, added: bytes, seed: int) -> None:
    result, loss = outcome(stored, stored + added, PREFIX, seed)
    assert result in (stored, stored + added)
    assert loss.bytes == len(stored) + len(added) - len(result)


@given(texts, st.binary(min_size=2, max_size=3000), seeds)
def test_a_torn_write_is_there_in_part(stored: bytes, added: bytes, seed: int) -> None:
    result, loss = outcome(stored, stored + added, TORN, seed)
    assert (stored + added).startswith(result)
    assert len(stored) < len(result) < len(stored) + len(added)
    assert (loss.bytes, loss.torn) == (len(stored) + len(added) - len(result), 1)


@given(texts, st.binary(min_size=1, max_size=5000), st.sampled_from([REORDERED, WORST]), seeds)
def test_reordered_sectors_leave_holes_of_zeros(stored: bytes, added: bytes, way: Way, seed: int) -> None:
    whole = stored + added
    result, loss = outcome(stored, whole, way, seed)
    assert result.startswith(stored)
    assert len(result) <= len(whole)
    kept = 0
    for at in range(len(stored), len(result), SECTOR):
        piece = result[at : at + SECTOR]
        assert whole[at : at + len(piece)] == piece or not piece.strip(b"\0")
        kept += len(piece) if whole[at : at + len(piece)] == piece else 0
    assert loss.bytes >= len(added) - kept


def test_later_sectors_are_kept_without_earlier_ones() -> None:
    whole = bytes(range(1, 201)) * 20
    results = [outcome(b"", whole, REORDERED, seed)[0] for seed in range(50)]
    assert any(result and not result[:SECTOR].strip(b"\0") for result in results)


@pytest.mark.parametrize("way", [NOTHING, PREFIX, TORN])
def test_a_length_that_was_stored_before_its_bytes_has_not_happened(way: Way) -> None:
    """As ext4 leaves it: the new length, and zeros."""
    for seed in range(20):
        result, loss = outcome(b"synced\0\0\0", b"synced123", way, seed)
        assert b"\0" not in result
        assert loss.bytes == len(b"synced123") - len(result)
    assert outcome(b"synced\0\0\0", b"synced123", REORDERED, 3)[0] != b""


def test_zeros_that_a_program_has_made_durable_stay() -> None:
    space = bytes(64 << 10)
    assert outcome(b"head" + space, b"head1234" + space[4:], NOTHING)[0] == b"head" + space


@given(st.binary(min_size=1, max_size=2000), seeds)
def test_a_file_that_was_cut_is_cut_or_not(stored: bytes, seed: int) -> None:
    short = stored[: len(stored) // 2]
    if stored[len(short) :].strip(b"\0"):
        assert outcome(stored, short, NOTHING, seed)[0] == stored
        assert outcome(stored, short, PREFIX, seed)[0] in (stored, short)


def test_bytes_changed_in_place_are_sectors_that_are_new_or_old() -> None:
    old, new = b"o" * 4096, b"n" * 2048 + b"o" * 1024 + b"n" * 1024
    for way in (NOTHING, PREFIX, TORN, REORDERED, WORST):
        for seed in range(30):
            result, loss = outcome(old, new, way, seed)
            pieces = [result[at : at + SECTOR] for at in range(0, 4096, SECTOR)]
            assert all(piece in (b"o" * SECTOR, b"n" * SECTOR) for piece in pieces)
            assert loss.bytes == new.count(b"n") - result.count(b"n")
            if way in (NOTHING, PREFIX):
                assert result in ((old, new) if way.keep else (old,))


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_the_common_beginning(one: bytes, other: bytes) -> None:
    length = common_bytes(one, other)
    assert one[:length] == other[:length]
    assert length == min(len(one), len(other)) or one[length] != other[length]


def test_names_are_told_apart_by_what_they_name() -> None:
    durable = {"a": Seen(1, 0, 10), "b": Seen(2, 0, 10), "tmp": Seen(3, 0, 10)}
    present = {"a": Seen(1, 0, 30), "c": Seen(3, 0, 40), "new": Seen(2, 7, 50)}
    assert changed_names(present, durable) == [("tmp", "c"), ("b", None), (None, "new")]
    assert changed_names(durable, durable) == []


def test_names_are_kept_in_their_order_or_any_but_none_over_a_lost_one() -> None:
    changes = [("tmp", "c"), ("b", None), (None, "b"), (None, "new")]
    assert list(kept_names(changes, NOTHING, Random(0))) == []
    prefixes = {len(kept_names(changes, PREFIX, Random(seed))) for seed in range(100)}
    assert prefixes == {0, 1, 2, 3, 4}
    for seed in range(30):
        prefix = list(kept_names(changes, PREFIX, Random(seed)))
        assert prefix == changes[: len(prefix)]
    kept = [list(kept_names(changes, REORDERED, Random(seed))) for seed in range(100)]
    assert all(("b", None) in names for names in kept if (None, "b") in names)
    assert any((None, "new") in names and ("tmp", "c") not in names for names in kept)
