"""Queues as two tracks: what brute force says, with values put more than once, lost takes, and what was there first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from benchmarks.linearizable_histories import generate
from benchmarks.random_object import Container, Faulty, Object, Values, play, spoil
from checkers.linearizable import brute, tracks
from checkers.linearizable.certificate import refute
from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import KeyHistory
from checkers.linearizable.walk import TWO_TRACKS, race
from harness.history import History
from tests.checkers.linearizable.notation import of, single

HISTORIES = 2_000
PARTS = 4


def small(seed: int) -> KeyHistory:
    """A queue's history small enough for brute force; some operations perhaps took effect, with known results too."""
    random = Random(seed)
    queue = Container(
        Values(random, random.random() < 0.2), ["enqueue"], {"dequeue": lambda _: 0}, refuse_empty=random.random() < 0.5
    )
    queue.content = [random.randint(1, 3) for _ in range(random.choice((0, 0, 1, 3)))]
    first = list(queue.content)
    thing: Object = queue if random.random() < 0.2 else Faulty(queue, random, random.choice((0.1, 0.3, 0.6)))
    lines = play(thing, random.randint(2, 12), random.randint(1, 5), random.choice((0, 0, 0.1, 0.3)), random)
    key = single(History(spoil(lines, random, random.choice((0, 0, 1, 2)))), first, "queue")[0]
    if random.random() < 0.6:
        return key
    freed = {each.invoke for each in key.required if random.random() < 0.3}
    optional = [replace(e, complete=None) for e in key.required if e.invoke in freed and not key.model.observes(e.step)]
    required = tuple(each for each in key.required if each.invoke not in freed)
    return replace(key, required=required, optional=(*key.optional, *optional))


@pytest.mark.parametrize("part", range(PARTS))
def test_it_says_what_brute_force_says(part: int) -> None:
    counts: Counter[bool] = Counter()
    for seed in range(6_000_000 + part, 6_000_000 + HISTORIES, PARTS):
        key = small(seed)
        truth = brute.decide(key.model, key.initial, key.required, key.optional)
        if truth is None:
            continue
        laid = tracks.decide(key, Limit())
        assert laid is not None
        assert laid.outcome == ("valid" if truth else "invalid"), seed
        counts[truth] += 1
        if truth:
            assert refute(key, laid.order) is None, seed
        else:
            needed = tracks.needed(key, Limit())
            chosen = {each.invoke for each in needed}
            others = [replace(each, complete=None) for each in key.required
                      if each.invoke not in chosen and not key.model.observes(each.step)]  # fmt: skip
            assert not brute.decide(key.model, key.initial, needed, [*key.optional, *others]), seed
    assert min(counts.values()) > HISTORIES // PARTS // 10
    assert sum(counts.values()) > HISTORIES // PARTS * 9 // 10


def test_what_was_there_at_first_may_have_to_be_taken_away() -> None:
    key, _ = single(of(("dequeue", 1, 0, 1), ("dequeue", 2, 2, 3)), [1, 2], "queue")
    one, other = key.required
    freed = replace(key, required=(other,), optional=(replace(one, complete=None),))
    laid = tracks.decide(freed, Limit())
    assert laid is not None
    assert (laid.outcome, [each.invoke for each in laid.order]) == ("valid", [0, 2])
    assert race(freed, Limit(), ["depth-first"]).outcome == "valid"


def test_peeks_are_not_for_it() -> None:
    key, _ = single(of(("enqueue", 1, 0, 1), ("peek", 1, 2, 3)), model="queue")
    assert tracks.decide(key, Limit()) is None
    assert race(key, Limit()).outcome == "valid"


@pytest.mark.parametrize(("clients", "crashed"), [(3, 0), (8, 0), (5, 20)])
@pytest.mark.parametrize("valid", [True, False])
def test_where_others_give_up(clients: int, crashed: int, valid: bool) -> None:
    history, model = generate("queue-duplicates", seed=1, operations=500, clients=clients, valid=valid, crashed=crashed)
    key, _ = single(history, model=model)
    walked = race(key, Limit())
    assert (walked.outcome, walked.winner) == ("valid" if valid else "invalid", TWO_TRACKS)
    assert walked.configurations < 50_000


def test_limits_are_kept_and_tell_how_far_it_came() -> None:
    history, model = generate("queue-duplicates", seed=1, operations=500, clients=20, valid=False)
    laid = tracks.decide(single(history, model=model)[0], Limit(configurations=1_000))
    assert laid is not None
    assert (laid.outcome, laid.configurations) == ("memory", 1_001)
    assert laid.places > 100
