"""Pairwise samples: every pair of values is there, in a set that counts if one has it, and the sample is small."""

from __future__ import annotations

from itertools import combinations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from harness import catalog
from harness.exam.pairwise import domains, pairwise
from harness.system import Option

DOMAINS = st.lists(st.integers(1, 5), max_size=6).map(
    lambda sizes: {f"o{place}": tuple(f"v{value}" for value in range(size)) for place, size in enumerate(sizes)}
)


def pairs(sets: list[dict[str, str]]) -> set[tuple[tuple[str, str], ...]]:
    return {pair for options in sets for pair in combinations(options.items(), 2)}


@settings(deadline=None, max_examples=30)
@given(DOMAINS)
def test_all_pairs_are_covered_and_the_sample_is_small(values: dict[str, tuple[str, ...]]) -> None:
    sample = pairwise(values)
    assert all(list(options) == list(values) for options in sample)
    assert pairs(sample) == {
        ((one, a), (other, b)) for one, other in combinations(values, 2) for a in values[one] for b in values[other]
    }
    largest = sorted(map(len, values.values()), reverse=True)[:2]
    least = 1
    for size in largest:
        least *= size
    assert least <= len(sample) <= 2 * least + 2 * len(values)


@settings(deadline=None, max_examples=30)
@given(DOMAINS.filter(lambda values: len(values) >= 2))
def test_a_pair_that_can_be_in_a_set_that_counts_is(values: dict[str, tuple[str, ...]]) -> None:
    """Where one value of one option makes a set worthless, it stands in sets of its own."""
    name = next(reversed(values))

    def counts(options: dict[str, str]) -> bool:
        return options[name] != "v1"

    sample = pairwise(values, counts)
    counting = [options for options in sample if counts(options)]
    possible = [dict(zip(values, row, strict=True)) for row in product(*values.values())]
    assert pairs(counting) == pairs([options for options in possible if counts(options)])
    assert pairs(sample) == pairs(possible)


def test_the_one_set_that_counts_is_found_although_greed_leads_away_from_it() -> None:
    values = {"o0": ("v0", "v1", "v2"), "o1": ("v0",), "o2": ("v0",), "o3": ("v0", "v1"), "o4": ("v0",),
              "o5": ("v0", "v1")}  # fmt: skip
    sample = pairwise(values, lambda options: options["o5"] == "v0")
    assert (("o0", "v1"), ("o3", "v0")) in pairs([options for options in sample if options["o5"] == "v0"])


def test_it_is_the_same_each_time() -> None:
    options = domains(catalog.system("single-leader").options)
    assert pairwise(options) == pairwise(options)


def test_an_integer_is_tried_with_its_default_and_half_of_it() -> None:
    options = {"many": Option("5", None, ""), "none": Option("0", None, ""), "two": Option("b", ("a", "b"), "")}
    assert domains(options) == {"many": ("5", "2"), "none": ("0",), "two": ("a", "b")}


def test_fewer_than_two_options() -> None:
    assert pairwise({}) == [{}]
    assert pairwise({"o": ("a", "b")}) == [{"o": "a"}, {"o": "b"}]
