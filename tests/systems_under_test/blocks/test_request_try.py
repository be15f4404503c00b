"""What a node remembers of tries."""

from __future__ import annotations

from systems_under_test.blocks.request_try import REMEMBERED_MAX, TriesTakenUp


def test_each_try_of_each_client_is_taken_up_once_in_whatever_order() -> None:
    tries = TriesTakenUp()
    assert [tries.take_up("c1", {"try": number}) for number in (1, 2, 1, 4, 3, 4)] == [
        True, True, False, True, True, False]  # fmt: skip
    assert tries.take_up("c2", {"try": 1})


def test_who_numbers_nothing_is_always_answered() -> None:
    tries = TriesTakenUp()
    assert all(tries.take_up("c1", request) for request in ({}, {}, {"try": "1"}, {"try": "1"}, {"try": [1]}))


def test_what_it_remembers_is_bounded_and_the_oldest_goes_first() -> None:
    tries = TriesTakenUp()
    for number in range(REMEMBERED_MAX + 1):
        assert tries.take_up("c1", {"try": number})
    assert not tries.take_up("c1", {"try": 1})
    assert tries.take_up("c1", {"try": 0})
