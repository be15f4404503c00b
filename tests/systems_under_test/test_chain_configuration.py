"""The chain's configuration: places and neighbours, and which changes it takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.chain.configuration import Configuration, changed, extend, from_json, join, remove

REPLICAS = ("a", "b", "c")


def test_places_and_neighbours() -> None:
    configuration = Configuration(1, REPLICAS, joining="d")
    assert [configuration.place(node) for node in "abcde"] == ["head", "middle", "tail", "joining", "outside"]
    assert [configuration.predecessor(node) for node in "abcde"] == [None, "a", "b", "c", None]
    assert [configuration.successor(node) for node in "abcde"] == ["b", "c", "d", None, None]
    assert (configuration.head, configuration.tail) == ("a", "c")
    assert Configuration(1, ("a",)).place("a") == "alone"
    assert from_json(configuration.as_json()) == configuration


def test_the_successor_of_a_head_that_is_removed_is_the_head() -> None:
    for gone, head, tail in (("a", "b", "c"), ("b", "a", "c"), ("c", "a", "b")):
        after = changed(Configuration(1, REPLICAS), remove(Configuration(1, REPLICAS), [gone]))
        assert (after.epoch, after.head, after.tail) == (2, head, tail)


def test_who_joins_becomes_the_tail() -> None:
    start = Configuration(4, ("b", "c"))
    joining = changed(start, join(start, "a"))
    assert joining == Configuration(5, ("b", "c"), "a")
    assert changed(joining, extend(joining, "a")) == Configuration(6, ("b", "c", "a"))
    assert changed(joining, join(joining, "d")) == joining, "one at a time"
    assert changed(joining, extend(joining, "d")) == joining, "it has not caught up"
    assert changed(joining, remove(joining, ["a"])) == Configuration(6, ("b", "c"))
    assert changed(start, join(start, "b")) == start, "a member joins nothing"


def test_what_was_decided_about_another_configuration_changes_nothing() -> None:
    start = Configuration(4, REPLICAS)
    late = remove(Configuration(3, REPLICAS), ["a"])
    assert changed(start, late) == start


def test_the_last_replica_stays() -> None:
    start = Configuration(4, ("b", "c"))
    assert changed(start, remove(start, ["b", "c"])) == start
    alone = changed(start, remove(start, ["b"]))
    assert changed(alone, remove(alone, ["c"])) == alone


@given(st.lists(st.tuples(st.sampled_from((remove, join, extend)), st.sampled_from("abcd"), st.booleans())))
def test_an_epoch_names_one_configuration(steps: list[tuple[object, str, bool]]) -> None:
    configuration = Configuration(1, REPLICAS)
    for command, node, late in steps:
        assert callable(command)
        about = Configuration(configuration.epoch - late, configuration.chain, configuration.joining)
        before = configuration
        configuration = changed(before, command(about, [node] if command is remove else node))
        assert configuration.epoch == before.epoch + (configuration != before)
        assert len(set(configuration.chain)) == len(configuration.chain) > 0
        assert configuration.joining not in configuration.chain
