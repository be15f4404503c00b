"""A reader as of a time sees what was written up to it, whatever came in which order and whatever is collected."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.versioned_value import TooOld, Version, VersionedStore

KEYS = "abc"
Write = tuple[str, int, bool]
WRITES = st.lists(
    st.tuples(st.sampled_from(KEYS), st.integers(1, 12), st.booleans()), max_size=15, unique_by=lambda write: write[:2]
)


def state(writes: Sequence[Write], as_of: int) -> dict[str, int]:
    """What is there at that time, the slow way: replay in the order of timestamps. A value is its own timestamp."""
    rows: dict[str, int] = {}
    for key, timestamp, removed in sorted(writes, key=lambda write: write[1]):
        if timestamp <= as_of:
            rows.pop(key, None)
            if not removed:
                rows[key] = timestamp
    return rows


def stored(writes: Sequence[Write]) -> VersionedStore[int]:
    store = VersionedStore[int]()
    for write in writes:
        put(store, write)
    return store


def put(store: VersionedStore[int], write: Write) -> None:
    key, timestamp, removed = write
    if removed:
        store.remove(key, timestamp)
    else:
        store.put(key, timestamp, timestamp)


def seen(store: VersionedStore[int], as_of: int) -> dict[str, int]:
    rows = {key: version.value for key, version in store.scan("a", "c", as_of)}
    assert list(rows) == sorted(rows)
    assert rows == {key: version.value for key in KEYS if (version := store.get(key, as_of)) is not None}
    return rows


@given(WRITES, st.integers(0, 13))
def test_a_read_is_a_replay_up_to_its_time(writes: list[Write], as_of: int) -> None:
    assert seen(stored(writes), as_of) == state(writes, as_of)


@given(WRITES, WRITES, st.integers(0, 13), st.integers(0, 13))
def test_collecting_is_not_seen_from_the_horizon_on(
    writes: list[Write], later: list[Write], horizon: int, as_of: int
) -> None:
    store = stored(writes)
    kept = len(store)
    assert store.collect(horizon) == kept - len(store)
    taken = {(key, timestamp) for key, timestamp, _ in writes}
    later = [write for write in later if write[1] >= horizon and write[:2] not in taken]
    for write in later:
        put(store, write)
    if as_of < horizon:
        with pytest.raises(TooOld):
            store.get("a", as_of)
    else:
        assert seen(store, as_of) == state([*writes, *later], as_of)


@given(WRITES, st.integers(0, 13))
def test_collecting_leaves_one_version_at_most_of_what_is_past(writes: list[Write], horizon: int) -> None:
    store = stored(writes)
    store.collect(horizon)
    after = [write for write in writes if write[1] > horizon]
    assert len(store) == len(after) + len(state(writes, horizon))


def test_the_same_version_twice_is_one_and_another_is_an_error() -> None:
    store = stored([("a", 1, False)])
    store.put("a", 1, 1)
    assert len(store) == 1
    with pytest.raises(AssertionError, match="two versions"):
        store.put("a", 1, 2)


def test_the_latest_may_be_a_tombstone() -> None:
    store = stored([("a", 2, True), ("a", 1, False)])
    assert store.latest("a") == Version(2, None, removed=True)
    assert store.latest("b") is None


def test_a_horizon_never_falls_and_nothing_is_written_below_it() -> None:
    store = stored([("a", 1, False), ("a", 5, False)])
    assert (store.collect(5), store.collect(3)) == (1, 0)
    with pytest.raises(TooOld):
        store.put("a", 4, 4)
