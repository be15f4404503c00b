"""Whether a read missed a write in its past: as a search through all paths says, also where chunks and windows meet."""

from __future__ import annotations

from random import Random

import pytest

from checkers.transactional import past
from checkers.transactional.commit_order import CommitOrder, Executed, Seen, executed
from checkers.transactional.past import dependencies, missed_in_past
from checkers.transactional.transaction import transactions
from tests.checkers.transactional.notation import concurrent


def by_definition(found: Executed, edges: list[list[int]]) -> bool:
    """Some read's reader reaches the writer of a later version."""
    for reader, reads in enumerate(found.reads):
        reached, waiting = {reader}, [reader]
        while waiting:
            for earlier in edges[waiting.pop()]:
                if earlier not in reached:
                    reached.add(earlier)
                    waiting.append(earlier)
        for seen in reads:
            if any(each in reached for each in found.chains.get(seen.key, [])[seen.versions :] if each != reader):
                return True
    return False


def drawn(random: Random) -> Executed:
    """Transactions that write and read anything of what came before them."""
    texts = [" ".join(f"a{key}{10 * number}" for key in random.sample("xyz", random.randint(0, 2))) + " rw_"
             for number in range(random.randint(2, 9))]  # fmt: skip
    found = executed(transactions(concurrent(*texts)), CommitOrder(range(len(texts))))
    for position in range(len(texts)):
        keys = random.sample("xyz", random.randint(1, 3))
        before = {key: sum(each < position for each in found.chains.get(key, [])) for key in keys}
        fresh = random.random() < 0.4
        found.reads.append([
            Seen(key, before[key] if fresh else random.randint(0, before[key]), own=False, place=0) for key in keys
        ])  # fmt: skip
    return found


@pytest.mark.parametrize("chunk", [1, 2, 2_048])
@pytest.mark.parametrize("versions", [False, True])
def test_as_by_definition(monkeypatch: pytest.MonkeyPatch, chunk: int, versions: bool) -> None:
    monkeypatch.setattr(past, "_CHUNK", chunk)
    answers = {True: 0, False: 0}
    for number in range(400):
        found = drawn(Random(number))
        edges = dependencies(found, [[] for _ in found.reads], versions=versions, missed=lambda position: versions)
        missed = missed_in_past(found, edges, lambda position: True)
        truth = by_definition(found, edges)
        assert (missed is not None) is truth, number
        answers[truth] += 1
    assert min(answers.values()) > 30, answers
